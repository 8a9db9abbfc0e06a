"""OTMANN: how far two networks are apart, as the cost of moving one's layers onto the other's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.otmann_profile import (
    SIGMOIDS,
    UNACTIVATED,
    Floats,
    Kind,
    Label,
    Part,
    Profile,
    profile,
)
from nasturtium.space.space import Space

NUS = (0.1, 0.2, 0.4, 0.8)  # weights of the structural cost (Kandasamy et al. 2018, section 5)
LARGEST_CACHE = 10_000


class Otmann:
    """The distances of the architectures of a space, profiles and pairs kept.

    Args:
        space: Bound to a task, since masses follow from the shapes.
        nus: Weights of the structural cost, one distance each.

    Raises:
        ConfigError: The space does not know its input, or POT is not installed.
    """

    def __init__(self, space: Space, *, nus: Sequence[float] = NUS) -> None:
        if space.input_shape is None:
            raise ConfigError(
                f"OTMANN compares layers by their sizes, and {space.name} does not know its input: say "
                "space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        if not nus or min(nus) < 0:
            raise ConfigError(f"nus is {tuple(nus)}; it must be one weight or more, none below 0")
        transport()
        self.space, self.nus = space, tuple(nus)
        self.kind: Kind = "cnn" if len(space.input_shape) > 1 else "mlp"
        self._profiles: dict[Architecture, Profile] = {}

    def profile(self, architecture: Architecture) -> Profile:
        """Returns what the distance knows of an architecture.

        Raises:
            ShapeError: The architecture cannot be written as layers.
        """
        found = self._profiles.get(architecture)
        if found is None:
            if len(self._profiles) >= LARGEST_CACHE:
                self._profiles.clear()
            found = self._profiles[architecture] = profile(self.space.network(architecture), self.kind)
        return found

    def __call__(
        self, left: Sequence[Architecture], right: Sequence[Architecture] | None = None
    ) -> tuple[Floats, Floats]:
        """Returns the distance d and the normalised one, d / (both masses), of all pairs.

        Args:
            left: Architectures of the rows.
            right: Architectures of the columns; None takes those of the rows.

        Returns:
            Two arrays, [nus, rows, columns].
        """
        rows = [self.profile(architecture) for architecture in left]
        columns = rows if right is None else [self.profile(architecture) for architecture in right]
        far = np.zeros((len(self.nus), len(rows), len(columns)))
        for i, one in enumerate(rows):
            for j, other in enumerate(columns):
                if right is None and j < i:
                    far[:, i, j] = far[:, j, i]
                else:
                    far[:, i, j] = distances(one, other, self.nus)
        masses = np.add.outer([p.mass for p in rows], [p.mass for p in columns])
        return far, far / masses


def distances(left: Profile, right: Profile, nus: tuple[float, ...] = NUS) -> Floats:
    """Returns the OTMANN distance of two networks under each weight of the structural cost, [nus].

    Kandasamy et al. 2018, eq. 2 (arXiv:1802.07191). Over Z >= 0, the mass moved from layer i to layer j, with
    row and column sums at most the masses: the least of sum Z (M + nu C), plus the mass not moved on either
    side, where M says how unlike two labels are and C how unlike their places.

    Differs: the families of labels, which are never matched with each other, are solved apart, and a cost
    above 2 counts as 2, since to leave mass on both sides costs 2. Neither changes the value.
    """
    # In one order whichever way it is asked for, so that it is symmetric to the last bit.
    first, second = (left, right) if left.digest <= right.digest else (right, left)
    found: Floats = _distances(first, second, nus)
    return found


@lru_cache(maxsize=200_000)
def _distances(left: Profile, right: Profile, nus: tuple[float, ...]) -> Floats:
    total = np.zeros(len(nus))
    if left.digest == right.digest:
        return total
    for family in {**left.parts, **right.parts}:
        one, other = left.parts.get(family), right.parts.get(family)
        if one is not None and other is not None:
            total += matched(one, other, nus)
        else:
            total += sum(float(part.masses.sum()) for part in (one, other) if part is not None)
    total.flags.writeable = False  # it is kept
    return total


def matched(left: Part, right: Part, nus: tuple[float, ...]) -> Floats:
    """Returns the cost of matching the layers of one family, [nus]."""
    unlike, apart = costs(left, right)
    moved = np.minimum(unlike + np.multiply.outer(nus, apart), 2.0)
    if unlike.size == 1:  # input, output, decision
        here, there = float(left.masses[0]), float(right.masses[0])
        single: Floats = min(here, there) * moved[:, 0, 0] + abs(here - there)
        return single
    return assigned(left.masses, right.masses, moved)


def costs(left: Part, right: Part) -> tuple[Floats, Floats]:
    """Returns label mismatch M and structural cost C of each pair of layers, both [left, right]."""
    apart: Floats = cdist(left.places, right.places, "cityblock") / left.places.shape[1]
    unlike: Floats = mismatches(left.labels, right.labels)[left.which[:, None], right.which]
    return unlike, apart


def assigned(left: Floats, right: Floats, moved: Floats) -> Floats:
    """Returns the least cost of moving masses, or leaving them at 1 each, [cases].

    As balanced transport: each side has a dummy layer that can take all of the other's mass.

    Args:
        left: Masses, [n].
        right: Masses, [m].
        moved: Cost of moving one unit, at most 2, [cases, n, m].
    """
    here, there = float(left.sum()), float(right.sum())
    total = here + there
    padded = np.ones((len(moved), len(left) + 1, len(right) + 1))
    padded[:, :-1, :-1] = moved
    padded[:, -1, -1] = 0.0
    # Shares of the total: masses of 1e7 would be beyond the solver's tolerances.
    supply, demand = np.append(left, there) / total, np.append(right, here) / total
    # The compiled solver itself: the checks of ot.emd2 take 50 times as long as a problem of this size.
    solver = transport().lp.emd_wrap.emd_c
    return np.array([max(solver(supply, demand, cost, 100_000, 1)[1], 0.0) * total for cost in padded])


@lru_cache(maxsize=1_000)
def mismatches(left: tuple[Label, ...], right: tuple[Label, ...]) -> Floats:
    """Returns the mismatch of each pair of labels, [left, right]."""
    table = np.array([[mismatch(one, other) for other in right] for one in left])
    table.flags.writeable = False  # it is kept
    return table


def mismatch(left: Label, right: Label) -> float:
    """Returns how unlike two labels are: 0 for equal ones, inf for those that are never matched.

    The rules of the authors' code. Convolutions: sqrt(2) / 10 * sqrt(difference of the kernels), and of two
    kinds 0.9 times that plus 0.1, which is the rule for plain against residual ones. Poolings: 0.5. Layers of
    a perceptron: 0.1 within rectifiers or sigmoids, else 0.25.
    """
    if left == right:
        return 0.0
    if left.family != right.family:
        return math.inf
    match left.family:
        case "conv":
            kernels = math.sqrt(2) / 10 * math.sqrt(abs(left.kernel - right.kernel))
            return kernels if left.kind == right.kind else 0.9 * kernels + 0.1
        case "pool":
            return 0.5
        case "fc":
            return 0.1 if _curve(left.kind) == _curve(right.kind) else 0.25
    return math.inf


def _curve(activation: str) -> str:
    if activation == UNACTIVATED:
        return UNACTIVATED
    return "sigmoid" if activation in SIGMOIDS else "rectifier"


def transport() -> Any:
    """Returns POT, the library that solves the transport.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import ot
    except ModuleNotFoundError as error:
        raise ConfigError(f'OTMANN needs POT ({error}); say: pip install "nasturtium[bo]"') from error
    return ot
