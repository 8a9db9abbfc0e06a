"""What trials say of all architectures: a Gaussian process of every value, and how likely a success is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective
from nasturtium.predictor.embedding import Embedding
from nasturtium.predictor.gp import Kernel, Posterior, default_kernel, fit_kernel
from nasturtium.predictor.warp import HalfRank, Plain
from nasturtium.protocols import CostModel, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.foreseen import Foreseen

Array = NDArray[np.float64]

# Share of the nugget that a second training of the same network would show again. Without repeats no data can
# tell, so it is set: more trusts single results, less trusts the model. Chosen on development tables:
# between a third and 0.8 the picks on NAS-Bench-Macro, whose trainings are noisy, hardly change; on
# NAS-Bench-201 at 12 epochs, judged by the one training that it shows, less than 0.7 picks the second best.
OWN = 0.8
LEAST_SUCCESS = 1e-4
QUALITY = frozenset({"error", "loss", "test_error"})  # an objective without any of these is a cost


@dataclass(frozen=True, slots=True)
class Evidence:
    """A trial that has values.

    Attributes:
        architecture: What was evaluated.
        values: Of the objectives, constraints aside.
        bounded: Of the metrics that constraints bound, in their order.
        broken: By how much constraints are broken, 0 where they are respected.
    """

    architecture: Architecture
    values: tuple[float, ...]
    bounded: tuple[float, ...] = ()
    broken: float = 0.0

    @property
    def respected(self) -> bool:
        """Whether the constraints are met."""
        return self.broken == 0


class Subject:
    """What there is to be learnt: objectives and bounded metrics, of architectures that are vectors.

    Args:
        space: Of the architectures.
        objectives: What is made small, and subject to what.
        costs: What counts networks before they are trained; None knows nothing beforehand.
    """

    def __init__(self, space: Space, objectives: Sequence[Objective], costs: CostModel | None) -> None:
        self.objectives = tuple(Objective(objective.text) for objective in objectives)
        self.constraints = objectives[0].subject_to
        self.foreseen = Foreseen(costs, self.objectives)
        import os
        self.embedding = Embedding(space) if os.environ.get("HA_NOFEAT") else Embedding(space, self.foreseen.numbers)
        if os.environ.get("HA_NOKNOWN"):
            self.foreseen.known = tuple(False for _ in self.objectives)

    def evidence(self, trial: Trial) -> Evidence:
        """Returns what a trial says; it has all metrics that objectives and constraints speak of."""
        values = tuple(objective(trial.metrics) for objective in self.objectives)
        bounded = tuple(float(trial.metrics[c.metric]) for c in self.constraints)
        broken = sum(c.violation(trial.metrics) for c in self.constraints)
        return Evidence(trial.architecture, values, bounded, broken)

    def scales(self, evidence: Sequence[Evidence]) -> list[HalfRank | Plain]:
        """Returns a scale for each objective, then one for each bounded metric."""
        columns = np.array([(*row.values, *row.bounded) for row in evidence]).T
        several = len(self.objectives) > 1
        halved = [not several or bool(o.metrics & QUALITY) for o in self.objectives]
        halved += [False] * len(self.constraints)
        return [HalfRank(c) if half else Plain(c) for c, half in zip(columns, halved, strict=True)]

    @property
    def learnt(self) -> list[int]:
        """Which of the scales a process is needed for: all but objectives that are known beforehand."""
        known = (*self.foreseen.known, *(False for _ in self.constraints))
        return [i for i, here in enumerate(known) if not here]

    def fitted(self, evidence: Sequence[Evidence]) -> list[Kernel]:
        """Returns, for each that is learnt, the kernel under which the evidence is likeliest."""
        vectors = self.embedding([row.architecture for row in evidence])
        scales = self.scales(evidence)
        return [fit_kernel(self.embedding, vectors, scales[i].values) for i in self.learnt]


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
        self._learnt = subject.learnt
        self._objectives = sum(i < len(subject.objectives) for i in self._learnt)  # of those learnt
        self._values = np.stack([self._scales[i].values for i in self._learnt], axis=1)
        self._posteriors = self._conditioned(self._vectors, self._values)

    @cached_property
    def expected(self) -> Array:
        """What another training of each architecture of the evidence would show on average, [n, objectives].

        The mean of the process and of what is the network's own: value - (1 - OWN) nugget K^-1 value.
        """
        columns = np.stack([s.values for s in self._scales[: len(self.subject.objectives)]], axis=1)
        for i, kernel, posterior in zip(self._learnt, self.kernels, self._posteriors, strict=True):
            if i < columns.shape[1]:
                columns[:, i] -= (1 - OWN) * kernel.nugget * posterior.solved
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
        for i, posterior in zip(self._learnt[: self._objectives], self._posteriors, strict=False):
            means[:, i], std = posterior.predict(vectors)
            stds[:, i] = np.sqrt(std**2 + OWN * posterior.kernel.nugget)
        known = np.flatnonzero(self.subject.foreseen.known)
        if known.size:
            values = self.subject.foreseen.values(architectures)
            for i, column in zip(known, values.T, strict=True):
                scale = self._scales[i]
                assert isinstance(scale, Plain)
                means[:, i] = scale(column)
        return means, stds

    def success(self, architectures: Sequence[Architecture]) -> Array:
        """Returns how likely a training succeeds and respects the constraints, [n]."""
        vectors = self.subject.embedding(architectures)
        likely = self._finishing(vectors)
        first = len(self.subject.objectives)
        for i, posterior in zip(self._learnt[self._objectives :], self._posteriors[self._objectives :], strict=True):
            constraint, scale = self.subject.constraints[i - first], self._scales[i]
            assert isinstance(scale, Plain)
            mean, std = posterior.predict(vectors)
            bound = scale(np.array([constraint.bound]))
            ahead = (bound - mean) / np.sqrt(std**2 + posterior.kernel.nugget)
            likely = likely * ndtr(ahead if constraint.upper else -ahead)
        return np.clip(likely, LEAST_SUCCESS, 1.0)

    def _finishing(self, vectors: Array) -> Array:
        """How likely a training does not fail: that the process of the labels, 1 for a failure, is below a half."""
        if not self.failed:
            return np.ones(len(vectors))
        rate, posterior = self._failures
        mean, std = posterior.predict(vectors)
        likely: Array = ndtr((0.5 - rate - mean) / np.sqrt(std**2 + self.failing.nugget))
        return likely

    @cached_property
    def _failures(self) -> tuple[float, Posterior]:
        """The mean of the labels 1 (failed) and 0, and a process of the rest."""
        labels = np.array([*[0.0] * len(self.evidence), *[1.0] * len(self.failed)])
        vectors = np.concatenate([self._vectors, self.subject.embedding(self.failed)])
        rate = float(labels.mean())
        return rate, Posterior(self.failing, vectors, labels - rate)

    def _conditioned(self, vectors: Array, values: Array) -> list[Posterior]:
        return [Posterior(k, vectors, column) for k, column in zip(self.kernels, values.T, strict=True)]


def fitted_failures(embedding: Embedding, architectures: Sequence[Architecture], labels: Array) -> Kernel:
    """Returns the kernel under which successes (0) and failures (1) are likeliest."""
    if np.ptp(labels) == 0:
        return default_kernel(embedding)
    return fit_kernel(embedding, embedding(architectures), labels - labels.mean())
