import numpy as np
import pytest

from nasturtium.predictor.words import Vocabulary, blocks, sentence
from nasturtium.space.blocks import classifier, conv, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201
from nasturtium.space.zoo.pnas import pnas


def test_a_word_means_the_same_at_every_place():
    space = nasbench201()
    ops = ["none", "none", "skip_connect", "none", "avg_pool_3x3", "none"]
    assert sentence(space, from_ops(space, ops)) == [f"edge={op}" for op in ops]


def test_decisions_of_one_place_are_a_block():
    space = Space(
        repeat(conv(choice(4, 8), kernel=choice(1, 3)), times=choice(1, 2)),
        classifier(),
        input_shape=(1, 8, 8),
        outputs=10,
    )
    lengths = {tuple(len(block) for block in blocks(space, one)) for one in space}
    assert lengths == {(1, 2), (1, 2, 2)}
    longest = space.unrank(space.count - 1)
    assert blocks(space, longest)[1:] == [["out=8", "kernel=3"]] * 2
    assert sentence(space, longest)[1:] == ["out=8", "kernel=3"] * 2


def test_a_known_word_is_itself_and_an_unknown_one_the_mean_of_its_kind():
    words = Vocabulary(["op=a", "in=0", "op=b", "op=a", "in=1"])
    assert words.words == ("in=0", "in=1", "op=a", "op=b")
    assert words.row("op=b").tolist() == [0, 0, 0, 1]
    assert words.row("in=2").tolist() == [0.5, 0.5, 0, 0]
    assert words.row("new=2").tolist() == [0.25] * 4
    assert len(words) == 4


@pytest.mark.parametrize("word", ["in=2", "new=2", "op=a"])
def test_rows_sum_to_1(word):
    assert np.isclose(Vocabulary(["op=a", "in=0", "in=1"]).row(word).sum(), 1)


def test_no_words_at_all():
    assert Vocabulary([]).row("op=a").shape == (0,)


def test_both_sides_of_a_block_share_their_words():
    space = pnas(blocks=1)
    for one in (space.unrank(0), space.unrank(77)):
        state, op, other_state, other_op = blocks(space, one)[-1]
        assert state.partition("=")[0] == other_state.partition("=")[0] == "state"
        assert op.partition("=")[0] == other_op.partition("=")[0] == "op"
