from dataclasses import dataclass, field

import pytest

from nasturtium.errors import SpaceError, UnknownName
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.text import spelled

SPACE = Space(
    stem=b.conv(choice(8, 16)),
    body=b.optional(b.conv(8, kernel=choice(3, 5))),
    end=b.classifier(),
    name="mine",
)

BAD = {
    "stem.out=8 stem.out=16 body=identity": "write each decision once, as path=option",
    "stem.out body=identity": "'stem.out' in an architecture of mine: write each decision once",
    "stem.width=8 body=identity": "unknown decision 'stem.width' (mine); known: body, body.conv",
    "stem.out=24 body=identity": "unknown option '24' (stem.out of mine); known: 16, 8",
    "stem.out=8 body=conv": "body.conv.kernel is missing, in an architecture of mine; add body.conv",
    "stem.out=8 body=identity body.conv.kernel=3": "body.conv.kernel does not exist beside the options taken",
    "": "stem.out is missing",
}


@pytest.mark.parametrize("text", BAD)
def test_a_line_that_is_no_architecture_is_refused(text):
    with pytest.raises((SpaceError, UnknownName)) as refused:
        SPACE.parse(text)
    assert BAD[text] in str(refused.value)


def test_words_come_in_any_order():
    line = "body.conv.kernel=5 body=conv stem.out=16"
    assert SPACE.text(SPACE.parse(line)) == "stem.out=16 body=conv body.conv.kernel=5"


def test_named_options_fill_in_the_first():
    assert SPACE.text(SPACE.architecture(stem__out=16)) == "stem.out=16 body=conv body.conv.kernel=3"
    with pytest.raises(UnknownName, match=r"unknown decision 'stem\.width'"):
        SPACE.architecture(stem__width=8)
    with pytest.raises(SpaceError, match=r"leave out body\.conv\.kernel=5"):
        SPACE.architecture(body="identity", body__conv__kernel=5)


def test_labels_can_be_given():
    space = Space(b.se(ratio=choice(0.25, 0.5, labels=("quarter", "half"))), b.classifier())
    assert [space.text(architecture) for architecture in space] == ["se.ratio=quarter", "se.ratio=half"]


@dataclass(frozen=True)
class Point:
    x: int
    hidden: int = field(default=0, repr=False)


def test_values_are_spelled_alike_where_they_are_equal_only():
    values = [
        1,
        1.0,
        True,
        "1",
        None,
        (1, 2),
        ("1", "2"),
        frozenset([1, 2]),
        Point(1),
        Point(1, 2),
        len,
        int,
        spelled,
    ]
    texts = [spelled(value) for value in values]
    assert len(set(texts)) == len(texts)
    assert spelled(frozenset(["b", "a", "c"])) == "{'a', 'b', 'c'}"
    assert spelled(spelled) == "nasturtium.space.text:spelled"


@pytest.mark.parametrize("value", [object(), lambda x: x, (1, object())])
def test_values_without_a_text_of_their_own_are_refused(value):
    with pytest.raises(SpaceError, match="is written differently in every process"):
        spelled(value)


def test_functions_and_classes_can_be_options():
    @dataclass(frozen=True)
    class Calls(b.Block):
        function: object

        def wire(self, net, x):
            return net.act(x)

    space = Space(Calls(choice(len, Point)), b.classifier())
    assert space.decisions[0].labels == ("len", "Point")
