"""What a mixture costs, beside its loss."""

import math

import numpy as np
import pytest

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.architecture import Mixture
from nasturtium.cost.counts import Counted
from nasturtium.cost.expected import ExpectedCost
from nasturtium.cost.penalty import Penalty
from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.space import Space
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.gdas import GDAS
from nasturtium.strategy.proxyless import ProxylessNAS
from nasturtium.strategy.snas import SNAS

SPACE = Space(
    b.conv(8, kernel=choice(3, 5), stride=2),
    choice(b.conv(8, kernel=choice(1, 3)), b.identity()),
    b.classifier(),
    input_shape=(1, 8, 8),
    outputs=10,
)
COST = ExpectedCost(SPACE)
WORTH = np.array([0.9, 0.2, 0.4, 0.8, 0.3, 0.6])  # of each option, in a loss that is linear in the weights


def mixture(weights):
    rows = np.split(np.asarray(weights, float), np.cumsum([len(d.labels) for d in SPACE.decisions])[:-1])
    return Mixture(SPACE.fingerprint, tuple(tuple(row.tolist()) for row in rows))


def total(weights, weight, form):
    loss, (cost, _) = float(WORTH @ weights), COST(mixture(weights))
    if form == "sum":
        return loss + weight * cost / COST.typical
    return loss * (math.log(1 + cost) / math.log(1 + COST.typical)) ** weight


@pytest.mark.parametrize("form", ["sum", "product"])
def test_the_gradient_is_that_of_loss_and_cost_together(form):
    weights = np.array([0.3, 0.7, 0.6, 0.4, 0.2, 0.8])
    share, dearer = Penalty(COST, 0.6, form)(mixture(weights), float(WORTH @ weights))
    steps = 1e-6 * np.eye(len(weights))
    slopes = [(total(weights + s, 0.6, form) - total(weights - s, 0.6, form)) / 2e-6 for s in steps]
    assert share * WORTH + dearer == pytest.approx(slopes, rel=1e-6)


@pytest.mark.parametrize("strategy", [DARTS, DrNAS, GDAS, ProxylessNAS, SNAS])
def test_a_search_with_a_price_ends_in_a_cheaper_network(strategy, few_digits):
    macs = {}
    for price in (0.0, 5.0):
        recipe = Recipe(epochs=6, batch_size=32, lr=0.05, augment="none", threads=1)
        training = Training(Supernet(SPACE, norms="batch", affine=False), few_digits, recipe)
        sampler = strategy(SPACE, learning_rate=0.1, price=Penalty(COST, price))
        search(sampler, training, Steps(training))
        macs[price] = Counted(SPACE).counts(sampler.best(1)[0]).macs
    assert macs[5.0] == min(Counted(SPACE).counts(one).macs for one in SPACE)
    assert macs[5.0] <= macs[0.0]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ConfigError, match="weight of a cost is -1"):
        Penalty(COST, -1.0)
    with pytest.raises(UnknownName, match="ratio"):
        Penalty(COST, 1.0, "ratio")
