"""Skeletons, then steps."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.run.names import space_named
from nasturtium.strategy.coarse_to_fine import CoarseToFine, role_of
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import conditional_space, flat_space


def test_skeletons_take_one_level_of_each_kind_of_decision():
    """Of two convolutions with 3 widths and 3 kernels each, 9 have both alike."""
    space = flat_space()
    assert [role_of(decision) for decision in space.decisions] == ["out", "kernel", "out", "kernel"]
    strategy = CoarseToFine(space, seed=3)
    grid = [candidate.point.choices for candidate in strategy.ask(9)]
    assert grid[:2] == [(0, 0, 0, 0), (2, 2, 2, 2)]
    assert sorted(grid) == sorted((out, kernel, out, kernel) for out in range(3) for kernel in range(3))
    few = CoarseToFine(space, levels=2).ask(4)
    assert {candidate.point.choices for candidate in few} == {(a, b, a, b) for a in (0, 2) for b in (0, 2)}


def test_a_large_grid_is_drawn_from_and_has_both_ends():
    space = space_named("ofa")
    grid = [candidate.point for candidate in CoarseToFine(space, coarse=20, levels=4).ask(20)]
    assert len(set(grid)) == 20
    assert set(grid[0].choices) == {0}
    last = [len(d.labels) - 1 for d in space.decisions]
    assert list(grid[1].choices) == last


def test_then_the_best_are_changed_by_single_steps():
    space = flat_space()
    strategy = CoarseToFine(space, parents=1, changes=1)
    strategy.tell(tell_all(space, strategy.ask(9)))
    (best,) = strategy.best(1)
    moves = [
        [abs(a - b) for a, b in zip(candidate.point.choices, best.choices, strict=True)]
        for candidate in strategy.ask(4)  # the corner has four neighbours
    ]
    assert sorted(moves) == sorted([int(i == j) for i in range(4)] for j in range(4))


def test_decisions_that_come_to_exist_are_drawn():
    space = conditional_space()
    strategy = CoarseToFine(space, coarse=1, parents=1, changes=1, seed=2)
    strategy.tell(tell_all(space, strategy.ask(1)))
    (best,) = strategy.best(1)
    optional = [i for i, here in enumerate(space.active(best)) if not here]
    assert any(candidate.point.choices[i] for candidate in strategy.ask(60) for i in optional)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="levels"):
        CoarseToFine(flat_space(), levels=1)
