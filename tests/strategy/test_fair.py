from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.paths import UniformPaths
from nasturtium.testing.toys import conditional_space, flat_space


def counts(space, paths):
    """How often each option was taken, [decisions][options]."""
    taken = [Counter(path.point.choices[i] for path in paths) for i in range(len(space.decisions))]
    return [
        [one[option] for option in range(len(d.labels))]
        for one, d in zip(taken, space.decisions, strict=True)
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_all_counters_are_equal_after_every_step(seed):
    space = nasbench201()
    sampler = FairPaths(space, seed=seed)
    assert sampler.paths == 5
    paths = []
    for step in range(1, 101):
        paths += sampler.ask(sampler.paths)
        assert counts(space, paths) == [[step] * 5] * 6


def test_counters_of_uniform_paths_are_not_equal():
    space = nasbench201()
    assert len({*np.ravel(counts(space, UniformPaths(space).ask(500)))}) > 1


def test_permutations_of_different_decisions_and_rounds_are_independent():
    space = nasbench201()
    sampler = FairPaths(space)
    pairs = Counter()
    for _ in range(400):
        pairs.update((path.point.choices[0], path.point.choices[5]) for path in sampler.ask(5))
    assert chisquare([pairs[i, j] for i in range(5) for j in range(5)]).pvalue > 0.01


def test_counters_of_decisions_of_any_size_differ_by_one_at_most():
    space = flat_space()  # sizes 3, 3, 3, 3
    assert FairPaths(space).paths == 3
    space = conditional_space()
    sampler = FairPaths(space)
    always = [i for i, decision in enumerate(space.decisions) if decision.always]
    paths = []
    for _ in range(30):
        paths += sampler.ask(1)
        taken = counts(space, paths)
        assert all(max(taken[i]) - min(taken[i]) <= 1 for i in always)
    assert all(path.point in space for path in paths)


def test_asking_one_by_one_asks_the_same():
    apart, together = FairPaths(nasbench201()), FairPaths(nasbench201())
    assert [apart.ask(1)[0] for _ in range(10)] == together.ask(10)
    assert together.best(3) == []
