"""What is known of one device: networks of a space with their latencies, and models fitted to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.cost.device import Device
from nasturtium.cost.learned import LatencyModel
from nasturtium.cost.table import LatencyTable, fit_table
from nasturtium.cost.transfer import SMALLEST, Mixture
from nasturtium.cost.work import Work
from nasturtium.errors import ConfigError, unknown
from nasturtium.space.space import Space

Array = NDArray[np.float64]
Kind = Literal["table", "learned", "transfer"]
Predict = Callable[[Sequence[Architecture]], Array]  # milliseconds, [n]

RUNTIMES = {"pytorch": "latency_ms", "onnxruntime": "latency_onnx_ms"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One network that was measured.

    Attributes:
        choices: The architecture.
        ms: Its latency.
        spread_ms: Standard deviation of that from measurement to measurement.
        drift: How many times slower than at calibration the reference was meanwhile.
        held_out: Whether the models' figures are about it.
    """

    choices: tuple[int, ...]
    ms: float
    spread_ms: float
    drift: float = 1.0
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model is on networks that it was not fitted to.

    Attributes:
        networks: How many.
        spearman: Rank correlation of promised and measured.
        within_5: Share promised within 5 %.
        within_10: Share promised within 10 %.
        error: Root mean squared relative error: the size of an error bar.
    """

    networks: int
    spearman: float
    within_5: float
    within_10: float
    error: float


@dataclass(frozen=True, slots=True)
class Relative:
    """A known device of a transfer: its name and its table."""

    name: str
    table: LatencyTable


@dataclass(frozen=True)
class Course:
    """All that is known of one metric.

    Attributes:
        metric: ``latency_ms`` or ``latency_onnx_ms``.
        samples: What was measured.
        table: Fitted to the samples.
        model: The one whose word counts.
        quality: Of each model, before it was fitted to the held-out samples as well.
        mixture: Of known devices; None where there was no transfer.
        relatives: These devices.
    """

    metric: str
    samples: tuple[Sample, ...]
    table: LatencyTable
    model: Kind
    quality: Mapping[str, Quality]
    mixture: Mixture | None = None
    relatives: tuple[Relative, ...] = ()

    @property
    def drift(self) -> tuple[float, float, float]:
        """Of the reference: how many times slower than at calibration; lowest, median and highest."""
        low, middle, high = np.percentile([one.drift for one in self.samples], [0, 50, 100])
        return float(low), float(middle), float(high)

    def predictor(self, space: Space) -> Predict:
        """Returns what tells the latency of architectures of the space that was measured."""
        work = Work(space)
        if self.model == "table":
            return by_table(self.table, work)
        if self.model == "transfer" and self.mixture is not None:
            return by_mixture(self.mixture, [one.table for one in self.relatives], work)
        model = LatencyModel(space)
        architectures, values = examples(space, self.samples)
        model.fit(architectures, values)
        return lambda asked: np.maximum(model.predict(asked)[0], SMALLEST)


@dataclass(frozen=True)
class Profile:
    """What is known of one device.

    Attributes:
        device: Which one.
        space: Name of the space that was sampled.
        fingerprint: Of that space.
        input_shape: Of one input.
        outputs: Values that a network gives.
        made: When, ISO 8601.
        courses: One per metric.
        batch: Inputs that a run took at once: latencies are of so many.
    """

    device: Device
    space: str
    fingerprint: str
    input_shape: tuple[int, ...]
    outputs: int
    made: str
    courses: tuple[Course, ...]
    batch: int = field(default=1, repr=False)  # of 1 nothing was said before, nor is in the digest

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits, equal where all that the profile says is."""
        several = f" in batches of {self.batch}" if self.batch > 1 else ""
        return blake2b(f"{self!r}{several}".encode(), digest_size=4).hexdigest()

    @cached_property
    def metrics(self) -> Mapping[str, Course]:
        """Every course by its metric."""
        return {course.metric: course for course in self.courses}

    def check(self, space: Space) -> None:
        """Makes sure that the profile speaks of this space.

        Raises:
            ConfigError: Another space, other inputs or outputs.
        """
        given = space.fingerprint, tuple(space.input_shape or ()), space.outputs
        if given != (self.fingerprint, self.input_shape, self.outputs):
            raise ConfigError(
                f"the profile is of {_named(self.space, self.input_shape, self.outputs)}, not of "
                f"{_named(space.name, given[1], space.outputs)}; nasturtium profile makes another"
            )
        for course in self.courses:
            for number, one in enumerate(course.samples):
                if Architecture(space.fingerprint, one.choices) not in space:
                    raise ConfigError(
                        f"this is no device profile: sample {number} of {course.metric} is no network of "
                        f"{space.name}"
                    )

    def to_table(self) -> dict[str, Any]:
        """Returns plain values, as JSON holds them; `read` takes them back."""
        return {"format": 1, **asdict(self)}

    @staticmethod
    def read(table: Mapping[str, Any]) -> Profile:
        """Returns the profile of plain values.

        Raises:
            ConfigError: They are no profile.
        """
        try:
            if table["format"] != 1:
                raise ConfigError(f"a profile of format {table['format']!r}; this version reads format 1")
            if not (isinstance(batch := table.get("batch", 1), int) and batch >= 1):
                raise ValueError(f"it is of batches of {batch!r}")
            rest = {key: table[key] for key in ("space", "fingerprint", "outputs", "made")}
            return Profile(
                device=Device(**table["device"]),
                input_shape=tuple(table["input_shape"]),
                courses=tuple(map(_course, table["courses"])),
                batch=batch,
                **rest,
            )
        except ConfigError:
            raise
        except ValueError as error:
            raise ConfigError(f"this is no device profile: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"this is no device profile: {type(error).__name__} {error}") from error


def fit_course(
    space: Space, metric: str, samples: Sequence[Sample], mixture: tuple[Mixture, Sequence[Relative]] | None
) -> Course:
    """Returns the models of what was measured of one metric.

    Table and learned model are fitted without the held-out samples, on which their figures are; the one that
    says more of left-out examples has the word. Then both are fitted to all samples.

    Args:
        space: That was sampled.
        metric: That was measured.
        samples: What was measured, some of them held out.
        mixture: Of known devices, with these; it then has the word.

    Raises:
        ConfigError: Fewer than 3 samples.
    """
    if len(samples) < 3:
        raise ConfigError(f"{len(samples)} networks were measured; a profile needs 3. Give it more time")
    work, quality = Work(space), {}
    unseen = examples(space, [one for one in samples if one.held_out])
    seen = examples(space, [one for one in samples if not one.held_out])
    table, said = fit_table(work, *seen)
    learned = LatencyModel(space)
    learned.fit(*seen)
    better = _off(said, seen[1]) > _off(learned.left_out, seen[1])
    model: Kind = "learned" if better else "table"
    quality["table"] = judged(by_table(table, work), *unseen)
    quality["learned"] = judged(lambda asked: learned.predict(asked)[0], *unseen)
    if mixture is not None:
        model, tables = "transfer", [one.table for one in mixture[1]]
        quality["transfer"] = judged(by_mixture(mixture[0], tables, work), *unseen)
    table, _ = fit_table(work, *examples(space, samples))
    found = mixture or (None, ())
    return Course(metric, tuple(samples), table, model, quality, found[0], tuple(found[1]))


def judged(predict: Predict, architectures: Sequence[Architecture], values_ms: Array) -> Quality:
    """Returns how good a model is on networks that it was not fitted to; NaN where there are too few."""
    if len(values_ms) < 3:
        return Quality(len(values_ms), *[float("nan")] * 4)
    promised = predict(architectures)
    off = np.abs(promised / values_ms - 1)
    rank = float(spearmanr(promised, values_ms).statistic)
    shares = float((off <= 0.05).mean()), float((off <= 0.1).mean())
    return Quality(len(values_ms), rank, *shares, _off(promised, values_ms))


def examples(space: Space, samples: Sequence[Sample]) -> tuple[list[Architecture], Array]:
    """Returns the architectures of samples and their latencies, [n], in milliseconds."""
    architectures = [Architecture(space.fingerprint, one.choices) for one in samples]
    return architectures, np.array([one.ms for one in samples])


def by_table(table: LatencyTable, work: Work) -> Predict:
    """Returns what sums a table over the layers of networks."""

    def predict(asked: Sequence[Architecture]) -> Array:
        return np.maximum([table(work.kinds(one), work.known) for one in asked], SMALLEST)

    return predict


def by_mixture(mixture: Mixture, tables: Sequence[LatencyTable], work: Work) -> Predict:
    """Returns what mixes the tables of known devices."""

    def predict(asked: Sequence[Architecture]) -> Array:
        kinds = [work.kinds(one) for one in asked]
        return mixture(np.array([[table(one, work.known) for one in kinds] for table in tables]))

    return predict


def course_of(profile: Profile, runtime: str) -> Course:
    """Returns what a profile knows of a runtime.

    Raises:
        UnknownName: It knows another one, or there is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise unknown("runtime", runtime, RUNTIMES)
    metric = RUNTIMES[runtime]
    if metric not in profile.metrics:
        raise unknown("metric", metric, profile.metrics, where=f"profile of {profile.device.cpu}")
    return profile.metrics[metric]


def _named(space: str, input_shape: tuple[int, ...], outputs: int | None) -> str:
    return f"{space} with {outputs} outputs for inputs of {'x'.join(map(str, input_shape))}"


def _off(promised: Array, values_ms: Array) -> float:
    return float(np.sqrt(np.mean((promised / values_ms - 1) ** 2)))


def _course(table: Mapping[str, Any]) -> Course:
    """Returns a course of plain values.

    Raises:
        ValueError: What it says of itself makes no sense.
    """
    metric, model, mixture = table["metric"], table["model"], table["mixture"]
    if (
        metric not in RUNTIMES.values()
        or model not in get_args(Kind)
        or (model == "transfer" and mixture is None)
    ):
        raise ValueError(f"a course is of metric {metric!r} and model {model!r}")
    if not table["samples"]:
        raise ValueError(f"{metric} has no samples")
    for number, one in enumerate(table["samples"]):
        if not (isinstance(one["ms"], int | float) and 0 < one["ms"] < math.inf):
            raise ValueError(f"sample {number} of {metric} took {one['ms']!r} ms")
    return Course(
        table["metric"],
        tuple(Sample(tuple(one["choices"]), *_rest(one)) for one in table["samples"]),
        LatencyTable(**table["table"]),
        table["model"],
        {name: Quality(**one) for name, one in table["quality"].items()},
        None if mixture is None else Mixture(**{key: _tupled(value) for key, value in mixture.items()}),
        tuple(Relative(one["name"], LatencyTable(**one["table"])) for one in table["relatives"]),
    )


def _rest(sample: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sample[key] for key in ("ms", "spread_ms", "drift", "held_out"))


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
