"""NSGA-II."""

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.dominance import hypervolume, non_dominated
from nasturtium.front.objectives import values
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.strategy import TWO, tell_all
from nasturtium.testing.toys import flat_space


def searched(strategy, space, trials):
    found = []
    for _ in range(trials):
        told = tell_all(space, strategy.ask(1))
        strategy.tell(told)
        found += [values(TWO, trial) for trial in told]
    return found


def test_samples_come_until_a_generation_is_told():
    space = flat_space()
    strategy = NSGA2(space, seed=1, population=6)
    samples = [space.sample(rng_for(1, "nsga2", i)) for i in range(30)]
    assert [candidate.point for candidate in strategy.ask(30)] == samples
    strategy.tell([Trial(Candidate(samples[0]), {}, "failed", "diverged")] * 10)
    assert strategy.ask(1)[0].point == space.sample(rng_for(1, "nsga2", 30))


def test_the_next_parents_are_the_best_of_parents_and_children():
    space = flat_space()
    strategy = NSGA2(space, population=4, crossover=0, mutation=1)
    asked = [*{candidate.point: candidate for candidate in strategy.ask(40)}.values()][:8]
    errors = (0.5, 0.1, 0.6, 0.2, 0.7, 0.05, 0.8, 0.3)  # the second four make the second generation
    for candidate, error in zip(asked, errors, strict=True):
        strategy.tell([Trial(candidate, {"error": error})])
    parents = [asked[i].point for i in (5, 1, 3, 7)]
    near = dict.fromkeys(parents, 0)
    for child in strategy.ask(100):
        for parent in parents:
            near[parent] += space.distance(child.point, parent) == 1
        assert any(space.distance(child.point, parent) == 1 for parent in parents)
    assert near[parents[0]] > near[parents[3]]  # the better is the more often chosen


def test_a_crossing_has_only_options_of_parents():
    space = flat_space()
    strategy = NSGA2(space, population=2, crossover=1, mutation=0)
    low, high = space.unrank(0), space.unrank(space.count - 1)  # options 0 and options 2
    asked = {candidate.point: candidate for candidate in strategy.ask(800)}
    strategy.tell(tell_all(space, [asked[low], asked[high]]))
    crossed = [child.point for child in strategy.ask(60)]
    pure = [c for c in crossed if set(c.choices) <= {0, 2} and len(set(c.choices)) == 2]
    assert len(pure) > 15  # the others are copies of one parent, so they were mutated


def test_finds_a_better_front_than_random_search():
    space = Space(
        *(conv(choice(4, 8, 12, 16), kernel=choice(1, 3, 5)) for _ in range(5)), classifier()
    )  # 12^5

    def volumes(kind):
        strategies = [kind(space, seed=seed, objectives=TWO) for seed in range(8)]
        return np.array([hypervolume(searched(strategy, space, 300), (1, 5000)) for strategy in strategies])

    gain = volumes(NSGA2) - volumes(RandomSearch)
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain))  # three standard errors


def test_spreads_over_the_whole_front():
    space = flat_space()
    points = searched(NSGA2(space, objectives=TWO), space, 200)
    front = {point for point, on in zip(points, non_dominated(points), strict=True) if on}
    everything = [values(TWO, trial) for trial in tell_all(space, [*RandomSearch(space).ask(2000)])]
    known = {point for point, on in zip(everything, non_dominated(everything), strict=True) if on}
    assert len(front & known) >= 0.9 * len(known)


@pytest.mark.parametrize("given", [{"population": 1}, {"crossover": 1.5}, {"mutation": -0.1}])
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError, match="must be"):
        NSGA2(flat_space(), **given)
