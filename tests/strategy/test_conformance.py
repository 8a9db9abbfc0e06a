"""Every strategy, alone and wrapped, keeps the laws of a strategy."""

from nasturtium.front.objectives import Constraint
from nasturtium.strategy.constrained import Constrained
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.local import LocalSearch
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.strategy import StrategyConformance
from nasturtium.testing.toys import ToyCosts


class TestRandomSearch(StrategyConformance):
    def make(self, space, seed, objectives):
        return RandomSearch(space, seed=seed, objectives=objectives)


class TestExhaustiveInOrderOfRank(StrategyConformance):
    seeded = False

    def make(self, space, seed, objectives):
        return Exhaustive(space, seed=seed, objectives=objectives)


class TestExhaustiveShuffled(StrategyConformance):
    def make(self, space, seed, objectives):
        return Exhaustive(space, seed=seed, objectives=objectives, order="random")


class TestLocalSearchFirst(StrategyConformance):
    def make(self, space, seed, objectives):
        return LocalSearch(space, seed=seed, objectives=objectives)


class TestLocalSearchBest(StrategyConformance):
    def make(self, space, seed, objectives):
        return LocalSearch(space, seed=seed, objectives=objectives, improvement="best")


class TestRegularizedEvolution(StrategyConformance):
    def make(self, space, seed, objectives):
        return RegularizedEvolution(space, seed=seed, objectives=objectives)


class TestNSGA2(StrategyConformance):
    def make(self, space, seed, objectives):
        return NSGA2(space, seed=seed, objectives=objectives, population=10)


class TestFixed(StrategyConformance):
    seeded = False

    def make(self, space, seed, objectives):
        some = list(space)[::2][:30]
        return Fixed(space, some, repeats=4, seed=seed, objectives=objectives)


class TestDistinct(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        inner = RegularizedEvolution(space, seed=seed, objectives=objectives, population=10)
        return Distinct(inner, space.canonical, tries=20)


class TestConstrained(StrategyConformance):
    def make(self, space, seed, objectives):
        inner = NSGA2(space, seed=seed, objectives=objectives, population=10)
        return Constrained(inner, space, [Constraint("params", "<=", 1800)], ToyCosts(space), seed)


class TestDistinctConstrained(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        inner = LocalSearch(space, seed=seed, objectives=objectives)
        bounds = [Constraint("params", "<=", 2000), Constraint("error", "<=", 0.5)]
        return Distinct(Constrained(inner, space, bounds, ToyCosts(space), seed), repr, tries=20)
