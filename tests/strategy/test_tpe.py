import logging

import optuna
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.blocks import classifier, conv, separable
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.tpe import TPE
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import conditional_space, flat_space

STEPS = 21


def branches():
    """Two blocks to choose from, each with a width of its own on a scale of 0, 0.05 ... 1."""
    grid = tuple(range(1, STEPS + 1))
    return Space(choice(conv(choice(*grid)), separable(choice(*grid))), classifier())


def branch_error(space, architecture):
    """(x - 0.3)^2 in the first branch, 0.05 + (y - 0.7)^2 in the second: Bergstra et al. 2013 in small."""
    branch = architecture.choices[0]
    here = next(i for i, there in enumerate(space.active(architecture)) if there and i)
    share = architecture.choices[here] / (STEPS - 1)
    return (share - 0.3) ** 2 if branch == 0 else 0.05 + (share - 0.7) ** 2


def searched(strategy, space, budget):
    """Returns whether each ask was in the first branch."""
    asked = []
    for _ in range(budget):
        (candidate,) = strategy.ask(1)
        asked.append(candidate.point.choices[0] == 0)
        strategy.tell([Trial(candidate, {"error": branch_error(space, candidate.point)})])
    return asked


@pytest.mark.slow
def test_it_settles_in_the_right_branch_in_nine_of_ten_seeds():
    """Within 60 evaluations: the best is there, and so are most of the last twenty asks."""
    space = branches()
    settled = 0
    for seed in range(50):
        strategy = TPE(space, seed=seed)
        asked = searched(strategy, space, 60)
        settled += strategy.best(1)[0].choices[0] == 0 and sum(asked[-20:]) > 10
    assert settled >= 45, f"{settled} of 50"


def test_it_asks_mostly_in_the_right_branch_and_a_random_search_does_not():
    space = branches()
    informed, blind = (sum(searched(make(space), space, 40)[-20:]) for make in (TPE, RandomSearch))
    assert informed >= 15 > blind


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_every_setting_asks_in_the_space(joint, ordered):
    space = conditional_space()
    strategy = TPE(space, joint=joint, ordered=ordered, startup=5, candidates=8)
    for _ in range(15):
        asked = strategy.ask(2)
        assert all(candidate.point in space for candidate in asked)
        strategy.tell(tell_all(space, asked))


def test_it_learns_from_what_it_did_not_ask_for():
    space = flat_space()
    told, alone = TPE(space, startup=5), TPE(space, startup=5)
    told.tell(tell_all(space, [Candidate(space.unrank(rank)) for rank in range(60, 81)]))
    assert told.best(1)
    assert told.ask(5) != alone.ask(5)


def test_what_is_being_evaluated_is_avoided():
    space = flat_space()
    strategy = TPE(space, startup=5)
    strategy.tell(tell_all(space, [Candidate(space.unrank(rank)) for rank in range(0, 81, 4)]))
    assert len({candidate.point for candidate in strategy.ask(12)}) > 6


def test_optuna_says_nothing_and_is_left_as_it_was(caplog, capsys):
    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.DEBUG):
            searched(TPE(branches()), branches(), 15)
    finally:
        optuna.logging.disable_propagation()
    assert not caplog.records
    assert capsys.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


@pytest.mark.parametrize("wrong", [{"startup": 0}, {"candidates": 0}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError, match="must be 1 or more"):
        TPE(flat_space(), **wrong)
