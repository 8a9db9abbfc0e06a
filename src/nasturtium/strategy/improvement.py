"""Expected improvement, of one objective in logarithms, of several as growth of the hypervolume."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr  # type: ignore[import-untyped]

from nasturtium.front.dominance import non_dominated

Floats = NDArray[np.float64]


def log_expected_improvement(mean: Floats, std: Floats, incumbent: float) -> Floats:
    """Returns the logarithm of the expected improvement of normal values on `incumbent`, low being good.

    Jones, Schonlau and Welch 1998, eq. 15, by the formula of Ament et al. 2023, eq. 9 (arXiv:2310.20708),
    which tells candidates apart where the improvement itself is too small for a float.

    Args:
        mean: Expected values, [n].
        std: Standard deviations, above 0, [n].
        incumbent: Value to improve on.
    """
    z = (incumbent - mean) / std
    # phi(z) + z Phi(z) as it stands, where nothing cancels.
    near = np.maximum(z, -1.0)
    log_near = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    # Below, phi(z) (1 - |z| sqrt(pi / 2) erfcx(|z| / sqrt(2))); far out that difference tends to 1 / z^2.
    far = np.clip(-z, 1.0, 1e4)
    rest = 1 - far * np.sqrt(np.pi / 2) * erfcx(far / np.sqrt(2))
    rest = np.where(far > 1e3, 1 / far**2, np.maximum(rest, 1e-300))
    log_far = -0.5 * z**2 - 0.5 * np.log(2 * np.pi) + np.log(rest)
    improvement: Floats = np.log(std) + np.where(z > -1.0, log_near, log_far)
    return improvement


def expected_growth(mean: Floats, std: Floats, told: Floats, reference: Floats, draws: Floats) -> Floats:
    """Returns by how much each guess is expected to enlarge the hypervolume, [n].

    Of two objectives it is exact (Emmerich, Deutz and Klinkenberg 2011, in the form of a sum over the strips
    of the front: the part of a strip that a guess covers is as long as the first objective improves on its
    ends, and as high as the second improves on the front there, and the two are independent). Of more, the
    volume is a mean over random directions of how far the best point reaches along them (Golovin and Zhang
    2020, lemma 5, arXiv:2006.04655), up to a constant.

    Args:
        mean: Expected values, [n, objectives].
        std: Standard deviations, 0 for what is known, [n, objectives].
        told: What there is, [m, objectives].
        reference: From where the volume is measured, [objectives].
        draws: Standard normal, for directions and guesses, [2, draws, objectives]; not used with two.
    """
    inside = told[(told < reference).all(axis=1)]
    front = inside[non_dominated(inside)]
    if mean.shape[1] != 2:
        directions = np.abs(draws[0]) / np.linalg.norm(draws[0], axis=1, keepdims=True)
        directions = directions * (np.ptp(told, axis=0) + 1e-9)
        return _sampled_growth(mean + std * draws[1][:, None], front, reference, directions)
    front = front[np.argsort(front[:, 0], kind="stable")]
    ends = np.append(front[:, 0], reference[0])  # of the strips; the first begins nowhere
    heights = np.append(reference[1], front[:, 1])
    reach = _improvement(mean[:, :1], std[:, :1], ends)
    lengths = np.diff(reach, axis=1, prepend=0.0)
    growth: Floats = (lengths * _improvement(mean[:, 1:], std[:, 1:], heights)).sum(axis=1)
    return growth


def _improvement(mean: Floats, std: Floats, incumbent: Floats) -> Floats:
    """Expected improvement on each incumbent, [n, incumbents]; exact where a value is known."""
    ahead = incumbent - mean
    spread = np.maximum(std, 1e-12)
    z = np.clip(ahead / spread, -40.0, 40.0)
    gain = spread * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) + ahead * ndtr(z)
    return np.maximum(np.where(std > 0, gain, ahead), 0.0)


def _sampled_growth(guesses: Floats, front: Floats, reference: Floats, directions: Floats) -> Floats:
    """The growth for `guesses`, [draws, n, objectives], one for each of `directions`, [draws, objectives]."""

    def reach(points: Floats) -> Floats:  # [draws or 1, n, objectives] -> [draws, n]
        along: Floats = ((reference - points) / directions[:, None]).min(axis=2)
        return np.power(np.maximum(along, 0.0), len(reference))

    before = reach(front[None]).max(axis=1, keepdims=True, initial=0.0)
    grown: Floats = np.maximum(reach(guesses) - before, 0.0).mean(axis=0)
    return grown
