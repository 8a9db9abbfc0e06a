import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.scale import scaled, side_of
from nasturtium.space.space import Space
from nasturtium.space.zoo.efficientnet import efficientnet
from nasturtium.space.zoo.mobilenet import mobilenet


def outs(space):
    blocks = space.blocks(space.unrank(0))
    return [(path, getattr(block, "out", None), getattr(block, "stride", None)) for path, block in blocks]


@pytest.fixture
def base():
    stage = b.repeat(b.basic_block(16, inner=8), choice(1, 2, name="times"), stride=2)
    return Space(stem=b.conv(8), stage=stage, classifier=b.classifier(), input_shape=(3, 8, 8), outputs=4)


def test_a_deeper_network_repeats_its_last_blocks_without_their_stride(base):
    one = scaled(base, base.unrank(0), depth=3)
    blocks = [(f"stage.block{i}", 16, stride) for i, stride in ((1, 2), (2, 1), (3, 1))]
    assert outs(one) == [("stem", 8, 1), *blocks, ("classifier", None, None)]
    assert outs(scaled(base, base.unrank(1), depth=0.5)) == outs(scaled(base, base.unrank(0)))


def test_spread_over_all_repeats_the_number_of_blocks_follows_the_factor():
    space = efficientnet("b0")  # 16 blocks: 1, 2, 2, 3, 3, 4 and 1

    def depth(**how):
        return sum(path.startswith("stage") for path, _, _ in outs(scaled(space, depth=1.2, **how)))

    assert (depth(), depth(spread=True)) == (23, 19)


def test_a_wider_network_has_all_its_widths_multiplied_by_8(base):
    one = scaled(base, base.unrank(0), width=2.2)
    assert [out for _, out, _ in outs(one)] == [16, 32, None]
    assert dict(one.blocks(one.unrank(0)))["stage.block1"].inner == 16
    assert [out for _, out, _ in outs(scaled(base, base.unrank(0), width=1.3, multiple=2))] == [10, 20, None]


def test_a_finer_network_resizes_its_pictures_first(base):
    one = scaled(base, base.unrank(0), side=12)
    again = scaled(one, side=16)
    assert [network.network(network.unrank(0)).layers[0].shape[1] for network in (one, again)] == [12, 16]
    assert [side_of(base), side_of(one), side_of(again)] == [8, 12, 16]


def test_scaled_by_one_it_is_the_same_network():
    space = mobilenet()
    one = space.unrank(space.count - 1)
    same = scaled(space, one)
    assert same.count == 1
    assert same.canonical(same.unrank(0)) == space.canonical(one)


def test_macs_follow_the_factors():
    """Tan and Le 2019, section 3.2: MACs grow with depth, width squared and resolution squared."""
    space = efficientnet("b0")
    base = Counted(space).counts(space.unrank(0)).macs
    for factors, wanted in (({"depth": 2}, 2), ({"width": 2}, 4), ({"side": 448}, 4)):
        one = scaled(space, **factors)
        assert Counted(one).counts(one.unrank(0)).macs / base == pytest.approx(wanted, rel=0.1), factors


def test_what_cannot_be_scaled_is_refused(base):
    plain = Space(b.max_pool(), b.classifier(), input_shape=(3, 8, 8), outputs=4)
    with pytest.raises(ConfigError, match="has 2 architectures; say which"):
        scaled(base, depth=2)
    with pytest.raises(ConfigError, match="not one of"):
        scaled(base, plain.unrank(0))
    with pytest.raises(ConfigError, match="nothing to scale"):
        scaled(plain, width=2)
    with pytest.raises(ConfigError, match="must be positive"):
        scaled(plain, depth=0)
