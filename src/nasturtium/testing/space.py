"""The laws of a space."""

# ruff: noqa: D102 - the name of each test says its law

from itertools import pairwise

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space


class SpaceConformance:
    """Laws that every space keeps; subclass it, name it Test..., and give `make`.

    Attributes:
        samples: Architectures that each law is tried on.
        enumerable: Largest count for which all architectures are listed.
    """

    samples = 50
    enumerable = 20_000

    def make(self) -> Space:
        """Returns the space, made anew."""
        raise NotImplementedError

    def test_samples_lie_in_the_space_and_depend_on_the_generator_alone(self) -> None:
        space, again = self.make(), self.make()
        for i in range(self.samples):
            architecture = space.sample(self._rng(i))
            assert architecture in space
            assert architecture == again.sample(self._rng(i)), "a second space samples otherwise"

    def test_unrank_undoes_rank(self) -> None:
        space = self.make()
        for architecture in self._sampled(space):
            number = space.rank(architecture)
            assert 0 <= number < space.count
            assert space.unrank(number) == architecture

    def test_rank_undoes_unrank(self) -> None:
        space = self.make()
        for i in range(self.samples):
            number = int(self._rng(i).random() * space.count)
            architecture = space.unrank(number)
            assert architecture in space
            assert space.rank(architecture) == number

    def test_count_is_the_number_of_architectures(self) -> None:
        space = self.make()
        assert space.count >= 1
        if space.count > self.enumerable:
            return
        listed = list(space)
        assert len(listed) == len(set(listed)) == space.count
        assert [space.rank(architecture) for architecture in listed] == list(range(space.count))
        assert set(self._sampled(space)) <= set(listed)

    def test_parse_undoes_text(self) -> None:
        space = self.make()
        for architecture in self._sampled(space):
            text = space.text(architecture)
            assert space.parse(text) == architecture, text

    def test_decisions_that_do_not_exist_are_zero(self) -> None:
        space = self.make()
        for architecture in self._sampled(space):
            here = space.active(architecture)
            assert len(here) == len(space.decisions) == len(architecture.choices)
            for decision, option, exists in zip(space.decisions, architecture.choices, here, strict=True):
                assert 0 <= option < len(decision.labels), decision.path
                assert exists or option == 0, f"{decision.path} is {option} although it does not exist"

    def test_mutation_changes_exactly_one_decision(self) -> None:
        space = self.make()
        for i, parent in enumerate(self._sampled(space) if space.count > 1 else ()):
            child = space.mutate(parent, self._rng(i, "changes"))
            assert child in space
            assert self._changed(space, parent, child) == 1, f"{space.text(parent)} -> {space.text(child)}"

    def test_neighbours_are_distinct_and_one_decision_away(self) -> None:
        space = self.make()
        for centre in self._sampled(space)[:10]:
            around = list(space.neighbours(centre))
            assert len(around) == len(set(around)), "a neighbour comes twice"
            assert list(space.neighbours(centre)) == around, "the order is not fixed"
            options = zip(space.decisions, space.active(centre), strict=True)
            assert len(around) == sum(len(decision.labels) - 1 for decision, exists in options if exists)
            for other in around:
                assert other in space
                assert self._changed(space, centre, other) == 1

    def test_a_crossing_takes_every_decision_from_a_parent(self) -> None:
        space = self.make()
        sampled = self._sampled(space)
        for i, (left, right) in enumerate(pairwise(sampled)):
            child = space.crossover(left, right, self._rng(i, "changes"))
            assert child in space
            assert space.crossover(left, left, self._rng(i, "changes")) == left, (
                "a crossing with itself changes it"
            )
            for decision, taken, (a, in_a), (b, in_b), exists in zip(
                space.decisions,
                child.choices,
                zip(left.choices, space.active(left), strict=True),
                zip(right.choices, space.active(right), strict=True),
                space.active(child),
                strict=True,
            ):
                from_parents = {option for option, has in ((a, in_a), (b, in_b)) if has}
                assert not exists or not from_parents or taken in from_parents, decision.path

    def test_the_canonical_form_is_stable(self) -> None:
        space, again = self.make(), self.make()
        for architecture in self._sampled(space):
            form = space.canonical(architecture)
            assert isinstance(form, str)
            assert form, "the canonical form is empty"
            assert form == again.canonical(architecture), "a second space gives another form"

    def test_another_space_of_the_same_blocks_has_the_same_fingerprint(self) -> None:
        space = self.make()
        assert space.fingerprint == self.make().fingerprint
        bound = space.bind((3, 32, 32), 7)
        assert bound.fingerprint == space.fingerprint
        assert (bound.input_shape, bound.outputs) == ((3, 32, 32), 7)

    def test_what_is_not_an_architecture_of_the_space_is_not_in_it(self) -> None:
        space = self.make()
        one = self._sampled(space)[0]
        assert "conv" not in space
        assert Architecture("elsewhere", one.choices) not in space
        assert Architecture(one.space, (*one.choices, 0)) not in space
        if one.choices:
            assert Architecture(one.space, (10**6, *one.choices[1:])) not in space

    def _rng(self, i: int, purpose: str = "samples") -> np.random.Generator:
        return rng_for(0, f"space conformance/{purpose}", i)

    def _sampled(self, space: Space) -> list[Architecture]:
        return [space.sample(self._rng(i)) for i in range(self.samples)]

    def _changed(self, space: Space, left: Architecture, right: Architecture) -> int:
        """Returns in how many of the decisions that exist in both two architectures differ."""
        rows = zip(left.choices, right.choices, space.active(left), space.active(right), strict=True)
        return sum(a != b for a, b, here, there in rows if here and there)
