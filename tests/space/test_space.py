"""The laws of spaces, on random nested ones."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError, SpaceError
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.testing.spaces import spaces

SEEDS = st.integers(0, 2**32 - 1)
law = settings(max_examples=60, deadline=None)


def changed(space, left, right):
    """Decisions that exist in both and differ; those that only the right one has."""
    rows = list(zip(left.choices, right.choices, space.active(left), space.active(right), strict=True))
    differ = [i for i, (x, y, here, there) in enumerate(rows) if here and there and x != y]
    return differ, [i for i, (_, _, here, there) in enumerate(rows) if there and not here]


@law
@given(spaces(largest_count=1000))
def test_count_and_ranks_agree_with_the_list_of_all(space):
    everything = list(space)
    assert len(everything) == len(set(everything)) == space.count
    assert [space.rank(architecture) for architecture in everything] == list(range(space.count))
    assert all(architecture in space for architecture in everything)
    assert everything == sorted(everything, key=lambda architecture: architecture.choices)


@law
@given(spaces(), SEEDS)
def test_unrank_undoes_rank_and_parse_undoes_text(space, seed):
    architecture = space.sample(rng_for(seed, "sample"))
    assert architecture in space
    assert space.unrank(space.rank(architecture)) == architecture
    assert space.parse(space.text(architecture)) == architecture


@law
@given(spaces(), SEEDS)
def test_what_does_not_exist_is_zero_and_unwritten(space, seed):
    architecture = space.sample(rng_for(seed, "sample"))
    active = space.active(architecture)
    assert all(here or option == 0 for here, option in zip(active, architecture.choices, strict=True))
    words = [word.rpartition("=")[0] for word in space.text(architecture).split()]
    assert words == [d.path for d, here in zip(space.decisions, active, strict=True) if here]


@law
@given(spaces(), SEEDS)
def test_mutation_changes_exactly_one_decision(space, seed):
    parent = space.sample(rng_for(seed, "parent"))
    if not any(len(d.labels) > 1 for d, h in zip(space.decisions, space.active(parent), strict=True) if h):
        with pytest.raises(SpaceError, match="nothing to mutate"):
            space.mutate(parent, rng_for(seed, "child"))
        return
    child = space.mutate(parent, rng_for(seed, "child"))
    assert child in space
    differ, _ = changed(space, parent, child)
    assert len(differ) == 1
    assert space.distance(parent, child) == space.distance(child, parent) >= 1


@law
@given(spaces(largest_count=300), SEEDS)
def test_neighbours_are_all_those_one_decision_away(space, seed):
    centre = space.sample(rng_for(seed, "centre"))
    around = list(space.neighbours(centre))
    assert len(around) == len(set(around))

    def beside(other):
        differ, new = changed(space, centre, other)
        return len(differ) == 1 and all(other.choices[i] == 0 for i in new)

    assert set(around) == {other for other in space if beside(other)}


@law
@given(spaces(), SEEDS)
def test_a_child_of_two_takes_only_what_a_parent_has(space, seed):
    left, right = (space.sample(rng_for(seed, "parent", i)) for i in range(2))
    child = space.crossover(left, right, rng_for(seed, "child"))
    assert child in space
    assert space.crossover(left, left, rng_for(seed, "child")) == left
    active = [space.active(parent) for parent in (left, right)]
    for i, here in enumerate(space.active(child)):
        options = {parent.choices[i] for parent, has in zip((left, right), active, strict=True) if has[i]}
        assert not here or not options or child.choices[i] in options


@law
@given(spaces(), SEEDS)
def test_a_network_is_its_blocks_one_after_another(space, seed):
    architecture = space.sample(rng_for(seed, "sample"))
    network = space.network(architecture)
    assert network.layers[-1].shape == (4,)
    ends = [-1]
    for span in network.blocks:
        assert span.first == ends[-1] + 1 <= span.last
        ends.append(span.last)
    assert ends[-1] == len(network.layers) - 1
    written = [span.path for span in network.blocks]
    existing = [path for path, _ in space.blocks(architecture)]
    assert written == [path for path in existing if path in written]
    for i, layer in enumerate(network.layers):
        assert all(index < i for index in layer.inputs)
    assert len({layer.name for layer in network.layers}) == len(network.layers)


@law
@given(spaces(largest_count=300))
def test_equal_canonical_forms_are_equal_networks(space):
    met = {}
    for architecture in space:
        layers = [(layer.op, layer.inputs, layer.shape) for layer in space.network(architecture).layers]
        assert met.setdefault(space.canonical(architecture), layers) == layers


@law
@given(spaces(), SEEDS)
def test_binding_keeps_decisions_fingerprint_and_names(space, seed):
    architecture = space.sample(rng_for(seed, "sample"))
    bound = space.bind((1, 16, 16), 7)
    assert (bound.decisions, bound.fingerprint) == (space.decisions, space.fingerprint)
    assert (bound.input_shape, bound.outputs) == ((1, 16, 16), 7)
    assert (space.input_shape, space.outputs) == ((3, 8, 8), 4)
    assert bound.canonical(architecture) == space.canonical(architecture)
    assert bound.network(architecture).layers[-1].shape == (7,)


@law
@given(spaces())
def test_a_pickled_space_is_the_same_space(space):
    again = pickle.loads(pickle.dumps(space))
    assert (again.fingerprint, again.input_shape, again.outputs) == (
        space.fingerprint,
        space.input_shape,
        space.outputs,
    )
    assert again.text(again.unrank(space.count - 1)) == space.text(space.unrank(space.count - 1))


PRINTED = """
from dataclasses import dataclass
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201

