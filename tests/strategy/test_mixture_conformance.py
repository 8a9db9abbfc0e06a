"""Every strategy of mixtures keeps the laws of a strategy of mixtures."""

from functools import partial

from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.darts_minus import DARTSMinus
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.gdas import GDAS
from nasturtium.strategy.p_darts import staged
from nasturtium.strategy.pc_darts import PCDARTS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.proxyless import ProxylessNAS
from nasturtium.strategy.robust_darts import RobustDARTS
from nasturtium.strategy.snas import SNAS
from nasturtium.testing.mixture import MixtureStrategyConformance
from nasturtium.testing.toys import conditional_space, flat_space


class TestDARTS(MixtureStrategyConformance):
    learns = 100

    def make(self, space, seed):
        return DARTS(space, seed=seed, learning_rate=0.02)


class TestDARTSAfterWarmUp(MixtureStrategyConformance):
    learns = 110

    def make(self, space, seed):
        return DARTS(space, seed=seed, learning_rate=0.02, warmup=10)


class TestDARTSMinus(MixtureStrategyConformance):
    learns = 100

    def make(self, space, seed):
        return DARTSMinus(space, seed=seed, learning_rate=0.02, steps=10)


class TestPDARTS(MixtureStrategyConformance):
    learns = 100

    def make(self, space, seed):
        return staged(space, 30, seed=seed, learning_rate=0.05)


class TestPCDARTS(MixtureStrategyConformance):
    learns = 100

    def make(self, space, seed):
        return PCDARTS(space, seed=seed, learning_rate=0.02)


class TestGDAS(MixtureStrategyConformance):
    """Its gradient is biased: it does not find the best option of a loss that is linear in the mixture."""

    def make(self, space, seed):
        return GDAS(space, seed=seed, learning_rate=0.01)


class TestSNAS(MixtureStrategyConformance):
    learns = 800

    def make(self, space, seed):
        return SNAS(space, seed=seed, learning_rate=0.01, steps=2000)


class TestProxylessNAS(MixtureStrategyConformance):
    learns = 800

    def make(self, space, seed):
        return ProxylessNAS(space, seed=seed, learning_rate=0.02)


class TestDrNAS(MixtureStrategyConformance):
    learns = 800

    def make(self, space, seed):
        return DrNAS(space, seed=seed, learning_rate=0.01)


class TestRobustDARTS(MixtureStrategyConformance):
    learns = 100

    def make(self, space, seed):
        return RobustDARTS(space, seed=seed, inner=partial(DARTS, learning_rate=0.02))


class TestPerturbation(MixtureStrategyConformance):
    """It settles one decision after the other, and asks nothing where there is none."""

    def spaces(self):
        yield flat_space()
        yield conditional_space()

    def make(self, space, seed):
        return Perturbation(space, seed=seed, tune=2)
