"""Every strategy, alone and wrapped, keeps the laws of a strategy."""

import pytest

from nasturtium.front.objectives import Constraint
from nasturtium.predictor.ridge import Ridge
from nasturtium.protocols import Candidate
from nasturtium.strategy.arc_gp import ArcBayesianOptimization
from nasturtium.strategy.asha import ASHA
from nasturtium.strategy.auto import Auto
from nasturtium.strategy.bananas import BANANAS
from nasturtium.strategy.binned import BinnedEvolution
from nasturtium.strategy.bohb import BOHB
from nasturtium.strategy.coarse_to_fine import CoarseToFine
from nasturtium.strategy.constrained import Constrained
from nasturtium.strategy.controller import Controller
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.enas import ENAS, PolicySearch
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.strategy.halving import SuccessiveHalving
from nasturtium.strategy.hyperband import Hyperband
from nasturtium.strategy.large_scale import LargeScaleEvolution
from nasturtium.strategy.local import LocalSearch
from nasturtium.strategy.nasbot import NASBOT
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.pnas import PNAS
from nasturtium.strategy.ppo import PPO
from nasturtium.strategy.predicted import PredictedEvolution
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.random_then_near import RandomThenNear
from nasturtium.strategy.reinforce import Reinforce
from nasturtium.strategy.tpe import TPE
from nasturtium.strategy.warmstart import Warmstarted
from nasturtium.testing.strategy import StrategyConformance, tell_all
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


class TestAuto(StrategyConformance):
    budget = 20
    smooths = True

    def make(self, space, seed, objectives):
        return Auto(space, seed=seed, objectives=objectives)


class TestRegularizedEvolution(StrategyConformance):
    def make(self, space, seed, objectives):
        return RegularizedEvolution(space, seed=seed, objectives=objectives)


class TestNSGA2(StrategyConformance):
    def make(self, space, seed, objectives):
        return NSGA2(space, seed=seed, objectives=objectives, population=10)


class TestGenerationalEvolution(StrategyConformance):
    def make(self, space, seed, objectives):
        return GenerationalEvolution(
            space, seed=seed, objectives=objectives, population=10, crossovers=5, parents=4
        )


class TestBinnedEvolution(StrategyConformance):
    budget = 25

    def make(self, space, seed, objectives):
        given = {"over": "params", "bins": 5, "population": 10}
        return BinnedEvolution(space, seed=seed, objectives=objectives, **given)


class TestCoarseToFine(StrategyConformance):
    budget = 25

    def make(self, space, seed, objectives):
        return CoarseToFine(space, seed=seed, objectives=objectives, coarse=12, parents=4)


class TestLargeScaleEvolution(StrategyConformance):
    def make(self, space, seed, objectives):
        return LargeScaleEvolution(space, seed=seed, objectives=objectives, population=10)


class TestReinforce(StrategyConformance):
    def make(self, space, seed, objectives):
        return Reinforce(space, seed=seed, objectives=objectives, learning_rate=0.1)


class TestReinforceInBatches(StrategyConformance):
    def make(self, space, seed, objectives):
        return Reinforce(space, seed=seed, objectives=objectives, batch=3, entropy=0.01, power=3)


class TestController(StrategyConformance):
    budget = 8

    def make(self, space, seed, objectives):
        return Controller(space, seed=seed, objectives=objectives, learning_rate=0.01, units=8)


class TestControllerTaughtByEarlierTasks(StrategyConformance):
    budget = 6

    def make(self, space, seed, objectives):
        prior = tell_all(space, [Candidate(one) for one in list(space)[:40:4]])
        return Controller(space, seed=seed, objectives=objectives, units=6, prior=[prior], pretraining=2)


class TestENASRewards(StrategyConformance):
    """Of the rewards alone: what trains weights is no result, so that laws on the best do not hold of it."""

    budget = 8

    def make(self, space, seed, objectives):
        return ENAS(space, seed=seed, objectives=objectives, weight_steps=0, aggregate=3, units=6)


