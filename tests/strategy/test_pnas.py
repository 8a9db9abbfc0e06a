"""PNAS: levels, what is expanded and what is asked for."""

from itertools import pairwise

import numpy as np
import pytest

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.protocols import Trial
from nasturtium.space.blocks import Identity, classifier, conv, identity, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.space.zoo.pnas import pnas
from nasturtium.strategy.growth import OpGrowth, SizeGrowth
from nasturtium.strategy.pnas import PNAS
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import flat_space, toy_metrics


class Oracle:
    """A predictor that knows the answer, and notes what it is asked."""

    def __init__(self, space, seed):
        self.space, self.fitted, self.scored = space, 0, []

    def fit(self, architectures, values):
        self.fitted = len(architectures)

    def predict(self, architectures):
        self.scored.append(list(architectures))
        mean = np.array([toy_metrics(self.space, one)["error"] for one in architectures])
        return mean, np.zeros(len(mean))


class Made:
    """Makes oracles and keeps them."""

    def __init__(self):
        self.made = []

    def __call__(self, space, seed):
        self.made.append(Oracle(space, seed))
        return self.made[-1]


def course(strategy, space, levels):
    """What is asked for at each level, everything of it told before the next."""
    asked = []
    for _ in range(levels):
        level = strategy.ask(100_000)
        asked.append([candidate.point for candidate in level])
        strategy.tell(tell_all(space, level))
    return asked


def test_the_paper_trains_136_cells_and_then_the_beam_at_each_size():
    """136 + 4 K models (Liu et al. 2018, section 5.1: 1,160 with K = 256)."""
    assert len(PNAS(pnas(), first=136).ask(1000)) == 136
    space = pnas()
    strategy = PNAS(space, beam=3, first=12, scored=100, predictor=Made())
    growth = SizeGrowth(space)
    levels = course(strategy, space, 5)
    assert [len(level) for level in levels] == [12, 3, 3, 3, 3]
    assert [{growth.size(one) for one in level} for level in levels] == [{size} for size in range(1, 6)]


def test_every_network_of_a_level_has_one_of_the_last_in_it():
    space = pnas(blocks=3)
    growth = SizeGrowth(space)
    levels = course(PNAS(space, beam=5, first=5, predictor=Made()), space, 3)
    for before, after in pairwise(levels):
        assert set(after) <= {grown for one in before for grown in growth.grow(one)}


def test_a_copy_that_does_nothing_is_grown_until_it_does_something():
    """Copies of a stage may be identities: three of them are the network that two are."""
    space = Space(
        conv(8),
        repeat(choice(conv(8, kernel=choice(1, 3)), identity()), choice(1, 2, 3)),
        classifier(),
        input_shape=(1, 8, 8),
        outputs=10,
    )
    levels = course(PNAS(space, beam=2, first=1, predictor=Made()), space, 4)
    depths = [
        {len(space.blocks(one)) - [b for _, b in space.blocks(one)].count(Identity()) for one in level}
        for level in levels
    ]
    assert depths[:2] == [{2}, {3}]
    assert max(depths[3]) == 5


def test_the_beam_is_what_the_predictor_ranks_first_among_different_networks():
    space, made = pnas(), Made()
    strategy = PNAS(space, beam=6, first=10, predictor=made, scored=20_000)
    _, second = course(strategy, space, 2)
    (oracle,) = made.made
    assert oracle.fitted == 10
    (scored,) = oracle.scored
    forms = [space.canonical(one) for one in scored]
    assert len(forms) == len(set(forms)), "the predictor ranks a network twice"
    errors = sorted(toy_metrics(space, one)["error"] for one in scored)
    assert [toy_metrics(space, one)["error"] for one in second] == errors[:6]


def test_nothing_is_asked_for_while_a_level_is_being_evaluated():
    space = flat_space()
    strategy = PNAS(space, beam=4, first=4, predictor=Made())
    level = strategy.ask(10)
    assert len(level) == 4
    assert strategy.ask(1) == []
    strategy.tell(tell_all(space, level[:3]))
    assert strategy.ask(1) == []
    strategy.tell(tell_all(space, level[3:]))
    assert len(strategy.ask(10)) == 4


def test_an_infeasible_network_is_replaced_by_the_next():
    space = flat_space()
    strategy = PNAS(space, beam=4, first=4, predictor=Made())
    first = strategy.ask(4)
    strategy.tell([Trial(first[0], {}, "infeasible", "too large")])
    (instead,) = strategy.ask(4)
    assert instead.point not in [candidate.point for candidate in first]


def test_after_the_largest_size_it_goes_on_around_the_best():
    space = flat_space()
    strategy = PNAS(space, beam=4, first=20, predictor=Made())
    first, second, *_ = course(strategy, space, 3)
    near = {other for one in first for other in space.neighbours(one)}
    assert set(second) <= near - set(first)


def test_no_network_is_asked_for_twice_before_all_were():
    space = flat_space()
    strategy = PNAS(space, beam=9, first=9, predictor=Made())
    asked = [one for level in course(strategy, space, 8) for one in level]
    assert len(asked) == len(set(asked)) > 60


def test_other_ways_to_grow_can_be_given():
    space = nasbench201()
    strategy = PNAS(space, beam=10, first=24, predictor=Made(), growth=OpGrowth)
    growth = OpGrowth(space)
    sizes = [{growth.size(one) for one in level} for level in course(strategy, space, 3)]
    assert sizes == [{1}, {2}, {3}]


@pytest.mark.parametrize("predictor", ["mlp", "lstm"])
def test_the_papers_predictors_read_cells_of_one_block_more(predictor):
    space = pnas()
    strategy = PNAS(space, beam=4, first=20, predictor=predictor, scored=100)
    levels = course(strategy, space, 2)
    assert [len(level) for level in levels] == [20, 4]


def test_numbers_and_names_are_checked():
    with pytest.raises(ConfigError, match="beam is 0, first 32 and scored 10000; all must be 1 or more"):
        PNAS(flat_space(), beam=0)
    with pytest.raises(UnknownName, match="unknown predictor of pnas 'mpl'"):
        PNAS(flat_space(), predictor="mpl")
