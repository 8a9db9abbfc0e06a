import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasturtium.errors import SpaceError
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.encode import (
    PathEncoding,
    from_one_hot,
    from_ordinal,
    from_tokens,
    graph,
    num_tokens,
    one_hot,
    ordinal,
    tokens,
)
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import OPS, from_ops, nasbench201
from nasturtium.testing.spaces import spaces
from nasturtium.testing.toys import conditional_space, single_space

SEEDS = st.integers(0, 2**32 - 1)
law = settings(max_examples=50, deadline=None)
CODES = [(ordinal, from_ordinal), (one_hot, from_one_hot), (tokens, from_tokens)]


@law
@given(spaces(), SEEDS)
def test_decoding_undoes_encoding(space, seed):
    architecture = space.sample(rng_for(seed, "encode"))
    for encode, decode in CODES:
        assert decode(space, encode(space, architecture)) == architecture


@law
@given(spaces(largest_count=300))
def test_different_architectures_have_different_codes(space):
    for encode, _ in CODES:
        assert len({encode(space, architecture).tobytes() for architecture in space}) == space.count


@law
@given(spaces(), SEEDS)
def test_codes_have_their_shapes_and_say_what_exists(space, seed):
    architecture = space.sample(rng_for(seed, "encode"))
    here = np.array(space.active(architecture), dtype=bool)
    options = sum(len(decision.labels) for decision in space.decisions)
    assert ordinal(space, architecture).shape == tokens(space, architecture).shape == (len(here),)
    assert one_hot(space, architecture).shape == (options,)
    assert num_tokens(space) == options + 1
    assert ((ordinal(space, architecture) >= 0) == here).all()
    assert one_hot(space, architecture).sum() == here.sum()
    sentence = tokens(space, architecture)
    assert (sentence[: here.sum()] > 0).all()
    assert (sentence[here.sum() :] == 0).all()


def test_codes_of_a_small_space():
    space = Space(b.optional(b.conv(choice(8, 16, 24))), b.conv(choice(1, 2)))
    with_it, without = space.architecture(choice__conv__out=16), space.unrank(space.count - 1)
    assert [decision.path for decision in space.decisions] == ["choice", "choice.conv.out", "conv.out"]
    assert ordinal(space, with_it).tolist() == [0, 1, 0]
    assert ordinal(space, without).tolist() == [1, -1, 1]
    assert one_hot(space, with_it).tolist() == [1, 0, 0, 1, 0, 1, 0]
    assert one_hot(space, without).tolist() == [0, 1, 0, 0, 0, 0, 1]
    assert tokens(space, with_it).tolist() == [1, 4, 6]
    assert tokens(space, without).tolist() == [2, 7, 0]


def test_a_space_of_one_has_empty_codes():
    space = single_space()
    for encode, decode in CODES:
        assert encode(space, space.unrank(0)).tolist() == []
        assert decode(space, []) == space.unrank(0)


BAD = {
    "not an architecture of conditional": lambda space: from_ordinal(space, [-1] * len(space.decisions)),
    "[0, 1] is not an architecture": lambda space: from_ordinal(space, [0, 1]),
    "a one-hot vector of conditional is": lambda space: from_one_hot(space, [1.0]),
    "at most one 1 per decision": lambda space: from_one_hot(space, np.ones(num_tokens(space) - 1)),
    "token 99 of conditional; there are 0 to": lambda space: from_tokens(space, [99]),
    "not an architecture of": lambda space: from_tokens(space, [1]),
}


@pytest.mark.parametrize("message", BAD)
def test_a_code_of_no_architecture_is_refused(message):
    with pytest.raises(SpaceError) as refused:
        BAD[message](conditional_space())
    assert message in str(refused.value)


