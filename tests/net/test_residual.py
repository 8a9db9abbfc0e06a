import torch

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.net.residual import zero_last_norms
from nasturtium.net.supernet import Supernet
from nasturtium.seeds import rng_for
from nasturtium.space.block import repeat
from nasturtium.space.space import Space


def space():
    block = b.inverted_residual(8, kernel=3, expand=choice(2, 4))
    return Space(
        b.conv(8),
        repeat(block, choice(1, 2, 4, name="depth")),
        b.classifier(),
        input_shape=(3, 8, 8),
        outputs=4,
    )


def test_networks_of_every_depth_begin_as_the_same_function():
    supernet = zero_last_norms(Supernet(space(), norms="batch")).eval()
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    drawn = [space().sample(rng_for(i, "test/residual")) for i in range(10)]
    assert len({one.choices[0] for one in drawn}) > 1
    with torch.no_grad():
        answers = [supernet(x, one) for one in drawn]
    assert all(torch.allclose(one, answers[0], atol=1e-6) for one in answers)
    with torch.no_grad():
        plain = Supernet(space(), norms="batch").eval()
        assert not torch.allclose(plain(x, drawn[0]), answers[0], atol=1e-3)


def test_branches_beside_a_projected_shortcut_begin_as_nothing_too():
    # Goyal et al. 2017, section 5.1: the last norm of each residual block, whatever its shortcut.
    net = Space(b.conv(8), b.basic_block(16, stride=2), b.classifier(), input_shape=(3, 8, 8), outputs=4)
    supernet = zero_last_norms(Supernet(net))
    zeroed = [
        name
        for name, value in supernet.named_parameters()
        if value.ndim == 1 and "bias" not in name and not value.any()
    ]
    assert len(zeroed) == 1
    assert "shortcut" not in zeroed[0]


def test_norms_elsewhere_are_left_alone():
    supernet = zero_last_norms(Supernet(space()))
    zeroed = {
        name for name, value in supernet.named_parameters() if name.endswith("weight") and not value.any()
    }
    assert len(zeroed) == 4  # one for each block of the deepest
