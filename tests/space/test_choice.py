import numpy as np
import pytest

from nasturtium.errors import SpaceError
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice, largest, smallest
from nasturtium.space.space import Space


def values(expression):
    space = Space(b.conv(expression), b.classifier())
    return [space.blocks(architecture)[0][1].out for architecture in space]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda w: w + 1, [9, 17]),
        (lambda w: 1 + w, [9, 17]),
        (lambda w: w - 1, [7, 15]),
        (lambda w: 32 - w, [24, 16]),
        (lambda w: w * 2, [16, 32]),
        (lambda w: 2 * w, [16, 32]),
        (lambda w: w // 3, [2, 5]),
        (lambda w: 100 // w, [12, 6]),
        (lambda w: w / 2, [4, 8]),
        (lambda w: 64 / w, [8, 4]),
        (lambda w: w % 5, [3, 1]),
        (lambda w: largest(w, 12), [12, 16]),
        (lambda w: smallest(12, w), [8, 12]),
        (lambda w: (w - 1) * w // 2, [28, 120]),
    ],
)
def test_choices_are_calculated_with_like_numbers(make, expected):
    assert values(make(choice(8, 16))) == expected


def test_largest_and_smallest_of_numbers_are_numbers():
    assert (largest(2, 3), smallest(2, 3)) == (3, 2)


def test_numpy_numbers_are_taken_as_numbers():
    assert choice(*np.arange(8, 24, 8)).options == (8, 16)
    assert type(choice(np.int64(8)).options[0]) is int


@pytest.mark.parametrize(
    "use",
    [
        lambda w: 1 if w else 2,
        lambda w: 1 if w == 8 else 2,
        lambda w: 1 if w != 8 else 2,
        lambda w: w > 8,
        lambda w: w <= 8,
        lambda w: w and 3,
        lambda w: list(range(w)),
        lambda w: [one for one in w],  # noqa: C416 - the loop is what is tried
        lambda w: 8 in w,
        lambda w: 1 if w * 2 else 2,
        lambda w: 1 if w == "relu" else 2,
    ],
)
def test_python_control_flow_on_a_choice_is_refused(use):
    with pytest.raises(SpaceError, match="would be decided once, while the space is written; say choice"):
        use(choice(8, 16))


def test_blocks_with_choices_can_be_compared():
    width = choice(8, 16)
    assert b.conv(width) == b.conv(width) != b.conv(choice(8, 16))
    assert len(choice(b.conv(8), b.conv(width)).options) == 2


BAD = {
    "at least one option": lambda: choice(),
    r"one by one: write choice\(\*\[3, 5\]\)": lambda: choice([3, 5]),
    r"one by one: write choice\(\*range": lambda: choice(range(3)),
    "names the option 3 twice": lambda: choice(3, 5, 3),
    "names the option Identity\\(\\) twice": lambda: choice(b.identity(), b.identity()),
    "can be changed later": lambda: choice([3], [5]),
    "a choice cannot be called 'my width'": lambda: choice(3, 5, name="my width"),
    "a choice cannot be called ''": lambda: choice(3, 5, name=""),
    "1 labels .* for 2 options": lambda: choice(3, 5, labels=("three",)),
    "an option cannot be called 'a=b'": lambda: choice(3, 5, labels=("a=b", "c")),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_choice_is_refused(message):
    with pytest.raises(SpaceError, match=message):
        BAD[message]()


def test_options_that_are_equal_but_not_the_same_are_different():
    assert choice(1, 1.0, True).options == (1, 1.0, True)
