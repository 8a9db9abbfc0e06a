"""Parameters that a command line gives are checked before the method sees them."""

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError
from nasturtium.run.bench.entry import entry_of
from nasturtium.run.names import METHODS, parameters_of, resolve
from nasturtium.run.parameters import check_parameters
from nasturtium.strategy.fixed import Fixed
from nasturtium.testing.toys import ToyEvaluator, flat_space


def check(name, **given):
    check_parameters(name, resolve("method", name), given)


def test_the_defaults_of_every_strategy_can_be_set():
    for name in METHODS:
        known = parameters_of(resolve("method", name))
        plain = {key: p.default for key, p in known.items() if isinstance(p.default, int | float | str)}
        check(name, **plain)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("controller", {"prior": "a"}, r"Sequence\[Sequence\[Trial\]\].*--warm-from.*prior=.*: learning"),
        ("controller", {"skips": "a"}, r"skips is 'a'.*Mapping\[str, str\].*return Controller\(.*skips="),
        ("pnas", {"growth": 3}, r"growth is 3.*Grows \| None.*here: beam, first, scored, predictor$"),
        ("evolution", {"population": "many"}, "population is 'many'; it must be a whole number"),
        ("evolution", {"population": True}, "it must be a whole number"),
        ("hyperband", {"sizes": "x"}, "it must be 'paper' or 'hpbandster'"),
        ("nasbot", {"children": [50]}, "a list of 2 in a settings file, each a whole number"),
    ],
)  # fmt: skip
def test_what_a_parameter_cannot_be_is_refused_with_what_to_do(name, given, said):
    with pytest.raises(ConfigError, match=said):
        check(name, **given)


def test_numbers_texts_and_lists_are_taken_as_they_are_meant():
    check("controller", learning_rate=1)
    check("halving", fidelities=[2, 8], inner="evolution")
    check("halving", fidelities="2,8")
    check("nasbot", children=[50, 500])
    check("pnas", predictor="lstm")


def test_a_method_whose_types_nobody_can_know_takes_anything():
    def mine(space, *, heat, cold: "Unheard", steps: "int | None" = None):  # noqa: F821
        """Of a user."""

    check_parameters("mine", mine, {"heat": [1], "cold": "x", "steps": 3})
    with pytest.raises(ConfigError, match="steps is 'x'"):
        check_parameters("mine", mine, {"steps": "x"})


def test_a_bench_refuses_it_too():
    with pytest.raises(ConfigError, match="prior is 3, but"):
        entry_of("controller(prior=3)")


def test_the_advice_holds(tmp_path):
    space = flat_space()

    def mine(space, *, seed=0, objectives=()):
        return Fixed(space, [space.unrank(7)])

    run = nt.search(
        space, evaluator=ToyEvaluator(space), method=mine, minimize="error", out=tmp_path, budget=1
    )
    assert [trial.architecture for trial in run.trials()] == [space.unrank(7)]
