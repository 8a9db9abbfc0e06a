"""Adam on plain arrays: how gradient methods move what they learn."""

import numpy as np
from numpy.typing import NDArray


class Adam:
    """Step sizes from running moments of the gradient (Kingma and Ba 2015, Algorithm 1, arXiv:1412.6980).

    Args:
        rate: Learning rate.
        size: Number of parameters.
        betas: How much of the first and the second moment stays at each step.
        weight_decay: What is added to the gradient of each parameter as a multiple of it (L2, not decoupled).
    """

    def __init__(
        self, rate: float, size: int, *, betas: tuple[float, float] = (0.9, 0.999), weight_decay: float = 0.0
    ) -> None:
        self.rate, self.betas, self.weight_decay = rate, betas, weight_decay
        self._first, self._second = np.zeros(size), np.zeros(size)
        self._steps = 0

    def moved(self, parameters: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the parameters [size] after one step down `gradient`."""
        self._steps += 1
        slope = gradient + self.weight_decay * parameters
        keep, keep_square = self.betas
        self._first = keep * self._first + (1 - keep) * slope
        self._second = keep_square * self._second + (1 - keep_square) * slope**2
        first = self._first / (1 - keep**self._steps)
        second = self._second / (1 - keep_square**self._steps)
        result: NDArray[np.float64] = parameters - self.rate * first / (np.sqrt(second) + 1e-8)
        return result