class TestPolicySearch(StrategyConformance):
    budget = 6

    def make(self, space, seed, objectives):
        policy = ENAS(space, units=4).policy
        return PolicySearch(space, policy, seed=seed, objectives=objectives)


class TestRandomThenNear(StrategyConformance):
    def make(self, space, seed, objectives):
        return RandomThenNear(space, seed=seed, objectives=objectives, random=10, perturbations=10)


class TestPPO(StrategyConformance):
    budget = 8

    def make(self, space, seed, objectives):
        return PPO(space, seed=seed, objectives=objectives, learning_rate=0.01, units=8, batch=3)


class TestTPE(StrategyConformance):
    budget = 16

    def make(self, space, seed, objectives):
        return TPE(space, seed=seed, objectives=objectives, startup=5)


class TestBANANAS(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        return BANANAS(space, seed=seed, objectives=objectives, initial=5, batch=5, depth=1, epochs=3)


class TestArcBayesianOptimization(StrategyConformance):
    budget = 12  # each ask refits a Gaussian process

    def make(self, space, seed, objectives):
        pytest.importorskip("gpytorch")
        return ArcBayesianOptimization(
            space, seed=seed, objectives=objectives, initial=5, candidates=30, refit=10, steps=1
        )


class TestNASBOT(StrategyConformance):
    budget = 10  # each ask solves some hundred transport problems

    def make(self, space, seed, objectives):
        pytest.importorskip("ot")
        return NASBOT(
            space, seed=seed, objectives=objectives, initial=5, refit=6, samples=5, children=(20, 20)
        )


class TestPredictedEvolution(StrategyConformance):
    budget = 6

    def make(self, space, seed, objectives):
        sizes = {"initial": 4, "batch": 8, "population": 4, "generations": 1}
        return PredictedEvolution(space, seed=seed, objectives=objectives, **sizes)


class TestPNAS(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        return PNAS(space, seed=seed, objectives=objectives, beam=5, first=6, scored=100, predictor=Ridge)


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


class TestSuccessiveHalving(StrategyConformance):
    def make(self, space, seed, objectives):
        return SuccessiveHalving(space, seed=seed, objectives=objectives)


class TestSuccessiveHalvingOverEvolution(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        inner = RegularizedEvolution
        return SuccessiveHalving(space, seed=seed, objectives=objectives, inner=inner, starts=20)


class TestHyperband(StrategyConformance):
    def make(self, space, seed, objectives):
        return Hyperband(space, seed=seed, objectives=objectives)


class TestASHA(StrategyConformance):
    def make(self, space, seed, objectives):
        return ASHA(space, seed=seed, objectives=objectives)


class TestASHAOverLocalSearchConstrained(StrategyConformance):
    budget = 20  # the networks that meet the constraint are few, and none is asked twice

    def make(self, space, seed, objectives):
        inner = ASHA(space, seed=seed, objectives=objectives, inner=LocalSearch)
        return Constrained(inner, space, [Constraint("params", "<=", 2200)], ToyCosts(space), seed)


class TestBOHB(StrategyConformance):
    def make(self, space, seed, objectives):
        return BOHB(space, seed=seed, objectives=objectives)


class TestBOHBAtOneFidelity(StrategyConformance):
    budget = 30

    def make(self, space, seed, objectives):
        return BOHB(space, seed=seed, objectives=objectives, fidelities=(9,), random_fraction=0.0)


class TestWarmstarted(StrategyConformance):
    budget = 40

    def make(self, space, seed, objectives):
        prior = tell_all(space, [Candidate(one) for one in list(space)[:60:3]])
        seeds = [space.unrank(rank % space.count) for rank in (70, 7)]
        return Warmstarted(space, seed=seed, objectives=objectives, seeds=seeds, prior=[prior], first=3)
