from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from nasturtium.errors import ShapeError, SpaceError
from nasturtium.run.names import space_named
from nasturtium.space import blocks as b
from nasturtium.space.blend import blended, joined, variants
from nasturtium.space.choice import choice
from nasturtium.space.layers import Mix
from nasturtium.space.space import Space


def bound(*blocks):
    return Space(*blocks, b.classifier(), input_shape=(4, 6, 6), outputs=2)


def every(space):
    return tuple(tuple(range(len(decision.labels))) for decision in space.decisions)


def mixes(space, active=None):
    network = blended(space, every(space) if active is None else active)
    return [layer.op.terms for layer in network.layers if isinstance(layer.op, Mix)]


@pytest.mark.parametrize("name", ["chain", "nasbench201", "mobilenet", "enas_macro", "nasnet"])
def test_one_option_each_is_the_network_itself(name):
    space = space_named(name)
    architecture = space.unrank(space.count // 3)
    got = blended(space, tuple((option,) for option in architecture.choices))
    wanted = space.network(architecture)
    layers = [layer for layer in got.layers if not isinstance(layer.op, Mix)]
    assert [(layer.op, layer.key, layer.shape) for layer in layers] == [
        (layer.op, layer.key, layer.shape) for layer in wanted.layers
    ]
    assert all(len(terms) == 1 for terms in mixes(space, tuple((option,) for option in architecture.choices)))


def test_a_choice_of_blocks_is_one_sum_over_its_options():
    space = bound(choice(b.conv(4), b.max_pool(), b.identity()))
    assert mixes(space) == [(((0, 0),), ((0, 1),), ((0, 2),))]
    assert mixes(space, ((0, 2),)) == [(((0, 0),), ((0, 2),))]


def test_numbers_of_one_block_make_a_variant_for_each_combination():
    space = bound(b.inverted_residual(4, kernel=choice(3, 5), expand=choice(1, 2, 3)))
    (terms,) = mixes(space)
    assert len(terms) == 6
    assert {tuple(decision for decision, _ in term) for term in terms} == {(0, 1)}
    assert len(set(terms)) == 6


def test_a_choice_used_twice_in_a_block_is_one_decision_in_its_terms():
    size = choice(1, 3, 5, name="size")
    assert mixes(bound(b.inverted_residual(4, kernel=size, expand=size))) == [
        (((0, 0),), ((0, 1),), ((0, 2),))
    ]


def test_a_repeat_is_a_sum_over_the_outputs_of_its_copies():
    space = bound(b.repeat(b.conv(4), times=choice(0, 2, 3)))
    assert mixes(space) == [(((0, 0),), ((0, 1),), ((0, 2),))]
    network = blended(space, ((0, 1),))
    assert sum("conv" in layer.name for layer in network.layers) == 2  # the third copy does not exist


def test_variants_of_a_part_are_its_values_and_what_makes_them():
    space = Space(b.conv(8, kernel=choice(1, 3) * 1))
    (plan,) = space.plan.children
    assert [(term, block.kernel) for term, block in variants(plan, ((0, 1),))] == [
        (((0, 0),), 1),
        (((0, 1),), 3),
    ]


def test_terms_that_contradict_each_other_join_to_none():
    assert joined([((0, 1),), ((2, 0), (0, 1))]) == ((0, 1), (2, 0))
    assert joined([((0, 1),), ((0, 2),)]) is None
    assert joined([]) == ()


@dataclass(frozen=True)
class Edge(b.Block):
    op: Any
    mixes: ClassVar[bool] = True

    def wire(self, net, x):
        return net.mixed(self.op, lambda op: net.conv(x, 4, op)) or net.zero(x)


def test_a_block_that_mixes_is_written_once_and_its_options_have_weights_of_their_own():
    network = blended(bound(Edge(choice(1, 3))), ((0, 1),))
    keys = [layer.key for layer in network.layers if "conv" in layer.key]
    assert keys == ["edge.1.conv", "edge.3.conv"]
    assert len({layer.name for layer in network.layers}) == len(network.layers)


def test_what_cannot_be_mixed_is_said():
    with pytest.raises(ShapeError, match=r"\[4, 6, 6\], \[8, 6, 6\] cannot be mixed"):
        mixes(bound(b.conv(choice(4, 8))))
    with pytest.raises(ShapeError, match=r"space\.bind"):
        blended(Space(b.conv(choice(4, 8))), ((0, 1),))
    with pytest.raises(SpaceError, match="none of its options runs"):
        mixes(bound(choice(b.conv(4), b.identity())), ((),))
    many = bound(b.inverted_residual(4, kernel=choice(*range(1, 60, 2)), expand=choice(*range(1, 30))))
    with pytest.raises(SpaceError, match="512"):
        mixes(many)
