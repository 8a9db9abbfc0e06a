"""What a search makes small (objectives) and what it must respect (constraints), read from text."""

import math
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from nasturtium.errors import ConfigError
from nasturtium.front.expression import Expression, parse_alternatives
from nasturtium.protocols import Trial

# Above any value of a real objective, and far enough below the largest float that a violation can be told
# apart.
_BROKEN = 1e100
_UNITS: Mapping[str, float] = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
_METRIC = r"[^\W\d]\w*"
_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CONSTRAINT = re.compile(
    rf"\s*(?P<metric>{_METRIC})\s*(?P<op><=|>=|<|>)\s*(?P<number>{_NUMBER})\s*(?P<unit>[kKMGB%]?)\s*"
)
_OPS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": lambda value, bound: value <= bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
}
_SHARES = frozenset({"error", "test_error"})  # 0..1, although shown in percent

# What people write instead.
_SIGNS = re.compile(r"\s*([<>=!≤≥](?:\s*[<>=!≤≥])*)\s*")
_JOINED = re.compile(r"\s*(?:\band\b|[&,;]+)\s*")
_TURNED: Mapping[str, str] = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_AMOUNT = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[^\W\d_]+)")
_TIMES: Mapping[str, float] = {"us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}  # in milliseconds
_BYTES: Mapping[str, str] = {"b": "", "kb": "k", "mb": "M", "gb": "G"}


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on one metric, such as ``params <= 200e3``.

    Attributes:
        metric: Name of the metric.
        op: ``<=``, ``>=``, ``<`` or ``>``.
        bound: The bound, in the metric's unit.
    """

    metric: str
    op: str
    bound: float

    @property
    def upper(self) -> bool:
        """Whether the metric must be small."""
        return self.op[0] == "<"

    def holds(self, metrics: Mapping[str, float]) -> bool:
        """Whether the metrics respect the bound; a metric that is missing or not finite does not."""
        value = metrics.get(self.metric, math.nan)
        return math.isfinite(value) and _OPS[self.op](value, self.bound)

    def violation(self, metrics: Mapping[str, float]) -> float:
        """Returns the excess as a share of the bound: 0 exactly when it holds, inf when not known."""
        if self.holds(metrics):
            return 0.0
        value = metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return math.inf
        excess = abs(value - self.bound) / (abs(self.bound) or 1.0)
        return max(excess, sys.float_info.epsilon)  # `params < 5` is broken by 5, although by nothing

    def __str__(self) -> str:
        return f"{self.metric} {self.op} {self.bound:.12g}"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric, or arithmetic of metrics, to be made small.

    Examples: ``error``; ``error * (latency_ms / 80) ** 0.07``; ``mnasnet(error, latency_ms, 80)`` and
    ``fbnet(loss, latency_ms)``, the published ones of `nasturtium.front.rewards`.

    ``error or -synflow`` is the error of a trial that has one, and minus the score of one that has none: for
    methods that compare trials of one fidelity with each other only, such as halving over a `Cascade`.

    Attributes:
        text: The expression, or several joined by ``or``: the first of which a trial has all metrics counts.
        subject_to: Constraints that a value worth having respects; see `subject_to`.
        metrics: Names of the metrics in `text`.

    Raises:
        ConfigError: The text is not an expression that `parse_expression` understands.
    """

    text: str
    subject_to: tuple[Constraint, ...] = ()
    metrics: frozenset[str] = field(init=False, compare=False)
    _either: tuple[tuple[Expression, frozenset[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        either = parse_alternatives(self.text)
        object.__setattr__(self, "_either", either)
        object.__setattr__(self, "metrics", frozenset[str]().union(*(names for _, names in either)))

    def lacking(self, given: Collection[str]) -> frozenset[str]:
        """Returns the metrics without which it has no value; none where one alternative is `given` whole."""
        missing = [names.difference(given) for _, names in self._either]
        return frozenset[str]().union(*missing) if all(missing) else frozenset()

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Returns the value; inf when a metric is missing or not finite, or the arithmetic has no value.

        Where a constraint of `subject_to` is broken, the value is larger than any that respects them all, and
        the larger the more it is broken: the constrained domination of Deb et al. 2002, section VI.
        """
        found = next((either for either in self._either if either[1] <= metrics.keys()), None)
        if found is None or not all(math.isfinite(metrics[name]) for name in found[1]):
            return math.inf
        try:
            value = float(found[0](metrics))
        except (ArithmeticError, ValueError):
            return math.inf
        if not math.isfinite(value):
            return math.inf
        if self.subject_to:
            broken = sum(constraint.violation(metrics) for constraint in self.subject_to)
            return value if broken == 0 else _BROKEN * (1 + broken)
        return value

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[Constraint, ...]]]:
        return type(self), (
            self.text,
            self.subject_to,
        )  # a compiled expression cannot be sent to another process


def parse_objective(text: str) -> Objective:
    """Returns the objective that the text describes; see `Objective`."""
    return Objective(text)


def parse_constraint(text: str) -> Constraint:
    """Returns the constraint that the text describes.

    The form is ``metric <= number``, with ``<=``, ``>=``, ``<`` or ``>``, and k, M or G (also B) for
    thousands, millions and thousands of millions, or a percent sign: ``params <= 200k``, ``latency_ms < 2``,
    ``error <= 5%``.

    Raises:
        ConfigError: The text has another form, or the number is not finite.
    """
    match = _CONSTRAINT.fullmatch(text)
    bound = _bound(match["number"], match["unit"]) if match else math.nan
    # 100B would be a hundred thousand million bytes, which bounds nothing.
    if match is None or not math.isfinite(bound) or (match["unit"] == "B" and _in_bytes(match["metric"])):
        raise ConfigError(f"constraint {text!r} is not understood; {_advice(text)}")
    return Constraint(match["metric"], match["op"], bound)


def _bound(number: str, unit: str) -> float:
    return float(number) / 100 if unit == "%" else float(number) * _UNITS[unit]


def _in_bytes(metric: str) -> bool:
    return metric.endswith("_bytes")


def _advice(text: str) -> str:
    """Returns what to write instead of a constraint that cannot be read."""
    left, *others = _SIGNS.split(text.strip())
    if len(others) > 2:
        parts = [part for part in _JOINED.split(text.strip()) if part]
        if not all(map(_CONSTRAINT.fullmatch, parts)):
            parts = ["params >= 2e3", "params <= 2e4"]
        return "two constraints are two arguments: " + " ".join(f'"{part}"' for part in parts)
    sign, right = others or ("", "")
    number = _THOUSANDS.sub("", right)
    if re.fullmatch(_METRIC, right) and re.match(_NUMBER, left):
        return f"the metric comes first: write {right} {_TURNED.get(sign, '<=')} {_THOUSANDS.sub('', left)}"
    if re.fullmatch(_METRIC, left) and re.match(_NUMBER, right):
        if sign not in _OPS:
            return f"a bound is one of {' '.join(_OPS)}: write {left} <= {number} or {left} >= {number}"
        if number != right:
            return f"leave the comma out: write {left} {sign} {number}"
        if amount := _AMOUNT.fullmatch(right):
            return _without_unit(left, sign, amount["number"], amount["unit"])
    return (
        f"write metric, one of {' '.join(_OPS)}, and a number: "
        "params <= 200e3, macs <= 30M or latency_ms <= 2"
    )


def _without_unit(metric: str, sign: str, number: str, unit: str) -> str:
    if metric.endswith("_ms") and unit in _TIMES:
        number = f"{float(number) * _TIMES[unit]:.12g}"
        return f"{metric} is in milliseconds already: write {metric} {sign} {number}"
    if _in_bytes(metric) and unit.lower() in _BYTES:
        return f"{metric} is in bytes already: write {metric} {sign} {number}{_BYTES[unit.lower()]}"
    return (
        f"{unit} is no unit: write {metric} {sign} {number}, with k, M or G after it for thousands, millions "
        "or thousands of millions, or %"
    )


def check_shares(constraints: Iterable[Constraint]) -> None:
    """Raises a ConfigError where an error, 0 to 1 although it is shown in percent, is bounded in percent."""
    for constraint in constraints:
        if constraint.metric in _SHARES and constraint.bound > 1:
            percent = constraint.bound if constraint.bound <= 100 else 5
            raise ConfigError(
                f"constraint {str(constraint)!r}: {constraint.metric} is a share: {percent:.12g} % is "
                f"{percent / 100:.12g}, or write {percent:.12g}%"
            )


def check_consistent(constraints: Iterable[Constraint]) -> None:
    """Raises a ConfigError that names two constraints which no number can meet at once, if there are such."""
    for metric, bounds in _by_metric(constraints).items():
        low = max((c for c in bounds if not c.upper), key=lambda c: (c.bound, c.op == ">"), default=None)
        high = min((c for c in bounds if c.upper), key=lambda c: (c.bound, c.op == "<="), default=None)
        if low is None or high is None or low.bound < high.bound:
            continue
        if low.bound > high.bound or low.op == ">" or high.op == "<":
            raise ConfigError(f"no {metric} can meet both {low} and {high}; change or drop one of them")


def _by_metric(constraints: Iterable[Constraint]) -> dict[str, list[Constraint]]:
    grouped: dict[str, list[Constraint]] = {}
    for constraint in constraints:
        grouped.setdefault(constraint.metric, []).append(constraint)
    return grouped


def subject_to(objectives: Iterable[Objective], constraints: Iterable[Constraint]) -> tuple[Objective, ...]:
    """Returns the objectives such that any trial that breaks a constraint ranks below all that break none.

    For constraints on metrics which only a training can tell (``error <= 0.1``), so that candidates cannot be
    refused beforehand. Every objective of such a trial has the same value, so the less broken one dominates
    the more broken.
    """
    bounds = tuple(constraints)
    return tuple(replace(objective, subject_to=bounds) for objective in objectives)


def values(objectives: Sequence[Objective], trial: Trial) -> tuple[float, ...]:
    """Returns the value of each objective; inf for all of them unless the trial is ok."""
    if trial.status != "ok":
        return (math.inf,) * len(objectives)
    return tuple([objective(trial.metrics) for objective in objectives])


ERROR: tuple[Objective, ...] = (Objective("error"),)  # what a search makes small unless it is told otherwise
