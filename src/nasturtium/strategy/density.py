"""Kernel densities over architectures: a product of one kernel a decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.space.space import Space

Rows = NDArray[np.float64]


class Coordinates:
    """Architectures as rows of numbers, one per decision that has a second option.

    A decision whose options are three or more numbers in order is a coordinate in 0..1, its options evenly
    spaced; any other is categorical, with the number of its option. NaN stands where a decision does not
    exist.

    Attributes:
        options: Options of each categorical coordinate, 0 for a numeric one, [coordinates].
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._where = [i for i, decision in enumerate(space.decisions) if len(decision.labels) > 1]
        decisions = [space.decisions[i] for i in self._where]
        self.options = np.array([0 if d.ordered else len(d.labels) for d in decisions], np.int64)
        self._steps = np.array([len(d.labels) - 1 if d.ordered else 1 for d in decisions], np.float64)

    def __len__(self) -> int:
        return len(self._where)

    def row(self, architecture: Architecture) -> Rows:
        """Returns the coordinates of an architecture."""
        active = np.array(self.space.active(architecture))[self._where]
        choices = np.array(architecture.choices, np.float64)[self._where]
        return np.where(active, choices / self._steps, np.nan)

    def architecture(self, row: Rows) -> Architecture:
        """Returns the nearest architecture; what is said of decisions that do not exist is left out."""
        choices = [0] * len(self.space.decisions)
        for index, option in zip(self._where, np.rint(row * self._steps).astype(int).tolist(), strict=True):
            choices[index] = option
        raw = Architecture(self.space.fingerprint, tuple(choices))
        active = self.space.active(raw)
        return Architecture(
            raw.space, tuple(c if here else 0 for c, here in zip(choices, active, strict=True))
        )

    def imputed(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """Fills what does not exist from a random row where it does, or at random where it does in none.

        Falkner, Klein and Hutter 2018, BOHB, as their code does it: all gaps of a row are taken together from
        the row that is drawn for the first of them.

        Args:
            rows: [n, coordinates], NaN where there is nothing.
            rng: Draws the rows.
        """
        filled = rows.copy()
        for row in filled:
            while (gaps := np.flatnonzero(np.isnan(row))).size:
                donors = np.flatnonzero(~np.isnan(rows[:, gaps[0]]))
                if donors.size:
                    row[gaps] = rows[donors[int(rng.random() * donors.size)], gaps]
                else:
                    options = self.options[gaps[0]]
                    row[gaps[0]] = int(rng.random() * options) if options else rng.random()
        return filled


@dataclass(frozen=True, slots=True)
class Density:
    """A product kernel density estimate.

    Gaussian kernels for numeric coordinates, those of Aitchison and Aitken 1976 for categorical ones: 1 - h
    for the same option, h / (options - 1) for any other.

    Attributes:
        rows: The examples, [n, coordinates].
        widths: Bandwidth h per coordinate, [coordinates].
        options: Options of each categorical coordinate, 0 for a numeric one, [coordinates].
    """

    rows: Rows
    widths: NDArray[np.float64]
    options: NDArray[np.int64]

    def __call__(self, points: Rows) -> NDArray[np.float64]:
        """Returns the density at points [m, coordinates]: [m]."""
        gaps = points[:, None, :] - self.rows[None, :, :]  # [m, n, coordinates]
        bell = np.exp(-0.5 * (gaps / self.widths) ** 2) / (np.sqrt(2 * np.pi) * self.widths)
        other = self.widths / np.maximum(self.options - 1, 1)
        same = np.where(np.abs(gaps) < 0.5, 1 - self.widths, other)
        density: NDArray[np.float64] = np.where(self.options == 0, bell, same).prod(axis=2).mean(axis=1)
        return density

    def sample(self, rng: np.random.Generator, count: int, factor: float) -> Rows:
        """Returns perturbed examples, [count, coordinates].

        A numeric coordinate moves by a normal step truncated to 0..1, a categorical one is kept with
        probability 1 - h and else drawn anew.

        Args:
            rng: Draws.
            count: How many.
            factor: Widens the steps of numeric coordinates.
        """
        near = self.rows[(rng.random(count) * len(self.rows)).astype(int)]
        draws, anew = rng.random((2, *near.shape))
        wide = factor * self.widths
        low, high = ndtr(-near / wide), ndtr((1 - near) / wide)
        moved = np.clip(near + wide * ndtri(low + draws * (high - low)), 0, 1)
        swapped = np.where(draws < 1 - self.widths, near, np.floor(anew * self.options))
        drawn: Rows = np.where(self.options == 0, moved, swapped)
        return drawn


def fit_density(rows: Rows, options: NDArray[np.int64], min_bandwidth: float) -> Density:
    """Returns the density of examples, bandwidths by the normal reference rule: 1.06 std n^(-1 / (4 + d)).

    Differs: a categorical bandwidth is at most (options - 1) / options, where its kernel says nothing; the
    rule, which takes the numbers of options for lengths, can give more, and a kernel below 0.

    Args:
        rows: Examples without gaps, [n, coordinates].
        options: Options of each categorical coordinate, 0 for a numeric one, [coordinates].
        min_bandwidth: Below which no bandwidth goes, however alike the examples.
    """
    count, coordinates = rows.shape
    rule = 1.06 * rows.std(axis=0) * count ** (-1 / (4 + coordinates))
    most = np.where(options == 0, np.inf, (options - 1) / np.maximum(options, 1))
    return Density(rows, np.minimum(np.maximum(rule, min_bandwidth), most), options)