def act(x): return x

@dataclass(frozen=True)
class Mine(b.Block):
    words: frozenset
    function: object
    def wire(self, net, x): return net.act(x)

words = frozenset(["relu", "gelu", "silu"])
mine = Space(Mine(words, choice(act, len)), b.conv(choice(8, 16)), b.classifier())
for space in (nasbench201(), mine):
    print(space.fingerprint, [space.canonical(space.unrank(i)) for i in (0, space.count - 1)])
"""


def test_fingerprints_and_canonical_forms_are_the_same_in_every_process():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_fingerprint_tells_spaces_apart_that_differ_in_a_constant_only():
    def make(out):
        return Space(b.conv(out), b.conv(choice(8, 16)), b.classifier())

    assert make(8).fingerprint == make(8).fingerprint != make(12).fingerprint


def test_samples_reach_every_architecture():
    space = Space(b.optional(b.conv(choice(1, 2, 3))), b.repeat(b.se(inner=choice(1, 2)), choice(0, 1)))
    rng = np.random.default_rng(0)
    assert {space.sample(rng) for _ in range(1000)} == set(space)


def test_a_mutation_draws_what_comes_to_exist():
    space = Space(b.optional(b.conv(choice(1, 2, 3))), b.classifier())
    without = space.unrank(space.count - 1)
    children = {space.mutate(without, rng_for(0, "mutate", i)) for i in range(100)}
    assert children == set(space) - {without}


def test_an_architecture_of_another_space_is_refused():
    space, other = (Space(b.conv(choice(8, out)), b.classifier()) for out in (16, 24))
    with pytest.raises(SpaceError, match="an architecture of another space"):
        space.text(other.unrank(0))
    assert other.unrank(0) not in space


@pytest.mark.parametrize("choices", [(2,), (-1,), (0, 0), ()])
def test_choices_that_cannot_be_are_not_in_the_space(choices):
    space = Space(b.conv(choice(8, 16)), b.classifier())
    assert Architecture(space.fingerprint, choices) not in space


def test_numbers_outside_the_space_are_refused():
    space = Space(b.conv(choice(8, 16)), b.classifier())
    with pytest.raises(SpaceError, match="number 2 of space; there are 0 to 1"):
        space.unrank(2)


def test_a_space_without_blocks_is_refused():
    with pytest.raises(SpaceError, match="needs at least one block"):
        Space()


def test_a_network_needs_shapes_and_layers():
    space = Space(b.optional(b.conv(8)))
    with pytest.raises(ShapeError, match=r"does not know its input: say space\.bind"):
        space.network(space.unrank(0))
    with pytest.raises(ShapeError, match="no layer at all in choice=identity"):
        space.bind((3, 8, 8), 10).network(space.unrank(1))
