"""The mean cost of a mixture, against the costs of all its networks."""

from itertools import product

import numpy as np
import pytest

from nasturtium.architecture import Architecture, Mixture
from nasturtium.cost.counts import Counted
from nasturtium.cost.expected import ExpectedCost, latencies
from nasturtium.cost.table import LatencyTable
from nasturtium.cost.work import Work
from nasturtium.errors import ShapeError
from nasturtium.run.names import space_named
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.testing.toys import flat_space

TABLE = LatencyTable(0.5, {}, {"layers @6": 0.1, "macs @6": 3.0, "conv1 weights": 0.7, "linear layers": 0.2})


@pytest.fixture(name="space", scope="module")
def _space() -> Space:
    """Options within options, numbers of one block, one choice in two places, and a repeat."""
    kernel = choice(1, 3, name="kernel")
    return Space(
        b.conv(4, kernel=kernel),
        choice(
            b.conv(4, kernel=choice(3, 5)),
            b.inverted_residual(4, kernel=kernel, expand=choice(2, 3)),
            b.identity(),
        ),
        b.repeat(choice(b.conv(4, kernel=3), b.identity()), times=choice(0, 1, 3)),
        b.classifier(),
        input_shape=(3, 6, 6),
        outputs=2,
    )


def drawn(space: Space, seed: int) -> Mixture:
    rows = [
        rng_for(seed, "mixture", i).dirichlet(np.ones(len(d.labels))) for i, d in enumerate(space.decisions)
    ]
    return Mixture(space.fingerprint, tuple(tuple(row.tolist()) for row in rows))


def one_hot(space: Space, architecture: Architecture) -> Mixture:
    rows = zip(space.decisions, architecture.choices, strict=True)
    return Mixture(
        space.fingerprint, tuple(tuple(float(i == c) for i in range(len(d.labels))) for d, c in rows)
    )


def chance(space: Space, mixture: Mixture, architecture: Architecture) -> float:
    rows = zip(mixture.weights, architecture.choices, space.active(architecture), strict=True)
    return float(np.prod([row[option] for row, option, here in rows if here]))


def test_it_is_the_sum_over_all_networks_of_cost_times_probability(space: Space) -> None:
    expected, counted, mixture = ExpectedCost(space), Counted(space), drawn(space, 1)
    chances = [chance(space, mixture, one) for one in space]
    assert sum(chances) == pytest.approx(1)
    costs = [counted.counts(one).macs / 1e6 for one in space]
    assert expected(mixture)[0] == pytest.approx(np.dot(chances, costs), rel=1e-12)


def test_the_gradient_is_that_of_a_polynomial_linear_in_each_weight(space: Space) -> None:
    """So a difference of any width is exact along one weight."""
    expected, mixture = ExpectedCost(space), drawn(space, 2)
    cost, gradient = expected(mixture)
    entries = [(i, j) for i, row in enumerate(mixture.weights) for j in range(len(row))]
    for (i, j), slope in zip(entries, gradient, strict=True):
        rows = [list(row) for row in mixture.weights]
        rows[i][j] += 0.5
        moved = expected(Mixture(mixture.space, tuple(map(tuple, rows))))[0]
        assert (moved - cost) / 0.5 == pytest.approx(slope, abs=1e-12)


def test_with_the_rows_of_a_table_it_is_what_the_table_says_of_a_network(space: Space) -> None:
    expected = ExpectedCost(space, latencies(TABLE, space), base=TABLE.base_ms)
    work = Work(space)
    for rank in range(0, space.count, 7):
        one = space.unrank(rank)
        assert expected(one_hot(space, one))[0] == pytest.approx(TABLE(work.kinds(one), work.known))


def test_cells_are_mixed_edge_by_edge() -> None:
    """Four edges of NAS-Bench-201 are given, the other two are drawn: 25 cells."""
    space = space_named("nasbench201").bind((3, 8, 8), 10)
    free = drawn(space, 3)
    fixed = one_hot(space, space.unrank(9876)).weights
    mixture = Mixture(space.fingerprint, (*fixed[:2], *free.weights[2:4], *fixed[4:]))
    counted, total = Counted(space), 0.0
    for options in product(*(range(5) if 2 <= i < 4 else (row.index(1.0),) for i, row in enumerate(fixed))):
        one = Architecture(space.fingerprint, options)
        total += chance(space, mixture, one) * counted.counts(one).macs / 1e6
    assert ExpectedCost(space)(mixture)[0] == pytest.approx(total, rel=1e-12)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(ShapeError, match="cannot be mixed"):
        ExpectedCost(flat_space())
