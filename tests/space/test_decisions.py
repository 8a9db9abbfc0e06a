import itertools

import pytest
from hypothesis import given, settings

from nasturtium.space import decisions
from nasturtium.space.decisions import Conditions, Decision, exists
from nasturtium.testing.spaces import spaces


def decision(path, size, *places):
    return Decision(path, tuple(map(str, range(size))), tuple(range(size)), places)


# b exists beside a=1; c beside b=0 (so a=1 too) or a=2.
CHAIN = (
    decision("a", 3, ()),
    decision("b", 2, ((0, frozenset([1])),)),
    decision("c", 2, ((0, frozenset([1])), (1, frozenset([0]))), ((0, frozenset([2])),)),
)


def test_a_pattern_follows_from_conditions_upon_conditions():
    conditions = Conditions(CHAIN)
    found = {
        choices: conditions.pattern(choices).active for choices in itertools.product(range(3), (0, 1), (0, 1))
    }
    assert found[0, 1, 1] == (True, False, False)
    assert found[1, 0, 1] == (True, True, True)
    assert found[1, 1, 1] == (True, True, False)
    assert found[2, 1, 1] == (True, False, True)
    assert conditions.settle([1, 1, 1]) == (1, 1, 0)
    assert conditions.settle([0, 1, 1]) == (0, 0, 0)


def test_patterns_survive_a_full_cache(monkeypatch):
    monkeypatch.setattr(decisions, "LARGEST_CACHE", 1)
    conditions = Conditions(CHAIN)
    for choices in itertools.product(range(3), (0, 1), (0, 1)):
        assert conditions.pattern(choices) == Conditions(CHAIN).pattern(choices)


@settings(max_examples=60, deadline=None)
@given(spaces(largest_count=300))
def test_patterns_are_those_of_the_places_read_one_by_one(space):
    for architecture in space:
        assert space.active(architecture) == tuple(
            exists(one.places, architecture.choices) for one in space.decisions
        )


@pytest.mark.parametrize(
    ("options", "ordered"),
    [
        ((3, 5, 7), True),
        ((0.1, 0.01, 0.001), True),
        ((3, 5), False),  # two have no order to speak of
        ((3, 7, 5), False),
        ((3, 3, 5), False),
        ((False, True, 2), False),
        (("relu", "tanh", "elu"), False),
    ],
)
def test_ordered_options_are_three_or_more_numbers_that_only_rise_or_fall(options, ordered):
    assert Decision("kernel", tuple(map(str, options)), options, ((),)).ordered is ordered
