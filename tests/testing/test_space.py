"""Toy spaces keep the laws of spaces, and the suite finds a space that does not."""

import pytest

from nasturtium.testing.space import SpaceConformance
from nasturtium.testing.toys import conditional_space, flat_space, single_space


class TestFlat(SpaceConformance):
    def make(self):
        return flat_space()


class TestConditional(SpaceConformance):
    def make(self):
        return conditional_space()


class TestSingle(SpaceConformance):
    def make(self):
        return single_space()


@pytest.mark.parametrize(
    ("law", "method", "fault"),
    [
        ("test_unrank_undoes_rank", "rank", lambda self, architecture: 0),
        ("test_parse_undoes_text", "text", lambda self, architecture: self.name),
        ("test_mutation_changes_exactly_one_decision", "mutate", lambda self, a, rng: self.sample(rng)),
        ("test_neighbours_are_distinct_and_one_decision_away", "neighbours", lambda self, a: iter([a])),
        ("test_the_canonical_form_is_stable", "canonical", lambda self, a: str(id(self))),
        (
            "test_a_crossing_takes_every_decision_from_a_parent",
            "crossover",
            lambda self, a, b, rng: self.sample(rng),
        ),
    ],
)
def test_a_fault_is_found(law, method, fault, monkeypatch):
    class Suite(SpaceConformance):
        def make(self):
            return conditional_space()

    getattr(Suite(), law)()
    monkeypatch.setattr(type(conditional_space()), method, fault)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, it does not pass
        getattr(Suite(), law)()
