"""Blocks of language models."""

import pytest
import torch

from nasturtium.errors import ShapeError
from nasturtium.net.build import build
from nasturtium.space import blocks as b
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring


@pytest.fixture(scope="module")
def model():
    layers = b.causal_transformer(2, 12, 8), b.causal_transformer(4, 6, 8)
    space = Space(b.embedding(10), *layers, b.next_token(), input_shape=(1, 6), outputs=7)
    return build(space.network(space.unrank(0)), seed=0).double().eval()


def test_every_token_has_scores_for_the_one_behind_it(model):
    assert model(torch.zeros(3, 1, 6)).shape == (3, 7, 6)


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_token_changes_its_own_scores_and_those_behind_it_alone(model, place):
    x = torch.tensor([[[3.0, 1, 4, 1, 5, 2]]])
    changed = x.clone()
    changed[..., place] = 6
    assert (model(x) != model(changed)).any(1)[0].tolist() == [i >= place for i in range(6)]


@pytest.mark.parametrize(("block", "shape"), [(b.embedding(4), (3, 8, 8)), (b.embedding(4), (2, 8))])
def test_what_is_no_text_is_refused(block, shape):
    with pytest.raises(ShapeError, match=r"reads a text, \[1, tokens\]"):
        block.wire(Wiring(outputs=4), Value(-1, shape))


def test_a_vocabulary_is_needed():
    with pytest.raises(ShapeError, match="bind a task"):
        b.next_token().wire(Wiring(), Value(-1, (8, 4)))
