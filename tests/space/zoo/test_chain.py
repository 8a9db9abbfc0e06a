from nasturtium.space.zoo.chain import chain
from nasturtium.testing.space import SpaceConformance


class TestChain(SpaceConformance):
    samples = 20

    def make(self):
        return chain()


def test_every_layer_has_eighteen_options():
    assert (chain().count, chain("published").count) == (18**4, 18**10)


def test_a_layer_can_be_skipped_and_halved_after():
    space = chain()
    architecture = space.architecture(layer1__op="maxpool3x3", layer1__channels=64, layer1__skip="yes")
    names = {layer.name: layer.shape for layer in space.network(architecture).layers}
    assert names["layer1.add"] == (64, 32, 32)
    assert names["halve2.pool"] == (16, 16, 16)
