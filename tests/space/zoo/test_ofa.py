"""OFA's space against mit-han-lab/once-for-all (Cai et al. 2020), MobileNetV3-Large against its paper."""

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.space.zoo.ofa import mobilenet_v3_large, ofa
from nasturtium.testing.space import SpaceConformance


class TestOfa(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return ofa()


def test_there_are_2e19_networks_at_each_of_25_resolutions():
    """Section 3 of the paper: (9 ** 2 + 9 ** 3 + 9 ** 4) ** 5, that is 2 x 10^19."""
    networks = (9**2 + 9**3 + 9**4) ** 5
    assert ofa("published").count == 25 * networks
    assert networks == pytest.approx(2.18e19, rel=0.002)


def test_mobilenet_v3_large_has_its_published_size():
    """Howard et al. 2019, table 3: 5.4 M and 219 M; 5,483,032 params in torchvision, 217 M MACs in timm."""
    space = mobilenet_v3_large()
    counted = Counted(space).counts(space.unrank(0))
    assert counted.params == 5_483_032
    assert round(counted.macs / 1e6) == 217


def test_a_shallow_unit_has_the_first_blocks_of_a_deep_one():
    space = ofa()
    shallow, deep = (
        space.network(space.architecture(stage2__times=times, stage2__block1__kernel=5)) for times in (1, 3)
    )
    own = {layer.key: layer.op for layer in shallow.layers if layer.key.startswith("stage2")}
    assert own.items() <= {layer.key: layer.op for layer in deep.layers}.items()


def test_the_multiplier_widens_every_layer():
    """At 1.2, each of 16, 24, 40, 80, 112, 160, 960 and 1280 to the nearest multiple of 8."""
    space = ofa("published", width=1.2)
    shapes = {layer.name: layer.shape[0] for layer in space.network(space.unrank(0)).layers}
    ends = [shapes[f"stage{i}.block1.project.norm"] for i in range(1, 7)]
    assert [*ends, shapes["head.expand.conv"], shapes["head.features"]] == [
        *(24, 32, 48, 96, 136, 192),
        *(1152, 1536),
    ]