def test_the_cell_of_nasbench201_has_operations_on_nodes():
    space = nasbench201()
    cell = graph(
        space, from_ops(space, ("nor_conv_1x1", "none", "skip_connect", "none", "none", "nor_conv_3x3"))
    )
    assert cell.names == ("input", "0>1", "0>2", "1>2", "0>3", "1>3", "2>3", "output")
    assert cell.ops[1] == "nor_conv_1x1"
    rows = ["01101000", "00010100", "00000010", "00000010", "00000001", "00000001", "00000001", "00000000"]
    assert cell.adjacency().tolist() == [[int(digit) for digit in row] for row in rows]
    assert [[cell.names[node] for node in route] for route in cell.paths(("none",))] == [
        ["0>1", "1>2", "2>3"]
    ]


@pytest.mark.parametrize(("given", "count"), [({}, 84), ({"dead": ()}, 155), ({"by_node": True}, 100)])
def test_paths_of_nasbench201_are_as_many_as_published(given, count):
    """4 + 16 + 64 by operations, 5 + 25 + 125 with ``none``, 4 + 2 * 16 + 64 by nodes as well."""
    encoding = PathEncoding(nasbench201(), **given)
    assert len(encoding.paths) == len(set(encoding.paths)) == count
    assert encoding(nasbench201().sample(rng_for(0, "paths"))).shape == (count,)


def test_paths_say_which_operations_an_input_passes():
    space = nasbench201()
    encoding = PathEncoding(space)
    architecture = from_ops(
        space, ("nor_conv_1x1", "none", "skip_connect", "none", "avg_pool_3x3", "nor_conv_3x3")
    )
    taken = {path for path, bit in zip(encoding.paths, encoding(architecture), strict=True) if bit}
    assert taken == {
        ("nor_conv_1x1", "avg_pool_3x3"),
        ("nor_conv_1x1", "skip_connect", "nor_conv_3x3"),
    }
    assert encoding(space.unrank(0)).sum() == 0


def test_exchanging_two_nodes_changes_paths_by_node_only():
    space = nasbench201()
    one, other = (
        from_ops(space, ops)
        for ops in (
            ("nor_conv_1x1", "nor_conv_3x3", "none", "none", "skip_connect", "avg_pool_3x3"),
            ("nor_conv_3x3", "nor_conv_1x1", "none", "none", "avg_pool_3x3", "skip_connect"),
        )
    )
    assert (PathEncoding(space)(one) == PathEncoding(space)(other)).all()
    assert (PathEncoding(space, by_node=True)(one) != PathEncoding(space, by_node=True)(other)).any()


def test_any_other_space_is_a_chain_of_its_blocks():
    space = Space(b.conv(8), b.optional(b.conv(choice(8, 16))), b.classifier())
    found = graph(space, space.unrank(0))
    assert found.ops == ("input", "conv 3x3 -> 8", "conv 3x3 -> 8", "classifier", "output")
    assert found.names == ("input", "conv", "choice", "classifier", "output")
    assert found.paths() == ((1, 2, 3),)
    assert graph(space, space.unrank(space.count - 1)).ops == (
        "input",
        "conv 3x3 -> 8",
        "classifier",
        "output",
    )
    with pytest.raises(SpaceError, match="cannot be listed: its graph has not the same nodes"):
        PathEncoding(space)


def test_a_graph_is_padded_to_a_size():
    space = nasbench201()
    cell = graph(space, space.unrank(0))
    vocabulary = ("input", *OPS, "output")
    assert cell.adjacency(10).shape == (10, 10)
    assert cell.operations(vocabulary, 10).sum(1).tolist() == [1] * 8 + [0] * 2
    assert cell.operations(vocabulary).shape == (8, 7)
    with pytest.raises(SpaceError, match="'none' is not in the vocabulary"):
        cell.operations(("input", "output"))


def test_the_graph_of_a_cell_with_settings_is_the_cell():
    plain = nasbench201()
    parts = dict(zip(plain.tree.names, plain.tree.blocks, strict=True))
    joint = Space(**parts, training=b.settings(lr=choice(1, 2)))
    one = joint.unrank(2 * 7_777 + 1)
    assert joint.settings(one) == {"lr": 2}
    assert graph(joint, one) == graph(plain, plain.unrank(7_777))
