from collections import Counter

from scipy.stats import chisquare

from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.paths import UniformPaths
from nasturtium.testing.toys import conditional_space


def test_every_option_is_drawn_equally_often():
    space = nasbench201()
    paths = [candidate.point.choices for candidate in UniformPaths(space, seed=2).ask(3000)]
    for decision in zip(*paths, strict=True):
        assert chisquare([decision.count(option) for option in range(5)]).pvalue > 0.001  # 6 tests: 0.6 %
    pairs = Counter((path[0], path[1]) for path in paths)
    assert chisquare([pairs[i, j] for i in range(5) for j in range(5)]).pvalue > 0.001


def test_architectures_can_be_uniform_where_decisions_depend_on_each_other():
    space = conditional_space()
    paths = UniformPaths(space, seed=1, over="architectures").ask(6000)
    seen = Counter(space.rank(candidate.point) for candidate in paths)
    assert chisquare([seen[number] for number in range(space.count)]).pvalue > 0.01
    assert UniformPaths(space).best(1) == []
