"""What a journal keeps, and how it is written: candidates and trials as JSON that holds NaN and infinity."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nasturtium.architecture import Architecture, Mixture
from nasturtium.protocols import Candidate, Trial


@dataclass(frozen=True, slots=True)
class Header:
    """What a journal says of itself.

    Attributes:
        space: Fingerprint of the space; the architectures of the journal belong to it.
        input_shape: Of one input, without the batch.
        outputs: Number of values that a network gives.
        identity: What makes it this search and no other, name to value; a resume must agree on every one.
        spec: The resolved specification, as it stands in TOML.
        decisions: Path and labels of every decision, so that the journal can be read without the space.
        task: What the task says of its data: sizes, classes, licence.
    """

    space: str
    input_shape: tuple[int, ...] = ()
    outputs: int = 0
    identity: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    task: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """One process that worked on a run.

    Attributes:
        started: When, ISO 8601 with the zone.
        device: What it ran on, in words.
        versions: Name to version of what its results depend on.
    """

    started: str
    device: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A strategy was asked.

    Attributes:
        requested: How many candidates it was asked for.
        candidates: What it gave, numbered; none where it had nothing to give.
        seconds: Wall time that the stage had taken by then, over all sessions.
    """

    requested: int
    candidates: tuple[Candidate, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """A strategy was told.

    Attributes:
        trials: The group of trials that it was told together.
        seconds: Wall time that the stage had taken by then, over all sessions.
    """

    trials: tuple[Trial, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A stage was over: its budget was spent, or its strategy had no more to ask. More budget makes it go on.

    Attributes:
        seconds: Wall time that the stage had taken by then, over all sessions.
    """

    seconds: float = 0.0


Event = Asked | Told | Ended

_json = json.JSONEncoder(separators=(",", ":")).encode  # made once: json.dumps makes one per call


def write_point(point: Architecture | Mixture) -> str:
    """Returns a point as JSON: indices for an architecture, rows of probabilities for a mixture."""
    if isinstance(point, Architecture):
        return _json(point.choices)
    return _json({"mixture": point.weights})


def read_point(text: str, space: str) -> Architecture | Mixture:
    """Returns the point that `write_point` wrote, of the space with this fingerprint."""
    value = json.loads(text)
    if isinstance(value, dict):
        return Mixture(space, tuple(tuple(row) for row in value["mixture"]))
    return Architecture(space, tuple(value))


def write_metrics(metrics: Mapping[str, float]) -> str:
    """Returns metrics as strict JSON; NaN and infinity, which JSON lacks, are written as text."""
    numbers = {name: float(value) for name, value in metrics.items()}
    return _json({name: value if math.isfinite(value) else str(value) for name, value in numbers.items()})


def read_metrics(text: str) -> dict[str, float]:
    """Returns the metrics that `write_metrics` wrote, to the last bit."""
    return {name: float(value) for name, value in json.loads(text).items()}
