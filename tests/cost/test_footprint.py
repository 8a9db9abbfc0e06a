"""Bytes of shipped networks."""

import pytest
from tests.cost.devices import chain

from nasturtium.cost.counts import Counted
from nasturtium.cost.footprint import Footprint
from nasturtium.errors import UnknownName
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.space import Space


def test_bytes_of_a_network_by_hand() -> None:
    space = Space(b.conv(4), b.classifier()).bind((1, 8, 8), 10)
    found = Footprint(space)(space.unrank(0))
    weights, channels = 4 * 9 + 4 * 10, 4 + 10
    assert found["size_bytes"] == 4 * (weights + channels)
    assert found["int8_bytes"] == weights + 8 * channels
    assert found["memory_bytes"] == found["size_bytes"] + 4 * (64 + 4 * 64)  # image and what is made of it


def test_a_shortcut_is_alive_until_it_is_added() -> None:
    space = Space(b.inverted_residual(8, expand=4), name="one").bind((8, 4, 4), 10)
    found = Footprint(space)(space.unrank(0))
    inside, outside = 4 * 8 * 16, 8 * 16
    assert found["memory_bytes"] - found["size_bytes"] == 4 * (outside + 2 * inside)


@pytest.mark.filterwarnings("ignore")
def test_size_is_that_of_the_weights_that_are_shipped() -> None:
    from nasturtium.cost.runtime import folded
    from nasturtium.net.build import build

    space = chain()
    for i in range(3):
        one = space.sample(rng_for(0, "test", i))
        shipped = folded(build(space.network(one), seed=0))
        size = 4 * sum(p.numel() for p in shipped.parameters())
        assert Footprint(space)(one)["size_bytes"] == size
        assert size < 4 * Counted(space)(one, ["params"])["params"]


def test_unknown_bytes_are_named() -> None:
    with pytest.raises(UnknownName, match="size_bytes"):
        Footprint(chain())(chain().unrank(0), ["size"])
