"""What there is to learn of a space: objectives and bounded metrics, and what counts tell beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective
from nasturtium.predictor.embedding import Embedding
from nasturtium.predictor.gp import Kernel, fit_kernel
from nasturtium.predictor.warp import HalfRank, Plain
from nasturtium.protocols import CostModel, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.constrained import COUNTED

Array = NDArray[np.float64]

# An objective without any of these is a cost.
QUALITY = frozenset({"error", "loss", "perplexity", "test_error"})
LARGEST_CACHE = 10_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """A trial that has values.

    Attributes:
        architecture: What was evaluated.
        values: Of the objectives, constraints aside.
        bounded: The metrics that constraints bound, in their order.
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
    """Objectives and bounded metrics of architectures, which are vectors.

    Params, MACs and activation bytes are counted where a cost model gives them: an objective that follows
    from them is known of every architecture, and their logarithms are coordinates, in which a latency is
    nearly a line.

    Args:
        space: Of the architectures.
        objectives: What is made small, and subject to what.
        costs: What counts networks; None knows nothing beforehand. It is not asked for what would be
            measured, and for nothing where one objective alone is made small.

    Attributes:
        objectives: Constraints aside.
        constraints: Those that only a training tells.
        qualities: Which objectives speak of errors or losses; the others are costs.
        known: Which objectives follow from counts alone.
        learnt: Which of the objectives, and then of the constraints, need a model.
        embedding: Makes vectors.
    """

    def __init__(self, space: Space, objectives: Sequence[Objective], costs: CostModel | None) -> None:
        self.objectives = tuple(Objective(objective.text) for objective in objectives)
        self.constraints = objectives[0].subject_to
        self.qualities = [bool(objective.metrics & QUALITY) for objective in self.objectives]
        self._costs = costs
        counted = costs is not None and (len(objectives) > 1 or bool(self.constraints))
        self._names = tuple(sorted(COUNTED & costs.names)) if costs is not None and counted else ()
        self._counts: dict[Architecture, dict[str, float]] = {}
        known = [bool(self._names) and o.metrics <= {*self._names} for o in self.objectives]
        self.known = [False] * len(known) if all(known) else known  # at least one is to be learnt
        self.learnt = [
            i for i, here in enumerate([*self.known, *[False] * len(self.constraints)]) if not here
        ]
        self.embedding = Embedding(space, self._logarithms)

    def evidence(self, trial: Trial) -> Evidence:
        """Returns what a trial says; it has all metrics that objectives and constraints speak of."""
        values = tuple(objective(trial.metrics) for objective in self.objectives)
        bounded = tuple(float(trial.metrics[constraint.metric]) for constraint in self.constraints)
        broken = sum(constraint.violation(trial.metrics) for constraint in self.constraints)
        return Evidence(trial.architecture, values, bounded, broken)

    def scales(self, evidence: Sequence[Evidence]) -> list[HalfRank | Plain]:
        """Returns a scale for each objective, then one for each bounded metric."""
        columns = np.array([(*row.values, *row.bounded) for row in evidence]).T
        halved = [len(self.objectives) == 1 or quality for quality in self.qualities]
        halved += [False] * len(self.constraints)
        return [HalfRank(c) if half else Plain(c) for c, half in zip(columns, halved, strict=True)]

    def fitted(self, evidence: Sequence[Evidence]) -> list[Kernel]:
        """Returns, for each that is learnt, the kernel under which the evidence is likeliest."""
        vectors = self.embedding([row.architecture for row in evidence])
        scales = self.scales(evidence)
        return [fit_kernel(self.embedding, vectors, scales[i].values) for i in self.learnt]

    def foreseen(self, architectures: Sequence[Architecture]) -> Array:
        """Returns the objectives that are known, [n, known]."""
        known = [objective for objective, here in zip(self.objectives, self.known, strict=True) if here]
        rows = [[objective(self._counted(a)) for objective in known] for a in architectures]
        return np.array(rows).reshape(len(architectures), len(known))

    def _logarithms(self, architecture: Architecture) -> list[float]:
        return [float(np.log1p(count)) for count in self._counted(architecture).values()]

    def _counted(self, architecture: Architecture) -> dict[str, float]:
        if self._costs is None or not self._names:
            return {}
        if architecture not in self._counts:
            if len(self._counts) >= LARGEST_CACHE:
                self._counts.clear()
            self._counts[architecture] = self._costs(architecture, self._names)
        return self._counts[architecture]
