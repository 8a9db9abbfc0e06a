"""The arc kernel's coordinates: a Euclidean embedding of architectures that may lack some decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.space.decisions import Decision
from nasturtium.space.space import Space

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ArcKernel:
    """The arc kernel with its hyper-parameters: Matern 5/2 of the distance between embedded architectures.

    Attributes:
        omega: Weight of each decision, [decisions].
        rho: How much its option matters beside its existence, 0..1, [decisions].
        variance: Of the values.
        noise: Variance of the noise.
        mean: Of the values.
    """

    omega: Floats
    rho: Floats
    variance: float
    noise: float
    mean: float

    def __call__(self, left: Floats, right: Floats) -> Floats:
        """Returns the covariances, [n, m], of points embedded by omega and rho, [n, dimensions] and [m, ...].

        Rasmussen and Williams 2006, eq. 4.17, with length 1: omega scales the coordinates already.
        """
        far = math.sqrt(5) * cdist(left, right)
        covariances: Floats = self.variance * (1 + far + far**2 / 3) * np.exp(-far)
        return covariances


class ArcEmbedding:
    """Places architectures so that their Euclidean distance is that of the arc kernel, one part per decision.

    Swersky, Duvenaud, Snoek, Hutter and Osborne 2013, section 2 (arXiv:1409.4011). A decision that does not
    exist is the origin; one that exists lies at distance omega from it, on an arc that spans an angle of pi *
    rho. So two architectures that both lack a decision do not differ in it, and two of which one has it
    differ by omega whatever its option, even where rho is 0 and options do not matter.

    Differs: a number is scaled to 0..1 over its options before the angle, in logarithms where that spaces the
    options more evenly (widths 16, 32, 64), and the lower bound is taken off first, which changes no
    distance. Options that are not numbers have an axis each: omega * (sqrt(1 - rho ** 2), rho * one-hot),
    which lies at omega from the origin too, and at omega * rho * sqrt(2) between options.

    Args:
        space: Of the architectures.

    Attributes:
        size: Number of decisions, so of omegas and of rhos.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.size = len(space.decisions)
        scaled = [positions(decision) for decision in space.decisions]
        self._numeric = np.array([i for i, row in enumerate(scaled) if row is not None], dtype=np.intp)
        self._named = np.array([i for i, row in enumerate(scaled) if row is None], dtype=np.intp)
        rows = [row for row in scaled if row is not None]
        self._table = np.zeros((len(rows), max(map(len, rows), default=0)))
        for i, row in enumerate(rows):
            self._table[i, : len(row)] = row
        sizes = [len(space.decisions[i].labels) for i in self._named]
        self._starts = np.cumsum([0, *sizes])[:-1].astype(np.intp)
        # Which of the named decisions each column of their one-hot part belongs to.
        self._owner = np.repeat(np.arange(len(sizes), dtype=np.intp), sizes)

    def coordinates(self, architectures: Sequence[Architecture]) -> Floats:
        """Returns what the embedding needs to know of each architecture, whatever omega and rho.

        Returns:
            [n, columns]: positions of the numbers, whether these exist, one-hot options of the others, and
            whether those exist.
        """
        n = len(architectures)
        taken = np.array([a.choices for a in architectures], dtype=np.intp).reshape(n, self.size)
        active = np.array([self.space.active(a) for a in architectures], dtype=float).reshape(n, self.size)
        there, present = active[:, self._numeric], active[:, self._named]
        position = self._table[np.arange(len(self._numeric)), taken[:, self._numeric]]
        one_hot = np.zeros((n, len(self._owner)))
        columns = self._starts + taken[:, self._named]
        one_hot[np.arange(n)[:, None], columns] = present
        return np.concatenate([position * there, there, one_hot, present], axis=1)

    def embed(self, coordinates: Any, omega: Any, rho: Any, xp: Any = np) -> Any:
        """Returns the embedding of `coordinates`.

        Args:
            coordinates: What `coordinates` returned, [n, columns].
            omega: Weight of each decision, above 0, [decisions].
            rho: How much its option matters beside its existence, 0..1, [decisions].
            xp: The library of the three, numpy or torch; with torch, gradients flow to omega and rho.

        Returns:
            [n, dimensions], whose Euclidean distances are those of `distances`, all decisions taken together.
        """
        numbers, options = len(self._numeric), len(self._owner)
        position, there = coordinates[:, :numbers], coordinates[:, numbers : 2 * numbers]
        one_hot = coordinates[:, 2 * numbers : 2 * numbers + options]
        present = coordinates[:, 2 * numbers + options :]
        angle, radius = np.pi * rho[self._numeric] * position, omega[self._numeric] * there
        weight, share = omega[self._named], rho[self._named]
        # The floor keeps the gradient of the root finite where rho is 1.
        presence = present * weight * xp.sqrt(xp.clip(1 - share**2, 1e-12, 1))
        scaled = one_hot * (weight * share)[self._owner]
        return xp.concatenate([radius * xp.sin(angle), radius * xp.cos(angle), presence, scaled], axis=1)

    def distances(self, left: Architecture, right: Architecture, omega: Floats, rho: Floats) -> Floats:
        """Returns the distance of two architectures in each decision by the formula, [decisions].

        0 where both lack it, omega where one does; else omega sqrt(2) sqrt(1 - cos(pi rho (x - x'))) for
        numbers, and omega rho sqrt(2) for two different options of any other kind (0 for the same).
        """
        one, other = self.coordinates([left])[0], self.coordinates([right])[0]
        here, there = np.array(self.space.active(left)), np.array(self.space.active(right))
        apart = np.zeros(self.size)
        numbers = len(self._numeric)
        angle = np.pi * rho[self._numeric] * (one[:numbers] - other[:numbers])
        apart[self._numeric] = np.sqrt(2) * np.sqrt(np.clip(1 - np.cos(angle), 0, None))
        for i in self._named:
            apart[i] = rho[i] * np.sqrt(2) * (left.choices[i] != right.choices[i])
        distance: Floats = omega * np.where(here & there, apart, (here != there).astype(float))
        return distance


def positions(decision: Decision) -> list[float] | None:
    """Returns where each option lies between the least (0) and the largest (1); None if not all are numbers.

    In logarithms where these are spaced more evenly than the numbers themselves.
    """
    if not all(isinstance(option, int | float) and type(option) is not bool for option in decision.options):
        return None
    values = np.array(decision.options, dtype=float)
    if len(values) > 2 and values.min() > 0 and _unevenness(np.log(values)) < _unevenness(values):
        values = np.log(values)
    span = values.max() - values.min()
    scaled: list[float] = ((values - values.min()) / (span or 1.0)).tolist()
    return scaled


def _unevenness(values: Floats) -> float:
    """Spread of the gaps between neighbours as a share of their mean; 0 if they are equal."""
    gaps = np.diff(np.sort(values))
    # Rounded, so that logarithms of a geometric row count as even and a tie is a tie.
    return round(float(gaps.std() / gaps.mean()), 9)
