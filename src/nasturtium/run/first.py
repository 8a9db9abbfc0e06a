"""Architectures that a user gives, to be tried before any other: texts, and files of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, NasturtiumError
from nasturtium.front.objectives import Constraint
from nasturtium.protocols import CostModel
from nasturtium.space.space import Space
from nasturtium.strategy.constrained import MET, assess, cheapest_first, reason


def lines(given: Iterable[str | Path | Architecture], space: Space) -> tuple[str, ...]:
    """Returns architectures as text: those given, and those in files, a line each, without ``#`` comments.

    Raises:
        ConfigError: A word is neither a file nor a text.
    """
    found: list[str] = []
    for one in given:
        if isinstance(one, Architecture):
            found.append(space.text(one))
        elif Path(one).is_file():
            every = Path(one).read_text(encoding="utf-8").splitlines()
            found += [text for line in every if (text := line.partition("#")[0].strip())]
        elif "=" in str(one):
            found.append(str(one))
        else:
            raise ConfigError(f"try_first: there is no file {one}, and {_like(space)}")
    return tuple(found)


def parsed(texts: Iterable[str], space: Space) -> tuple[Architecture, ...]:
    """Returns the architectures of some texts.

    Raises:
        ConfigError: One does not parse.
    """
    found = []
    for text in texts:
        try:
            found.append(space.parse(text))
        except NasturtiumError as error:
            raise ConfigError(f"try_first: {text!r}: {error}; {_like(space)}") from error
    return tuple(found)


def passed_over(
    first: Sequence[Architecture], space: Space, constraints: Sequence[Constraint], costs: CostModel
) -> str:
    """Returns which architectures will not be tried, in words; nothing where all will be.

    Args:
        first: Those to try first.
        space: Theirs.
        constraints: That need no training to be checked.
        costs: Gives their metrics.

    Raises:
        ConfigError: None will be tried.
    """
    groups = cheapest_first(constraints)
    assessed = [(*assess(one, groups, costs), one) for one in first]
    broken = [row for row in assessed if row[0] != MET]
    if not broken:
        return ""
    _, metrics, nearest = min(broken, key=lambda row: row[0])
    bounds = " and ".join(map(str, constraints))
    least = f"of the nearest {reason(constraints, metrics)}: {space.text(nearest)!r}"
    if len(broken) == len(first):
        raise ConfigError(
            f"try_first: no architecture given meets {bounds}; {least}. Give others, or relax the constraint"
        )
    count = f"{len(broken)} of {len(first)} architectures"
    return f"try_first: {count} break {bounds} and are passed over; {least}"


def _like(space: Space) -> str:
    return f"an architecture of {space.name} reads like: {space.text(space.unrank(0))!r}"
