"""What trials say of all architectures: Gaussian processes of the objectives, and how likely a success is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.predictor.embedding import Embedding
from nasturtium.predictor.gp import Kernel, Posterior, default_kernel, fit_kernel
from nasturtium.predictor.warp import HalfRank

Array = NDArray[np.float64]

# Share of the nugget that a second training of the same network would show again. Without repeats no data can
# tell, so it is set: more trusts single results, less trusts the model. Chosen on development tables:
# between a third and 0.8 the picks on NAS-Bench-Macro, whose trainings are noisy, hardly change; on
# NAS-Bench-201 at 12 epochs, judged by the one training that it shows, less than 0.7 picks the second best.
OWN = 0.8
LEAST_SUCCESS = 1e-4


@dataclass(frozen=True, slots=True)
class Evidence:
    """A trial that has values.

    Attributes:
        architecture: What was evaluated.
        values: Of the objectives, constraints aside.
        respected: Whether the constraints of the objectives were met.
    """

    architecture: Architecture
    values: tuple[float, ...]
    respected: bool


class Belief:
    """One Gaussian process for each objective, and one for success.

    Args:
        embedding: Of the architectures.
        evidence: Trials with values, one or more.
        failed: Architectures without values.
        kernels: One for each objective; see `fitted`.
        failing: The kernel of failures; see `fitted_failures`.
    """

    def __init__(
        self,
        embedding: Embedding,
        evidence: Sequence[Evidence],
        failed: Sequence[Architecture],
        kernels: Sequence[Kernel],
        failing: Kernel,
    ) -> None:
        self.embedding, self.evidence, self.failed = embedding, evidence, failed
        self.kernels, self.failing = kernels, failing
        self._vectors = embedding([row.architecture for row in evidence])
        self._values = warped(evidence)
        self._posteriors = self._conditioned(self._vectors, self._values)

    @cached_property
    def expected(self) -> Array:
        """What another training of each architecture of the evidence would show on average, [n, objectives].

        The mean of the process and of what is the network's own: value - (1 - OWN) nugget K^-1 value.
        """
        columns = [
            column - (1 - OWN) * kernel.nugget * posterior.solved
            for column, kernel, posterior in zip(self._values.T, self.kernels, self._posteriors, strict=True)
        ]
        return np.stack(columns, axis=1)

    def awaiting(self, pending: Sequence[Architecture]) -> list[Posterior]:
        """Returns the processes as if what is being evaluated had turned out as expected.

        That leaves all means as they are and makes the neighbourhood certain (Ginsbourger, Le Riche and
        Carraro 2010, the Kriging believer), so that the next ask looks elsewhere.
        """
        if not pending:
            return self._posteriors
        vectors = self.embedding(pending)
        guessed = np.stack([posterior.predict(vectors)[0] for posterior in self._posteriors], axis=1)
        return self._conditioned(
            np.concatenate([self._vectors, vectors]), np.concatenate([self._values, guessed])
        )

    def success(self, vectors: Array) -> Array:
        """Returns how likely a training succeeds and respects the constraints, [n].

        That the process of the labels, 1 for a failure, is below a half.
        """
        if self._failures is None:
            return np.ones(len(vectors))
        rate, posterior = self._failures
        mean, std = posterior.predict(vectors)
        likely: Array = ndtr((0.5 - rate - mean) / np.sqrt(std**2 + self.failing.nugget))
        return np.clip(likely, LEAST_SUCCESS, 1.0)

    @cached_property
    def _failures(self) -> tuple[float, Posterior] | None:
        """A process of the labels 1 (failed) and 0, and their mean; None where nothing failed."""
        broken = [float(not row.respected) for row in self.evidence]
        if all(broken):  # then constraints are not what tells good from bad
            broken = [0.0] * len(broken)
        labels = np.array([*broken, *[1.0] * len(self.failed)])
        if not labels.any():
            return None
        vectors = self._vectors
        if self.failed:
            vectors = np.concatenate([vectors, self.embedding(self.failed)])
        rate = float(labels.mean())
        return rate, Posterior(self.failing, vectors, labels - rate)

    def _conditioned(self, vectors: Array, values: Array) -> list[Posterior]:
        return [Posterior(k, vectors, column) for k, column in zip(self.kernels, values.T, strict=True)]


def fitted(embedding: Embedding, evidence: Sequence[Evidence]) -> list[Kernel]:
    """Returns, for each objective, the kernel under which the evidence is likeliest."""
    vectors = embedding([row.architecture for row in evidence])
    return [fit_kernel(embedding, vectors, column) for column in warped(evidence).T]


def fitted_failures(embedding: Embedding, architectures: Sequence[Architecture], labels: Array) -> Kernel:
    """Returns the kernel under which successes (0) and failures (1) are likeliest."""
    if np.ptp(labels) == 0:
        return default_kernel(embedding)
    return fit_kernel(embedding, embedding(architectures), labels - labels.mean())


def warped(evidence: Sequence[Evidence]) -> Array:
    """Returns values made fit for Gaussian processes, [n, objectives]."""
    columns = zip(*(row.values for row in evidence), strict=True)
    return np.stack([HalfRank(np.array(column)).values for column in columns], axis=1)


def predicted(posteriors: Sequence[Posterior], vectors: Array) -> tuple[Array, Array]:
    """Returns means and standard deviations, what is a network's own counted, [n, objectives] each."""
    found = [posterior.predict(vectors) for posterior in posteriors]
    own = OWN * np.array([posterior.kernel.nugget for posterior in posteriors])
    means, stds = (np.stack(columns, axis=1) for columns in zip(*found, strict=True))
    return means, np.sqrt(stds**2 + own)
