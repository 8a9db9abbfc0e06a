import pytest
import torch

from nasturtium.errors import ShapeError
from nasturtium.net.build import build
from nasturtium.space.layers import Network
from nasturtium.space.transformer import Patches, TokenClassifier, Transformer, attended
from nasturtium.space.wiring import Value, Wiring


def built(block, shape):
    net = Wiring(outputs=10)
    end = block.wire(net, Value(-1, shape))
    return build(Network(shape, tuple(net.layers)), seed=0).double().eval(), end.shape


def test_a_patch_is_a_row_and_is_cut_without_overlap():
    """A pixel changes the rows of its patch, and of those beside it by what tells places."""
    model, shape = built(Patches(6, size=4), (3, 12, 12))
    x = torch.randn(1, 3, 12, 12, dtype=torch.float64)
    changed = x.clone()
    changed[..., 0, 0] += 1
    assert shape == (9, 6)
    assert (model(x) != model(changed)).any(2)[0].tolist() == [True, True, False] + [True, True, False] + [
        False
    ] * 3


def test_a_transformer_computes_what_torch_does():
    """Against nn.TransformerEncoderLayer with the same weights, where heads x head is the width."""
    torch.manual_seed(0)
    model, shape = built(Transformer(heads=2, head=4, ratio=3), (5, 8))
    layer = torch.nn.TransformerEncoderLayer(
        8, 2, 24, 0.0, "gelu", batch_first=True, norm_first=True
    ).double()
    mine, theirs = model.state_dict(), layer.state_dict()
    for kind in ("weight", "bias"):
        parts = [mine[f"attention.{name}.{kind}"] for name in ("query", "key", "value")]
        theirs[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        theirs[f"self_attn.out_proj.{kind}"] = mine[f"attention.project.{kind}"]
        theirs[f"linear1.{kind}"], theirs[f"linear2.{kind}"] = (
            mine[f"mlp.expand.{kind}"],
            mine[f"mlp.project.{kind}"],
        )
    layer.load_state_dict(theirs)
    x = torch.randn(3, 5, 8, dtype=torch.float64)
    assert shape == (5, 8)
    assert torch.allclose(model(x), layer.eval()(x), atol=1e-12)


def test_a_causal_token_sees_no_later_one():
    net = Wiring()
    y = attended(net, Value(-1, (4, 6)), 6, 2, causal=True)
    model = build(Network((4, 6), tuple(net.layers)), seed=0).double()
    x = torch.randn(2, 4, 6, dtype=torch.float64)
    changed = x.clone()
    changed[:, 2] += 1
    assert y.shape == (4, 6)
    assert (model(x) != model(changed)).any(2)[0].tolist() == [False, False, True, True]


def test_the_classifier_reads_the_mean_token():
    model, shape = built(TokenClassifier(), (5, 8))
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    assert shape == (10,)
    assert torch.allclose(model(x), model(x.flip(1)), atol=1e-12)


@pytest.mark.parametrize("block", [Transformer(), TokenClassifier()])
def test_a_picture_is_refused(block):
    with pytest.raises(ShapeError, match=r"reads \[tokens, features\], not \[3, 8, 8\]"):
        block.wire(Wiring(outputs=4), Value(-1, (3, 8, 8)))


def test_heads_that_do_not_divide_the_features_are_refused():
    net, x = Wiring(), Value(-1, (5, 8))
    with pytest.raises(ShapeError, match="3 heads do not fit"):
        net.attention(x, x, x, 3)
