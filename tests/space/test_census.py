"""Counting without enumeration."""

from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space


def test_huge_spaces_are_counted_exactly():
    space = Space(*(b.conv(choice(8, 16, 24), kernel=choice(3, 5)) for _ in range(60)))
    assert space.count == 6**60
    assert space.rank(space.unrank(6**60 - 1)) == 6**60 - 1


def test_stages_multiply_and_depths_add():
    stage = [b.repeat(b.conv(choice(8, 16)), choice(1, 2, 3)) for _ in range(10)]
    assert Space(*stage).count == (2 + 4 + 8) ** 10


def test_a_shared_decision_is_counted_once_where_either_place_exists():
    shared = choice(3, 5, 7)
    places = [b.optional(b.conv(8, kernel=shared)) for _ in range(4)]
    assert Space(*places, b.classifier()).count == (2**4 - 1) * 3 + 1


def test_a_depth_that_is_calculated_is_counted_by_its_values():
    depth = choice(0, 1, 2)
    space = Space(b.repeat(b.conv(choice(8, 16)), depth), b.repeat(b.se(inner=choice(1, 2, 3)), 2 - depth))
    assert space.count == 3**2 + 2 * 3 + 2**2


def test_a_space_without_decisions_has_one_architecture():
    space = Space(b.conv(8), b.classifier())
    assert list(space) == [space.unrank(0)]
    assert (space.count, space.text(space.unrank(0))) == (1, "")
