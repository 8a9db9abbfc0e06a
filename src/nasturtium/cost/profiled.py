"""Costs of a device that was profiled before: counted and promised, known before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable

from nasturtium.architecture import Architecture
from nasturtium.cost.footprint import FromShapes
from nasturtium.cost.profile import Predict, Profile
from nasturtium.errors import unknown
from nasturtium.space.space import Space

LARGEST_CACHE = 200_000


class Profiled:
    """Counts, and the latencies that a profile promises, as one cost model.

    A promise takes microseconds where a measurement takes a tenth of a second, so constraints on latency are
    as cheap as constraints on parameters; and the device need not be this one.

    Args:
        space: That the profile is of, bound to the shapes of the task.
        profile: Of the device.

    Raises:
        ConfigError: The profile is of another space, or of other shapes.
    """

    def __init__(self, space: Space, profile: Profile) -> None:
        profile.check(space)
        self.profile = profile
        self.counted = FromShapes(space)
        self.names = FromShapes.names | frozenset(profile.metrics)
        self.cheap = self.names  # no promise needs a measurement
        self._predictors: dict[str, Predict] = {}
        self._known: dict[tuple[str, Architecture], float] = {}
        self._space = space

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names`, in that order.

        Raises:
            UnknownName: A metric that is neither counted nor in the profile.
        """
        return {name: self._value(architecture, name) for name in names}

    def _value(self, architecture: Architecture, name: str) -> float:
        if name in FromShapes.names:
            return self.counted(architecture, [name])[name]
        if name not in self.profile.metrics:
            raise unknown("cost metric", name, self.names, where=f"profile of {self.profile.device.cpu}")
        key = (name, architecture)
        value = self._known.get(key)
        if value is None:
            if len(self._known) >= LARGEST_CACHE:
                self._known.clear()
            if name not in self._predictors:
                self._predictors[name] = self.profile.metrics[name].predictor(self._space)
            value = self._known[key] = float(self._predictors[name]([architecture])[0])
        return value
