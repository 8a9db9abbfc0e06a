"""Expected improvement, in logarithms."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr  # type: ignore[import-untyped]

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
