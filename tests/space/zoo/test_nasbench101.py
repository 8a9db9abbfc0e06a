"""NAS-Bench-101 against its release and against brute force (Ying et al. 2019, arXiv:1902.09635)."""

from itertools import combinations, permutations, product

import pytest
import torch

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError, UnknownOp
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.encode import graph
from nasturtium.space.zoo.nasbench101 import (
    INPUT,
    OPS,
    OUTPUT,
    Cell101,
    Spec,
    channels_of,
    from_matrix,
    module_hash,
    nasbench101,
    pruned,
    spec_of,
)
from nasturtium.testing.space import SpaceConformance

# A row of the official file: its name, its matrix, its operations and its parameters.
HASH = "00005c142e6f48ac74fdcf73e3439874"
MATRIX = [
    [0, 1, 0, 0, 1, 1, 0],
    [0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0, 1],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
ROW = (INPUT, OPS[0], OPS[2], OPS[0], OPS[0], OPS[1], OUTPUT)
PARAMS = 8_555_530
# How many cells have so many vertices; with 62,010 of six and 359,082 of seven these are the 423,624.
CELLS = {2: 1, 3: 6, 4: 84, 5: 2_441}


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return nasbench101()


def every_spec(vertices):
    """All cells of so many vertices, none of them idle, as often as they can be written."""
    slots = list(combinations(range(vertices), 2))
    for bits in product((0, 1), repeat=len(slots)):
        edges = tuple(slot for slot, bit in zip(slots, bits, strict=True) if bit)
        plain = pruned((INPUT, *[OPS[0]] * (vertices - 2), OUTPUT), edges)
        if plain is None or len(plain.ops) < vertices or len(edges) > 9:
            continue
        for ops in product(OPS, repeat=vertices - 2):
            yield Spec((INPUT, *ops, OUTPUT), edges)


def by_brute_force(spec):
    """The least of all ways to number the inner vertices."""
    inner = range(1, len(spec.ops) - 1)
    forms = []
    for order in permutations(inner):
        place = {0: 0, len(spec.ops) - 1: len(spec.ops) - 1} | dict(zip(inner, order, strict=True))
        ops = {place[v]: spec.ops[v] for v in inner}
        edges = sorted((place[start], place[end]) for start, end in spec.edges)
        forms.append((sorted(ops.items()), edges))
    return str(min(forms))


@pytest.mark.parametrize("vertices", CELLS)
def test_hashes_agree_with_brute_force_isomorphism(vertices):
    pairs = {(module_hash(spec), by_brute_force(spec)) for spec in every_spec(vertices)}
    assert len(pairs) == len({name for name, _ in pairs}) == len({form for _, form in pairs})
    assert len(pairs) == CELLS[vertices]


def test_the_hash_and_the_params_are_those_of_the_official_file():
    space = nasbench101("published")
    architecture = from_matrix(space, MATRIX, ROW)
    assert module_hash(spec_of(space, architecture)) == HASH
    assert Counted(space).counts(architecture).params == PARAMS


def test_the_least_cell_is_one_projection():
    space = nasbench101("published")
    architecture = from_matrix(space, [[0, 1], [0, 0]], (INPUT, OUTPUT))
    shapes = [layer.shape for layer in space.network(architecture).layers if layer.name.startswith("stack1")]
    assert shapes[:3] == [(128, 32, 32)] * 3
    assert len(shapes) == 9


def test_encodings_of_one_cell_have_one_canonical_form():
    space = nasbench101()
    architecture = from_matrix(space, MATRIX, ROW)
    moved = (*architecture.choices[8::-1], *architecture.choices[9:])
    again = type(architecture)(architecture.space, moved)
    assert again != architecture
    assert space.canonical(again) == space.canonical(architecture)
    assert spec_of(space, again) == spec_of(space, architecture)


def test_vertices_that_lead_nowhere_are_pruned():
    spec = pruned((INPUT, OPS[0], OPS[1], OPS[2], OUTPUT), ((0, 1), (1, 4), (0, 2), (3, 4)))
    assert spec == Spec((INPUT, OPS[0], OUTPUT), ((0, 1), (1, 2)))
    assert pruned((INPUT, OPS[0], OUTPUT), ((0, 1),)) is None


def test_a_cell_without_a_path_is_its_projection():
    cell = Cell101(8, ((0, 1),) * 9, OPS[:1] * 5)
    assert cell.spec() == Spec((INPUT, OUTPUT), ((0, 1),))


def test_channels_of_the_output_are_shared_and_the_first_take_one_more():
    """128 among three are 43, 43 and 42; who leads to a vertex has as many as the widest that it leads to."""
    edges = ((0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5))
    assert channels_of(Spec((INPUT, *OPS, OPS[0], OUTPUT), edges), 64, 128) == [64, 43, 43, 43, 42, 128]


def test_counted_params_are_those_of_the_module():
    space = nasbench101()
    counted = Counted(space)
    for i in range(6):
        architecture = space.sample(rng_for(0, "nasbench101", i))
        model = build(space.network(architecture), seed=0)
        assert counted.counts(architecture).params == sum(p.numel() for p in model.parameters())
        assert tuple(model(torch.zeros(2, 3, 32, 32)).shape) == (2, 10)


def test_every_sample_keeps_the_limits_of_the_benchmark():
    space = nasbench101()
    for i in range(300):
        spec = spec_of(space, space.sample(rng_for(1, "nasbench101", i)))
        assert len(spec.ops) <= 7
        assert len(spec.edges) <= 9
    space.check(32)


def test_what_is_no_cell_of_the_benchmark_is_refused():
    space = nasbench101()
    full = [[int(j > i) for j in range(7)] for i in range(7)]
    with pytest.raises(SpaceError, match="at most 7 vertices and 9 edges"):
        from_matrix(space, full, ROW)
    with pytest.raises(SpaceError, match="a path from input to output"):
        from_matrix(space, [[0, 0], [0, 0]], (INPUT, OUTPUT))
    with pytest.raises(UnknownOp, match="no op 'conv9x9'"):
        from_matrix(space, MATRIX, (INPUT, "conv9x9", *ROW[2:]))


def test_the_graph_of_an_architecture_is_its_pruned_cell():
    """Cells of all stacks are one cell, though they differ in their channels."""
    space = nasbench101("published")
    cell = graph(space, from_matrix(space, MATRIX, ROW))
    assert (cell.ops, set(cell.edges)) == (
        ROW,
        {(i, j) for i, row in enumerate(MATRIX) for j in range(7) if row[j]},
    )
