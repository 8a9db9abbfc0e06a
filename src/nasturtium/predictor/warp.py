"""Values made fit for a Gaussian process: the good half keeps its proportions, the bad half its order."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]
from scipy.stats import rankdata  # type: ignore[import-untyped]

LARGEST = 1e150  # so that squares stay finite
FLAT = 1e-9  # share of the size of the values below which a spread is rounding


class HalfRank:
    """Standardises values to be made small, and tames those worse than the median.

    The half-rank warping of Song et al. 2024, The Vizier Gaussian Process Bandit Algorithm
    (arXiv:2408.11527), section 3.4. Values up to the median are shifted and divided by their root mean square
    distance from it. A worse one gets the normal quantile of its rank instead, so a training that
    diverged, or a network at chance level, is bad and no worse than bad.

    Args:
        values: Those seen, finite, [n], one or more.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        values = np.clip(np.asarray(values, np.float64), -LARGEST, LARGEST)
        self.centre = float(np.median(values))
        good = values[values <= self.centre] - self.centre
        spread = float(np.sqrt(np.mean(good * good)))
        flat = FLAT * max(abs(self.centre), 1e-300)
        if spread <= flat:  # half or more of the values are equal
            spread = float(values.std())
        self.scale = spread if spread > flat else 1.0
        warped = (values - self.centre) / self.scale
        shares = (rankdata(values) - 0.5) / len(values)
        worse = warped > 0
        warped[worse] = ndtri(shares[worse])
        self.values: NDArray[np.float64] = warped
        order = np.argsort(values, kind="stable")
        self._given, self._warped = values[order], warped[order]

    def back(self, warped: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the values that warp to these, [n]: interpolated, and beyond the ends a straight line."""
        inside = np.interp(warped, self._warped, self._given)
        below = np.minimum(warped - self._warped[0], 0.0)
        above = np.maximum(warped - self._warped[-1], 0.0)
        result: NDArray[np.float64] = inside + (below + above) * self.scale
        return result


class Plain:
    """Standardises values, in logarithms where all are above 0: a cost, of which every part counts alike.

    Args:
        values: Those seen, finite, [n], one or more.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.logarithmic = bool((np.asarray(values) > 0).all())
        self.centre, self.scale = 0.0, 1.0
        raw = self(values)
        self.centre, spread = float(raw.mean()), float(raw.std())
        self.scale = spread if spread > FLAT * max(abs(self.centre), 1e-300) else 1.0
        self.values: NDArray[np.float64] = self(values)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns where values lie on the scale."""
        raw = np.clip(np.asarray(values, np.float64), -LARGEST, LARGEST)
        if self.logarithmic:
            raw = np.log(np.maximum(raw, 1 / LARGEST))
        result: NDArray[np.float64] = (raw - self.centre) / self.scale
        return result
