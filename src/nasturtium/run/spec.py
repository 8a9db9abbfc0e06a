"""What a user asks for, as one typed record: read from TOML, and stored with the run as it was resolved."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nasturtium.errors import ConfigError
from nasturtium.evaluate.recipe import Recipe
from nasturtium.front.objectives import Constraint, parse_constraint
from nasturtium.run.typed import from_table, to_table, write_toml
from nasturtium.run.workers import check_workers

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Retraining:
    """How the picks are trained at the end.

    Attributes:
        picks: How many networks of the front are trained again; 0 leaves the test split untouched.
        times: Trainings of each, from different seeds.
        epochs: Of each training; None is what the recipe says.
        at: Budgets, such as ``latency_ms <= 1, 2, 4``: the best network within each is a pick, before others.
            One text may be given by itself.

    Raises:
        ConfigError: a number that makes no sense, or a budget that cannot be read.
    """

    picks: int = 3
    times: int = 3
    epochs: int | None = None
    at: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.picks < 0:
            raise ConfigError(f"retrain: picks is {self.picks}; it must be 0 or more")
        if self.times < 1:
            raise ConfigError(f"retrain: times is {self.times}; it must be 1 or more")
        if self.epochs is not None and self.epochs < 1:
            raise ConfigError(f"retrain: epochs is {self.epochs}; it must be 1 or more")
        given: object = self.at
        if isinstance(given, str):
            object.__setattr__(self, "at", (given,))
        _ = self.budgets

    @property
    def budgets(self) -> tuple[Constraint, ...]:
        """What `at` says, a constraint for each number."""
        return tuple(one for text in self.at for one in parse_budgets(text))


_GROUPED = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d.])")  # 20,000, or 1,200


def parse_budgets(text: str) -> list[Constraint]:
    """Returns the constraints that ``latency_ms <= 1, 2, 4`` lists.

    Raises:
        ConfigError: It cannot be read.
    """
    if grouped := _GROUPED.search(text):
        plain, apart = grouped[0].replace(",", ""), grouped[0].replace(",", ", ")
        raise ConfigError(f"{grouped[0]} in {text!r} may be one number or several: write {plain} or {apart}")
    first, *others = text.split(",")
    constraint = parse_constraint(first.strip())
    beginning = f"{constraint.metric} {constraint.op} "
    return [constraint, *(parse_constraint(beginning + other.strip()) for other in others)]


@dataclass(frozen=True, slots=True)
class Spec:
    """A search, in plain values.

    Attributes:
        data: ``digits``, ``cifar10``, ``folder:PATH``, ``hf:NAME``, ``npz:PATH``, or a path to a task.
        space: A name of the zoo, perhaps with a size (``mobilenet/published``), or a path to a space.
        method: A name, or a path to a strategy.
        minimize: Objectives, each a metric or an expression of metrics.
        subject_to: Constraints, such as ``params <= 200e3``.
        budget: Trials (``200``) or time (``5m``), see `budget.parse_budget`.
        out: Run folder; None is a new temporary one.
        seed: Of everything.
        baseline: Whether random search is run beside it at equal cost.
        parameters: Of the method, name to value.
        warm_from: Earlier runs (their folders) and tables whose results the search starts from.
        try_first: Architectures to try first, as `Space.text` writes them, or files of them.
        proxies: Names of zero-cost proxies, or paths to some; they score the candidates of fidelity 0.
        workers: 1 trains in this process, a larger number in so many, ``ray`` and ``ray://HOST:PORT`` on a
            Ray cluster.
        device: File of a device profile, whose promises then are the latencies; None measures this machine.
        recipe: How candidates are trained.
        retrain: How the picks are trained at the end.
    """

    data: str = "digits"
    space: str = "mobilenet"
    method: str = "auto"
    minimize: tuple[str, ...] = ("error", "latency_ms")
    subject_to: tuple[str, ...] = ()
    budget: str | int = "5m"
    out: str | None = None
    seed: int = 0
    baseline: bool = True
    parameters: Mapping[str, Value] = field(default_factory=dict)
    warm_from: tuple[str, ...] = ()
    try_first: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    workers: int | str = 1
    device: str | None = None
    recipe: Recipe = field(default_factory=Recipe)
    retrain: Retraining = field(default_factory=Retraining)

    def __post_init__(self) -> None:
        if not self.minimize:
            raise ConfigError('minimize is empty; give at least one objective, such as "error"')
        check_workers(self.workers)

    def to_toml(self) -> str:
        """Returns the file that `read_spec` reads as this."""
        return write_toml(to_table(self))


def read_spec(path: Path) -> Spec:
    """Returns the specification of a TOML file.

    Raises:
        ConfigError: the file cannot be read or parsed, or has an unknown key or a value of another type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    return from_table(Spec, table, str(path))
