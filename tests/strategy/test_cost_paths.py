import pytest
from scipy.stats import chisquare

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.cost_paths import CostUniformPaths
from nasturtium.strategy.paths import UniformPaths


@pytest.fixture(scope="module")
def macs():
    counted = Counted(nasbench201().bind((3, 32, 32), 10))
    return lambda architecture: counted.counts(architecture).macs


def bins(sampler, costs):
    width = (sampler.high - sampler.low) / sampler.bins
    places = [min(int((cost - sampler.low) / width), sampler.bins - 1) for cost in costs]
    return [places.count(i) for i in range(sampler.bins)]


def test_bins_of_cost_are_drawn_equally_often(macs):
    space = nasbench201()
    low, high = (
        macs(space.unrank(0)),
        macs(space.parse(" ".join(f"{d.path}=nor_conv_3x3" for d in space.decisions))),
    )
    sampler = CostUniformPaths(space, macs, band=(low, low + (high - low) / 2), bins=3, seed=1)
    costs = [macs(candidate.point) for candidate in sampler.ask(600)]
    assert chisquare(bins(sampler, costs)).pvalue > 0.01
    assert min(costs) >= low
    uniform = [macs(candidate.point) for candidate in UniformPaths(space, seed=1).ask(600)]
    inside = [cost for cost in uniform if cost <= sampler.high]
    assert chisquare(bins(sampler, inside)).pvalue < 1e-6  # what the bins are for


def test_the_nearest_stands_in_for_what_is_not_found(macs):
    space = nasbench201()
    sampler = CostUniformPaths(space, macs, band=(1.0, 2.0), tries=20)
    costs = [macs(candidate.point) for candidate in sampler.ask(50)]
    uniform = [macs(candidate.point) for candidate in UniformPaths(space).ask(50)]
    assert max(costs) < sum(uniform) / len(uniform)


def test_the_band_is_where_most_paths_lie(macs):
    sampler = CostUniformPaths(nasbench201(), macs, seed=4)
    costs = [macs(candidate.point) for candidate in UniformPaths(nasbench201(), seed=9).ask(400)]
    inside = sum(sampler.low <= cost <= sampler.high for cost in costs)
    assert 0.8 < inside / len(costs) < 1.0
    assert sampler.ask(2) == [*CostUniformPaths(nasbench201(), macs, seed=4).ask(2)]


def test_an_empty_band_is_refused(macs):
    with pytest.raises(ConfigError, match="band"):
        CostUniformPaths(nasbench201(), macs, band=(3.0, 3.0))
