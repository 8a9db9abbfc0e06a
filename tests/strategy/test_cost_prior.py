import numpy as np
import pytest
from scipy.stats import chisquare

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.strategy.cost_prior import CostPrior


@pytest.fixture(scope="module")
def macs():
    counted = Counted(mobilenet().bind((3, 32, 32), 10))
    return lambda architecture: counted.counts(architecture).macs


@pytest.fixture(scope="module")
def space():
    return mobilenet().bind((3, 32, 32), 10)


def test_costs_of_draws_follow_those_of_random_networks(space, macs):
    # AttentiveNAS, section 3.3: the histogram of sampled FLOPs is pi(tau).
    prior = CostPrior(space, macs, bins=20, table=2000)
    drawn = [prior.bin_of(macs(one.point)) for one in prior.ask(1000)]
    usual = prior.prior * 1000 >= 5  # the rule of thumb for the test
    observed, wanted = np.bincount(drawn, minlength=20), prior.prior * 1000
    table = [np.append(some[usual], some[~usual].sum()) for some in (observed, wanted)]
    assert chisquare(*table).pvalue > 0.01


def test_its_prior_is_the_histogram_of_random_networks(space, macs):
    prior = CostPrior(space, macs, bins=20, table=2000)
    fresh = [prior.bin_of(macs(space.sample(rng_for(9, "test/prior", i)))) for i in range(1000)]
    usual = prior.prior * 1000 >= 20
    found = np.bincount(fresh, minlength=20)[usual] / 1000
    error = np.sqrt(prior.prior[usual] * (1 / 1000 + 1 / 2000))
    assert (np.abs(found - prior.prior[usual]) < 4 * error).all()


def test_networks_that_are_to_be_alike_are_of_one_bin(space, macs):
    prior = CostPrior(space, macs, alike=3, table=1000)
    bins = [prior.bin_of(macs(one.point)) for one in prior.ask(30)]
    assert all(len(set(bins[i : i + 3])) == 1 for i in range(0, 30, 3))
    assert len(set(bins)) > 3


def test_asking_one_by_one_asks_the_same(space, macs):
    apart, together = (CostPrior(space, macs, table=200) for _ in range(2))
    assert [apart.ask(1)[0] for _ in range(5)] == together.ask(5)


def test_what_cannot_be_is_said(space, macs):
    with pytest.raises(ConfigError, match="bins 0"):
        CostPrior(space, macs, bins=0)
