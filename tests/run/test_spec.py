import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.recipe import Recipe
from nasturtium.run.spec import Retraining, Spec, read_spec
from nasturtium.run.typed import from_table, to_table, write_toml

specs = st.builds(
    Spec,
    data=st.text(),
    minimize=st.lists(st.text(), min_size=1).map(tuple),
    subject_to=st.lists(st.text()).map(tuple),
    budget=st.text() | st.integers(),
    out=st.none() | st.text(),
    seed=st.integers(-(2**62), 2**62),
    baseline=st.booleans(),
    parameters=st.dictionaries(
        st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
        st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(),
    ),
    recipe=st.builds(Recipe, epochs=st.integers(1, 99), lr=st.none() | st.floats(1e-6, 1)),
    retrain=st.builds(Retraining, picks=st.integers(0, 9), epochs=st.none() | st.integers(1, 9)),
)


@given(specs)
def test_a_specification_is_read_as_it_was_written(spec):
    assert from_table(Spec, tomllib.loads(spec.to_toml()), "x") == spec
    assert from_table(Spec, to_table(spec), "x") == spec


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_what_is_not_given_takes_its_default(tmp_path):
    path = written(tmp_path, 'space = "resnet"\nminimize = "error"\n[recipe]\nepochs = 3\nlr = 1\n')
    assert read_spec(path) == Spec(space="resnet", minimize=("error",), recipe=Recipe(epochs=3, lr=1.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('methd = "random"', r"unknown key 'methd' \(.*mine.toml\).*did you mean 'method'"),
        ("[recipe]\nepoch = 3", r"unknown key 'epoch' \(.*mine.toml, \[recipe\]\).*did you mean 'epochs'"),
        ('seed = "one"', r"mine.toml: seed is 'one'; it must be a whole number"),
        ("seed = 1.5", "it must be a whole number"),
        ("seed = true", "it must be a whole number"),
        ("baseline = 1", "it must be true or false"),
        ("minimize = [1]", "it must be a list of texts"),
        ("minimize = []", "minimize is empty"),
        ("budget = 1.5", "it must be a text or a whole number"),
        ('[recipe]\noptimizer = "adam"', "'sgd', 'adamw'"),
        ('recipe = "fast"', "it must be a table"),
        ("[retrain]\ntimes = 0", "times is 0"),
        ("[retrain]\npicks = -1", "picks is -1"),
        ("[retrain]\nepochs = 0", "epochs is 0"),
        ("space = ", "mine.toml is not TOML"),
    ],
)
def test_bad_files_are_refused_with_what_is_wrong(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_spec(written(tmp_path, text))


def test_an_unknown_key_is_an_unknown_name(tmp_path):
    with pytest.raises(UnknownName):
        read_spec(written(tmp_path, "x = 1"))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*none.toml"):
        read_spec(tmp_path / "none.toml")


def test_toml_has_scalars_before_tables():
    text = write_toml({"a": {"b": [1, "x"], "c": True}, "d": 0.5, "e": {}})
    assert text == 'd = 0.5\n\n[a]\nb = [1, "x"]\nc = true\n'
