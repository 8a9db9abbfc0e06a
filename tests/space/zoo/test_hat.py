"""HAT's space against its published options (Wang et al. 2020, arXiv:2005.14187)."""

import pytest
import torch

from nasturtium.cost.counts import Counted
from nasturtium.errors import ShapeError
from nasturtium.net.build import build
from nasturtium.space.zoo.hat import hat
from nasturtium.testing.space import SpaceConformance


class TestHat(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return hat()


def test_there_are_93_312_encoders_and_5e9_decoders():
    """The product over the space for WMT'14 En-De: 3 x 2 an encoder layer, 3 x 2 x 2 x 3 a decoder layer."""
    encoders, decoders = 2 * 6**6, 2 * sum(36**depth for depth in range(1, 7))
    assert encoders == 93_312
    assert decoders == pytest.approx(4.48e9, rel=0.001)
    assert hat("published").count == encoders * decoders == pytest.approx(4.2e14, rel=0.01)


@pytest.fixture(scope="module")
def largest():
    space = hat()
    one = space.unrank(space.count - 1)
    return space, one, build(space.network(one), seed=0).eval()


def test_counted_params_are_those_of_the_module(largest):
    space, one, model = largest
    assert Counted(space).counts(one).params == sum(p.numel() for p in model.parameters())


def test_every_word_of_both_texts_matters(largest):
    _, _, model = largest
    x = torch.randint(0, 64, (1, 2, 16), generator=torch.Generator().manual_seed(0)).float()
    for text in (0, 1):
        for place in (0, 7, 15):
            changed = x.clone()
            changed[0, text, place] += 1
            assert not torch.equal(model(x), model(changed)), (text, place)


def test_a_decoder_layer_attends_to_as_many_encoder_layers_as_it_says():
    space = hat()
    words = {"transformer.decoder.block1.layers": 2}
    one = space.architecture(**{path.replace(".", "__"): option for path, option in words.items()})
    (keys,) = (
        layer.op.keys
        for layer in space.network(one).layers
        if layer.name.endswith("decoder.layer1.cross.mix")
    )
    assert keys == 2 * 16


def test_pictures_are_refused():
    space = hat().bind((3, 8, 8), 10)
    with pytest.raises(ShapeError, match=r"reads \[2, tokens\] and gives a word, not \[3, 8, 8\]"):
        space.network(space.unrank(0))
