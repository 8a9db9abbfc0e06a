"""Channel sorting of Once-for-all (Cai et al. 2020, arXiv:1908.09791), section 3.3."""

import pytest
import torch

from nasturtium import blocks as b
from nasturtium.architecture import Architecture
from nasturtium.net.channels import Channels, by_importance
from nasturtium.net.supernet import Supernet
from nasturtium.run.names import space_named
from nasturtium.seeds import rng_for
from nasturtium.space.choice import choice
from nasturtium.space.layers import BatchNorm, Conv2d
from nasturtium.space.space import Space


@pytest.fixture(scope="module")
def space():
    block = b.mb_conv(8, kernel=choice(3, 5), expand=choice(2, 3, 4), se=0.5)
    return Space(
        stem=b.conv(8),
        stage=b.repeat(block, choice(1, 2)),
        end=b.classifier(),
        input_shape=(3, 8, 8),
        outputs=4,
    )


def uneven(space, dtype=torch.float64):
    """With statistics, scales, shifts and matrices that are not those of a fresh network."""
    supernet = Supernet(space, kernels="transformed").eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in supernet.state_dict().items():
            if value.is_floating_point() and ("norm" in name or "bias" in name or "transforms" in name):
                value.add_(torch.rand(value.shape, generator=generator))
    return supernet.to(dtype)


def options(space, **open_):
    """Per decision its options whose labels are given by the last word of its path; else all of them."""
    rows = []
    for decision in space.decisions:
        wanted = open_.get(decision.path.rpartition(".")[2])
        rows.append([i for i, one in enumerate(decision.options) if wanted is None or one in wanted])
    return rows


def drawn(space, rows, count=6):
    found = []
    for number in range(count):
        rng = rng_for(number, "test/channels")
        found.append(Architecture(space.fingerprint, tuple(int(rng.choice(row)) for row in rows)))
    return found


def outputs(supernet, architectures):
    generator = torch.Generator().manual_seed(0)
    dtype = next(supernet.parameters()).dtype
    x = torch.randn(3, *supernet.space.input_shape, generator=generator, dtype=dtype)
    with torch.no_grad():
        return [supernet(x, one) for one in architectures]


def sort(supernet, before, now):
    moves, state = by_importance(supernet, before, now), supernet.state_dict()
    for move in moves:
        move.apply(state[move.name])
    return moves


WIDTHS = {"largest": ([4], [3, 4], [3]), "two": ([3, 4], [2, 3, 4], [2])}


@pytest.mark.parametrize("opened", WIDTHS)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_no_network_of_trained_widths_changes_and_narrower_ones_do(space, opened, dtype, atol):
    widths, wider, new = WIDTHS[opened]
    supernet = uneven(space, dtype)
    before = options(space, expand=widths)
    trained, coming = drawn(space, before), drawn(space, options(space, expand=new))
    old, others = outputs(supernet, trained), outputs(supernet, coming)
    assert sort(supernet, before, options(space, expand=wider))
    for found, wanted in zip(outputs(supernet, trained), old, strict=True):
        assert torch.allclose(found, wanted, rtol=0, atol=atol)
    differences = [(a - c).abs().max() for a, c in zip(outputs(supernet, coming), others, strict=True)]
    assert min(differences) > 1e-3


def test_the_most_important_channels_come_first_between_the_widths(space):
    supernet = uneven(space)
    sort(supernet, options(space, expand=[3, 4]), options(space))
    for block in ("stage/block1", "stage/block2"):
        norms = supernet.shared[f"{block}/project/conv:conv2d"].weight.abs().sum((0, 2, 3))
        assert len(norms) == 32
        for first, end in ((0, 24), (24, 32)):
            assert norms[first:end].diff().max() <= 0


def test_a_block_moves_all_that_makes_changes_or_reads_a_channel_and_nothing_else(space):
    supernet = uneven(space)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    sort(supernet, options(space, expand=[4]), options(space))
    moved = {name for name, value in supernet.state_dict().items() if not torch.equal(value, before[name])}
    norm = ("weight", "bias", "running_mean", "running_var")
    wanted = {"expand/conv:conv2d.weight", "depthwise/conv:conv2d.weight", "project/conv:conv2d.weight"}
    wanted |= {f"{layer}/norm:batchnorm.{name}" for layer in ("expand", "depthwise") for name in norm}
    wanted |= {f"se/{name}:conv2d.{kind}" for name in ("reduce", "expand") for kind in ("weight", "bias")}
    assert moved == {f"shared.stage/block{i}/{name}" for i in (1, 2) for name in wanted}


def test_nothing_moves_before_widths_open(space):
    supernet = Supernet(space)
    largest = options(space, kernel=[5], expand=[4], times=[2])
    assert by_importance(supernet, largest, options(space, expand=[4], times=[2])) == []
    assert by_importance(supernet, largest, options(space, expand=[4])) == []


def test_channels_that_no_trained_network_has_stay():
    """Also those that leave a block: what makes them stays, and so does what reads them."""
    space = Space(b.conv(choice(8, 16)), b.conv(8), b.classifier(), input_shape=(3, 6, 6), outputs=3)
    for trained in ([0], [1]):
        assert by_importance(Supernet(space), [trained], options(space)) == []


def test_a_depthwise_layer_on_the_blocks_own_input_keeps_its_channels():
    """An expansion of 1 has no convolution before the depthwise one, which so reads what others read."""
    block = b.mb_conv(8, kernel=3, expand=choice(1, 2, 3, name="expand"))
    space = Space(stem=b.conv(8), block=block, end=b.classifier(), input_shape=(3, 6, 6), outputs=3)
    channels = Channels(space, options(space))
    (group,) = [group for group in channels.groups() if ("block.depthwise.norm", BatchNorm, 0) in group]
    assert ("block.project.conv", Conv2d, 1) in group
    assert (channels.widths_of(group), channels.fixed_of(group)) == ({8, 16, 24}, 8)
    supernet = uneven(space)
    before = [[0, 2]]  # 1 and 3
    trained = drawn(space, before)
    old = outputs(supernet, trained)
    assert sort(supernet, before, options(space))
    for found, wanted in zip(outputs(supernet, trained), old, strict=True):
        assert torch.allclose(found, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("name", "shape"), [("ofa_resnet", (3, 16, 16)), ("vit", (3, 16, 16))])
def test_other_families_keep_their_functions(name, shape):
    """Bottlenecks, whose widths depend on two decisions; layers of a transformer."""
    space = space_named(name).bind(shape, 4)
    supernet = uneven(space)
    before = [range(max(1, len(decision.labels) - 1), len(decision.labels)) for decision in space.decisions]
    before = [tuple(row) or (0,) for row in before]
    trained = drawn(space, before)
    old = outputs(supernet, trained)
    assert sort(supernet, before, options(space))
    for found, wanted in zip(outputs(supernet, trained), old, strict=True):
        assert torch.allclose(found, wanted, rtol=0, atol=1e-8)
