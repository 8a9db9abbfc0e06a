"""The front of a run: the networks than which no other is better in every objective."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from nasturtium.architecture import Architecture
from nasturtium.errors import InfeasibleSpace, StoreError, unknown
from nasturtium.front.objectives import Constraint, parse_constraint
from nasturtium.protocols import Trial
from nasturtium.run.retrained import Retrained
from nasturtium.space.layers import Network

if TYPE_CHECKING:
    from torch import nn

    from nasturtium.run.run import Run


@dataclass(frozen=True, slots=True)
class Pick:
    """One network that a run found.

    Attributes:
        run: The run.
        trial: What the search found out about it.
        name: ``accurate``, ``knee``, ``cheapest`` and so on where it was chosen, ``trial-12`` elsewhere.
        retrained: What its final trainings gave, None where it was not trained again.
    """

    run: Run = field(repr=False)
    trial: Trial
    name: str
    retrained: Retrained | None = None

    @property
    def architecture(self) -> Architecture:
        """Its options."""
        return self.trial.architecture

    @property
    def metrics(self) -> dict[str, float]:
        """What the search measured, on the validation split."""
        return dict(self.trial.metrics)

    @property
    def text(self) -> str:
        """Its options, as a person reads them and `Space.parse` reads them back."""
        return self.run.space.text(self.architecture)

    @property
    def network(self) -> Network:
        """Its layers."""
        return self.run.space.network(self.architecture)

    def model(self) -> nn.Module:
        """Returns a plain torch module in evaluation mode, with the weights of its first final training.

        Those of the search, where it was not trained again. Not those of the final training with the
        lowest test
        error: choosing by the test split would make its error look better than it is.

        Raises:
            StoreError: the run kept no weights of it, or they are gone.
        """
        from nasturtium.evaluate.weights import load_weights
        from nasturtium.net.build import build

        weights = self.retrained.weights if self.retrained else self.trial.weights
        if weights is None:
            raise StoreError(
                f"{self.name} has no weights: its evaluator trains nothing, or kept none in {self.run.folder}"
            )
        model = build(self.network, seed=0)
        load_weights(model, self.run.folder / weights)
        return model.eval()


class Front(Sequence[Pick]):
    """Picks, sorted by the first objective, lowest first; ties are all there.

    Args:
        picks: The networks.
    """

    def __init__(self, picks: Sequence[Pick]) -> None:
        self._picks = tuple(picks)

    def __repr__(self) -> str:
        return f"Front({len(self)} networks)"

    def __len__(self) -> int:
        return len(self._picks)

    @overload
    def __getitem__(self, index: int) -> Pick: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pick]: ...
    def __getitem__(self, index: int | slice) -> Pick | Sequence[Pick]:
        return self._picks[index]

    def __iter__(self) -> Iterator[Pick]:
        return iter(self._picks)

    def pick(self, *constraints: str) -> Pick:
        """Returns the network of the lowest error among those that meet the constraints.

        Args:
            constraints: Such as ``latency_ms <= 1``; or one name of a pick, such as ``knee``.

        Raises:
            UnknownName: no such pick or metric.
            InfeasibleSpace: none meets them; the message has the nearest value.
        """
        if not self._picks:
            raise InfeasibleSpace("the front is empty: no trial succeeded and met the constraints")
        if len(constraints) == 1 and re.fullmatch(r"[\w.-]+", constraints[0]):
            return self._named(constraints[0])
        bounds = [parse_constraint(text) for text in constraints]
        known = set[str]().union(*(pick.trial.metrics for pick in self))
        for bound in bounds:
            if bound.metric not in known:
                raise unknown("metric", bound.metric, known)
        meeting = [pick for pick in self if all(bound.holds(pick.trial.metrics) for bound in bounds)]
        if not meeting:
            raise self._none_meets(bounds)
        return min(meeting, key=lambda pick: pick.trial.metrics.get("error", 0.0))

    def _named(self, name: str) -> Pick:
        by_name = {pick.name: pick for pick in self}
        if name not in by_name:
            raise unknown("pick", name, by_name, where="or give a constraint such as 'params <= 200e3'")
        return by_name[name]

    def _none_meets(self, bounds: Sequence[Constraint]) -> InfeasibleSpace:
        nearest = min(self, key=lambda pick: sum(bound.violation(pick.trial.metrics) for bound in bounds))
        values = ", ".join(f"{b.metric} {nearest.trial.metrics.get(b.metric, math.nan):g}" for b in bounds)
        return InfeasibleSpace(
            f"none of the {len(self)} networks of the front meets {' and '.join(map(str, bounds))}; the "
            f"nearest, {nearest.name}, has {values}"
        )
