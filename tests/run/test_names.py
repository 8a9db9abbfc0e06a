import importlib
import inspect
import sys

import pytest

from nasturtium.errors import ConfigError, DataError, UnknownName
from nasturtium.run.names import (
    KINDS,
    METHODS,
    SPACES,
    parameters_of,
    resolve,
    space_named,
    table_named,
    task_named,
)
from nasturtium.space.space import Space


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names])
def test_every_name_leads_somewhere(kind, name):
    assert callable(resolve(kind, name))
    assert inspect.getdoc(resolve(kind, name))


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
def test_names_are_sorted(names):
    assert list(names) == sorted(names)


@pytest.mark.parametrize("name", SPACES)
def test_spaces_come_in_sizes(name):
    assert isinstance(space_named(name), Space)
    assert space_named(f"{name}/small").fingerprint == space_named(name).fingerprint
    assert space_named(f"{name}/published").count > 1
    with pytest.raises(ConfigError, match="huge"):
        space_named(f"{name}/huge")


@pytest.mark.parametrize("name", METHODS)
def test_methods_take_what_every_method_takes(name):
    method = resolve("method", name)
    assert {"space", "seed", "objectives"} <= set(inspect.signature(method).parameters)
    assert not {"space", "seed", "objectives"} & set(parameters_of(method))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown method 'evolutoin'.*did you mean 'evolution'"):
        resolve("method", "evolutoin")
    with pytest.raises(UnknownName, match="did you mean 'mobilenet'"):
        space_named("mobilnet")
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        task_named("digit")


def test_a_dotted_path_is_accepted():
    found = resolve("method", "nasturtium.strategy.random:RandomSearch")
    assert found is importlib.import_module("nasturtium.strategy.random").RandomSearch


def test_a_file_is_accepted(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from nasturtium.testing.toys import flat_space\n"
        "space = flat_space()\n"
        "@dataclass\n"
        "class Mine:\n"
        "    space: object\n    seed: int = 0\n    objectives: tuple = ()\n    heat: float = 1.0\n"
    )
    assert list(parameters_of(resolve("method", f"{path}:Mine"))) == ["heat"]
    assert space_named(f"{path}:space").name == "flat"
    with pytest.raises(UnknownName, match="did you mean 'Mine'"):
        resolve("method", f"{path}:Mina")


def test_a_genotype_is_a_space_of_one_network():
    by_name = space_named("genotype:DARTS_V2/small")
    text = "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1)], normal_concat=[2], "
    by_text = space_named(
        f"genotype:{text}reduce=[('skip_connect', 0), ('skip_connect', 1)], reduce_concat=[2])"
    )
    assert (by_name.name, by_name.count) == ("DARTS_V2", 1)
    assert (by_text.name, by_text.count) == ("genotype", 1)
    with pytest.raises(UnknownName, match=r"unknown genotype 'DARTS_V3'.* did you mean 'DARTS_V"):
        space_named("genotype:DARTS_V3")


def test_what_cannot_be_imported_says_why(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def (")
    with pytest.raises(ConfigError, match="SyntaxError"):
        resolve("method", f"{path}:Mine")
    with pytest.raises(ConfigError, match="there is no file"):
        resolve("method", f"{tmp_path}/none.py:Mine")
    with pytest.raises(ConfigError, match="No module named 'nonesuch'"):
        resolve("method", "nonesuch.mine:Mine")


def test_a_file_may_import_its_neighbours_now_and_later(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "neighbour_at_once.py").write_text("from nasturtium.testing.toys import flat_space\n")
    (tmp_path / "neighbour_later.py").write_text("from neighbour_at_once import flat_space\n")
    (tmp_path / "mine.py").write_text(
        "import neighbour_at_once\n"
        "def space():\n    from neighbour_later import flat_space\n    return flat_space()\n"
    )
    monkeypatch.chdir(tmp_path)
    for path in ("mine.py", tmp_path / "mine.py"):
        assert space_named(f"{path}:space").name == "flat"
    assert sys.path.count(str(tmp_path)) == 1
    for name in ("neighbour_at_once", "neighbour_later"):
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f():\n    return {}['x']\nf()", r"KeyError: 'x' \(line 2\)"),
        ("raise ValueError('so\\nso')", r"ValueError: so so \(line 1\)"),
        ("\nimport nonesuch", r"ModuleNotFoundError: No module named 'nonesuch' \(line 2\)"),
        ("from nasturtium import blocks\nblocks.conv()", r"TypeError: .*'out' \(line 2\)"),
    ],
)
def test_an_error_in_a_file_names_file_and_line(tmp_path, monkeypatch, text, problem):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(ConfigError, match=rf"space '.*broken\.py:mine' cannot be imported: {problem}$"):
        space_named(f"{tmp_path / 'broken.py'}:mine")


def test_an_error_in_a_function_names_file_and_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "late.py").write_text("def mine(seed=0):\n    return [][0]\n")
    for kind, named in (("space", space_named), ("task", task_named), ("table", table_named)):
        problem = rf"{kind} '.*late\.py:mine' cannot be made: IndexError: list index out of range \(line 2\)$"
        with pytest.raises(ConfigError, match=problem):
            named(f"{tmp_path / 'late.py'}:mine")


def test_a_task_is_found_by_its_source_or_path(tmp_path):
    assert task_named("digits", seed=3).seed == 3
    path = tmp_path / "data.py"
    path.write_text(
        "from nasturtium.tasks import image_classification\n"
        "def few(seed):\n    return image_classification('digits', seed=seed, max_train=50)\n"
    )
    assert len(task_named(f"{path}:few", seed=1).full) == 50


def test_a_table_is_found_by_name_data_set_and_epochs():
    table = table_named("nasbench201/cifar100/12", seed=4)
    assert (table.epochs, table.seed, table.space.outputs) == (12, 4, 100)
    assert table_named("nasbench201").epochs == 200
    assert table_named("nasbench_macro").seed is None


def test_a_table_that_is_not_there_says_what_is(tmp_path):
    with pytest.raises(UnknownName, match=r"unknown table .nasbench. .*did you mean"):
        table_named("nasbench")
    with pytest.raises(UnknownName, match="unknown data set of NAS-Bench-201 'cifar'"):
        table_named("nasbench201/cifar")
    with pytest.raises(ConfigError, match="no training of 13 epochs in the table of nasbench201; it has 12"):
        table_named("nasbench201/cifar10/13")
    with pytest.raises(ConfigError, match=r"has 3 parts after its name; write nasbench201/DATASET/EPOCHS"):
        table_named("nasbench201/cifar10/12/5")
    with pytest.raises(DataError, match=r"there is no file .*mine\.csv"):
        table_named(f"{tmp_path}/mine.csv")


def test_a_table_of_ones_own_is_a_file_or_a_function(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("lr,error\n0.1,0.5\n0.2,0.4\n")
    assert table_named(str(path), seed=1).optimum() == 0.4
    one = space_named("nasbench_macro").unrank(7)
    path.write_text(f"architecture,error\n{space_named('nasbench_macro').text(one)},0.25\n")
    assert table_named(f"{path}:nasbench_macro/small").truth(one) == {"error": 0.25}
    module = tmp_path / "tables.py"
    module.write_text(
        "from nasturtium.evaluate.tables.nasbench_macro import nasbench_macro\n"
        "def mine(seed):\n    return nasbench_macro(seed=seed)\n"
        "table = nasbench_macro()\n"
    )
    assert table_named(f"{module}:mine", seed=9).seed == 9
    with pytest.raises(ConfigError, match="is a Table; give a function of the seed"):
        table_named(f"{module}:table")
