"""What trials say of all architectures: a Gaussian process of every value, and how likely a success is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.predictor.embedding import Embedding
from nasturtium.predictor.gp import Kernel, Posterior, default_kernel, fit_kernel
from nasturtium.predictor.warp import Plain
from nasturtium.strategy.subject import Evidence, Subject

Array = NDArray[np.float64]

# Share of the nugget that a second training of the same network would show again. Without repeats no data can
# tell, so it is set: more trusts single results, less trusts the model. Chosen on development tables:
# between a third and 0.8 the picks on NAS-Bench-Macro, whose trainings are noisy, hardly change; on
# NAS-Bench-201 at 12 epochs, judged by the one training that it shows, less than 0.7 picks the second best.
OWN = 0.8
LEAST_SUCCESS, LEAST_MET = 1e-4, 1e-12
GOOD, FEWEST = 0.3, 10  # share of random architectures that bounds an error from above; how many are enough


class Belief:
    """One Gaussian process for each objective that is not known, one for each bound, and one for failures.

    Args:
        subject: What is believed something of.
        evidence: Trials with values, one or more.
        failed: Architectures without values.
        kernels: One for each that is learnt; see `Subject.fitted`.
        failing: The kernel of failures; see `fitted_failures`.
    """

    def __init__(
        self,
        subject: Subject,
        evidence: Sequence[Evidence],
        failed: Sequence[Architecture],
        kernels: Sequence[Kernel],
        failing: Kernel,
    ) -> None:
        self.subject, self.evidence, self.failed = subject, evidence, failed
        self.kernels, self.failing = kernels, failing
        self._vectors = subject.embedding([row.architecture for row in evidence])
        self._scales = subject.scales(evidence)
        self._values = np.stack([self._scales[i].values for i in subject.learnt], axis=1)
        self._posteriors = self._conditioned(self._vectors, self._values)

    @cached_property
    def expected(self) -> Array:
        """What another training of each architecture of the evidence would show on average, [n, objectives].

        The mean of the process and of what is the network's own: value - (1 - OWN) nugget K^-1 value.
        """
        columns = np.stack([s.values for s in self._scales[: len(self.subject.objectives)]], axis=1)
        for i, posterior in self._processes():
            if i < columns.shape[1]:
                columns[:, i] -= (1 - OWN) * posterior.kernel.nugget * posterior.solved
        return columns

    def awaiting(self, pending: Sequence[Architecture]) -> Belief:
        """Returns what is believed as if what is being evaluated had turned out as expected.

        That leaves all means as they are and makes the neighbourhood certain (Ginsbourger, Le Riche and
        Carraro 2010, the Kriging believer), so that the next ask looks elsewhere.
        """
        if not pending:
            return self
        vectors = self.subject.embedding(pending)
        guessed = np.stack([posterior.predict(vectors)[0] for posterior in self._posteriors], axis=1)
        believed = Belief(self.subject, self.evidence, self.failed, self.kernels, self.failing)
        believed._posteriors = self._conditioned(
            np.concatenate([self._vectors, vectors]), np.concatenate([self._values, guessed])
        )
        return believed

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Returns means and standard deviations, what is a network's own counted, [n, objectives] each."""
        vectors = self.subject.embedding(architectures)
        means, stds = (np.zeros((len(architectures), len(self.subject.objectives))) for _ in range(2))
        for i, posterior in self._processes():
            if i < means.shape[1]:
                means[:, i], std = posterior.predict(vectors)
                stds[:, i] = np.sqrt(std**2 + OWN * posterior.kernel.nugget)
        if any(self.subject.known):
            counted = self.subject.foreseen(architectures)
            for i, column in zip(np.flatnonzero(self.subject.known).tolist(), counted.T, strict=True):
                means[:, i] = self._plain(i)(column)
        return means, stds

    def success(self, architectures: Sequence[Architecture]) -> Array:
        """Returns how likely a training succeeds and respects the constraints, [n]."""
        vectors = self.subject.embedding(architectures)
        likely = self._finishing(vectors)
        for i, posterior in self._processes():
            if i >= len(self.subject.objectives):
                constraint = self.subject.constraints[i - len(self.subject.objectives)]
                mean, std = posterior.predict(vectors)
                bound = self._plain(i)(np.array([constraint.bound]))
                ahead = (bound - mean) / np.sqrt(std**2 + posterior.kernel.nugget)
                likely = likely * np.maximum(ndtr(ahead if constraint.upper else -ahead), LEAST_MET)
        return likely

    def reference(self, typical: Sequence[Architecture]) -> Array:
        """Returns the point from which hypervolumes are measured, [objectives].

        Of a cost the largest of some random architectures; of an error a good part of them are expected to
        have less, since a network is no find for being cheap alone.

        Args:
            typical: Random architectures.
        """
        means, likely = self.predict(typical)[0], self.success(typical) > 0.5
        means = means[likely] if likely.sum() >= FEWEST else means
        parts = [GOOD if quality else 1.0 for quality in self.subject.qualities]
        return np.array([np.quantile(column, part) for column, part in zip(means.T, parts, strict=True)])

    def _finishing(self, vectors: Array) -> Array:
        """How likely a training does not fail: the process of labels, 1 if it did, is below a half."""
        if not self.failed:
            return np.ones(len(vectors))
        rate, posterior = self._failures
        mean, std = posterior.predict(vectors)
        likely: Array = ndtr((0.5 - rate - mean) / np.sqrt(std**2 + self.failing.nugget))
        return np.clip(likely, LEAST_SUCCESS, 1.0)

    @cached_property
    def _failures(self) -> tuple[float, Posterior]:
        """The mean of the labels 1 (failed) and 0, and a process of the rest."""
        labels = np.array([*[0.0] * len(self.evidence), *[1.0] * len(self.failed)])
        vectors = np.concatenate([self._vectors, self.subject.embedding(self.failed)])
        rate = float(labels.mean())
        return rate, Posterior(self.failing, vectors, labels - rate)

    def _processes(self) -> Iterator[tuple[int, Posterior]]:
        """Yields each process with the number of its objective or, after these, constraint."""
        yield from zip(self.subject.learnt, self._posteriors, strict=True)

    def _plain(self, number: int) -> Plain:
        scale = self._scales[number]
        assert isinstance(scale, Plain)
        return scale

    def _conditioned(self, vectors: Array, values: Array) -> list[Posterior]:
        return [Posterior(k, vectors, column) for k, column in zip(self.kernels, values.T, strict=True)]


def fitted_failures(embedding: Embedding, architectures: Sequence[Architecture], labels: Array) -> Kernel:
    """Returns the kernel under which successes (0) and failures (1) are likeliest."""
    if np.ptp(labels) == 0:
        return default_kernel(embedding)
    return fit_kernel(embedding, embedding(architectures), labels - labels.mean())
