from itertools import pairwise

import pytest
import torch

from nasturtium.cost.counts import Counted
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.autonet import autonet_mlp
from nasturtium.testing.space import SpaceConformance


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return autonet_mlp()


class TestPublished(SpaceConformance):
    samples = 20

    def make(self):
        return autonet_mlp("published")


@pytest.mark.parametrize(
    ("size", "layer", "layers", "solvers", "batches"),
    [
        ("small", 3 * 3 * 2, 3, 3 * 2 * 2 + 3 * 2, 3),
        ("published", 13 * 6 * 5, 6, 13 * 5 * 5 + 13 * 5, 6),
    ],
)
def test_the_count_is_a_sum_over_depths_times_one_over_solvers(size, layer, layers, solvers, batches):
    expected = sum(layer**depth for depth in range(1, layers + 1)) * solvers * batches
    assert autonet_mlp(size).count == expected


def test_units_are_those_of_the_paper_on_a_log_grid():
    """64 to 4,096: Mendoza et al. 2016, table 1."""
    units = next(d.options for d in autonet_mlp("published").decisions if d.path == "layers.block1.out")
    assert (units[0], units[-1]) == (64, 4096)
    assert all(b / a == pytest.approx(2**0.5, rel=0.01) for a, b in pairwise(units))


def test_layers_exist_with_their_number_and_settings_with_their_solver():
    space = autonet_mlp()
    for i in range(30):
        one = space.sample(rng_for(0, "test/autonet", i))
        here = {d.path for d, exists in zip(space.decisions, space.active(one), strict=True) if exists}
        times = space.decisions[0].options[one.choices[0]]
        assert {path.split(".")[1] for path in here if path.startswith("layers.block")} == {
            f"block{k}" for k in range(1, times + 1)
        }
        found = space.settings(one)
        assert ("momentum" in found) == (found["optimizer"] == "sgd")
        assert found.keys() == {"optimizer", "lr", "weight_decay", "batch_size"} | (
            {"momentum"} if found["optimizer"] == "sgd" else set()
        )


def test_it_is_a_perceptron_over_the_pixels():
    space = autonet_mlp().bind((1, 8, 8), 10)
    one = space.architecture(layers__times=2, layers__block1__out=128)
    assert Counted(space).counts(one).params == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    assert build(space.network(one), seed=0)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
