"""Architectures as rows of named numbers; which numbers there are is learnt from the examples."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.scores import ScoreColumns, Scores
from nasturtium.space.encode import graph
from nasturtium.space.space import Space

Row: TypeAlias = Mapping[str, float]
Encoding = Literal["auto", "means", "one_hot", "path", "rich"]

ENCODINGS = ("auto", "means", "one_hot", "path", "rich")
DEAD = ("none",)  # nothing flows through
SEEN_THROUGH = frozenset({"skip_connect", "identity", "skip"})  # flows through as it is
LARGEST_CACHE = 50_000
PROBES = 8


class Features:
    """Turns architectures into rows of numbers.

    A number that no example has (a path through the cell that none takes) is left out: a linear model would
    give it no weight, and a network a random one.

    Args:
        space: Of the architectures.
        encoding: ``one_hot`` has 1 for each option taken. ``path`` has 1 for each sequence of operations
            from the input of the cell to its output (White et al. 2021, BANANAS, arXiv:1910.11858).
            ``rich`` has both, how often each operation is there, the paths with their nodes and with
            identities seen through, and options as numbers. ``means`` has widths, depths, and means over
            layers, as HAT's latency predictor; see `means`. ``auto`` is ``path`` where the space has a cell
            with more than one path, else ``one_hot``.
        scores: Gives further numbers of an architecture, by name; see `ScoreColumns`.

    Raises:
        ConfigError: Another encoding, or ``path`` of a space without such a cell.
    """

    def __init__(self, space: Space, encoding: Encoding = "auto", scores: Scores | None = None) -> None:
        if encoding not in ENCODINGS:
            raise ConfigError(f"encoding is {encoding!r}; it must be one of {', '.join(ENCODINGS)}")
        self.space = space
        cell = encoding not in ("means", "one_hot") and has_cell(space)
        if encoding == "path" and not cell:
            raise ConfigError(f"{space.name} has no cell with several paths; take the encoding one_hot")
        parts: dict[str, tuple[Callable[[Space, Architecture], Row], ...]] = {
            "auto": (paths,) if cell else (one_hot,),
            "means": (means,),
            "one_hot": (one_hot,),
            "path": (paths,),
            "rich": (one_hot, numbers, counts, *((paths, routes, flow) if cell else ())),
        }
        self._parts = parts[encoding]
        self._scores = ScoreColumns(scores) if scores else None
        self._columns: dict[str, int] = {}
        self._known: dict[Architecture, Row] = {}

    def fit(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Learns the names of the columns from examples, and returns the rows of these: [n, columns]."""
        names = sorted({name for one in architectures for name in self._row(one)})
        self._columns = {name: i for i, name in enumerate(names)}
        if self._scores:
            self._scores.fit(architectures)
        return self(architectures)

    def __call__(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Returns a row for each architecture, 0 where it lacks what a column stands for: [n, columns]."""
        matrix = np.zeros((len(architectures), len(self._columns)))
        for row, architecture in zip(matrix, architectures, strict=True):
            for name, number in self._row(architecture).items():
                column = self._columns.get(name)
                if column is not None:
                    row[column] = number
        return np.hstack([matrix, self._scores(architectures)]) if self._scores else matrix

    def _row(self, architecture: Architecture) -> Row:
        row = self._known.get(architecture)
        if row is None:
            if len(self._known) >= LARGEST_CACHE:
                self._known.clear()
            row = {}
            for part in self._parts:
                row |= part(self.space, architecture)
            self._known[architecture] = row
        return row


def has_cell(space: Space) -> bool:
    """Whether architectures are graphs with more than one path (a few of them are looked at)."""
    some = (space.unrank(space.count * i // PROBES) for i in range(min(PROBES, space.count)))
    return any(len(graph(space, one).paths()) > 1 for one in some)


def one_hot(space: Space, architecture: Architecture) -> Row:
    """Returns 1 for each option taken."""
    return {f"{path}={label}": 1.0 for path, label, _ in _taken(space, architecture)}


def numbers(space: Space, architecture: Architecture) -> Row:
    """Returns the option of each decision as its place among the options, counted from 1."""
    return {path: option + 1.0 for path, _, option in _taken(space, architecture)}


def means(space: Space, architecture: Architecture) -> Row:
    """Returns the mean of the decisions of one place over its copies, as a share of their largest option.

    For its transformers these are the features of HAT (Wang et al. 2020, arXiv:2005.14187, released code):
    widths, numbers of layers, and over the layers the means of inner widths, heads, and layers attended to.
    An option that is no number counts as its place, from 1.
    """
    found: dict[str, list[float]] = {}
    rows = zip(space.decisions, architecture.choices, space.active(architecture), strict=True)
    for decision, option, here in rows:
        if here:
            values = [_value(one, place) for place, one in enumerate(decision.options, 1)]
            largest = max(map(abs, values)) or 1.0
            found.setdefault(re.sub(r"\d+", "", decision.path), []).append(values[option] / largest)
    return {f"mean {place}": sum(some) / len(some) for place, some in found.items()}


def _value(option: Any, place: int) -> float:
    return float(option) if isinstance(option, int | float) and not isinstance(option, bool) else float(place)


def counts(space: Space, architecture: Architecture) -> Row:
    """Returns how often each option is taken, over all decisions of a kind (``kernel`` of every block)."""
    return _counted("count", (f"{kind(path)}={label}" for path, label, _ in _taken(space, architecture)))


def paths(space: Space, architecture: Architecture) -> Row:
    """Returns 1 for each sequence of operations on a live path from input to output."""
    cell = graph(space, architecture)
    return {f"path {'>'.join(cell.ops[n] for n in route)}": 1.0 for route in cell.paths(DEAD)}


def routes(space: Space, architecture: Architecture) -> Row:
    """Returns 1 for each live path, told apart by its nodes as well."""
    cell = graph(space, architecture)
    return {
        f"route {'>'.join(f'{cell.ops[n]}@{cell.names[n]}' for n in route)}": 1.0
        for route in cell.paths(DEAD)
    }


def flow(space: Space, architecture: Architecture) -> Row:
    """Returns how many live paths compute each sequence, identities seen through, and where each op is."""
    cell = graph(space, architecture)
    live = cell.paths(DEAD)
    seen = [tuple(cell.ops[n] for n in route if cell.ops[n] not in SEEN_THROUGH) for route in live]
    row = _counted("flow", (">".join(ops) for ops in seen))
    row |= _counted("live", (cell.ops[node] for node in {n for route in live for n in route}))
    row |= _counted("passed", (op for ops in seen for op in ops))
    return row | {"paths": float(len(live)), "depth": float(max(map(len, seen), default=0))}


def kind(path: str) -> str:
    """Returns what decisions of a path like this are about: ``stage2.block1.kernel`` gives ``kernel``."""
    last = path.rpartition(".")[2]
    return last.rstrip("0123456789") or last


def _taken(space: Space, architecture: Architecture) -> list[tuple[str, str, int]]:
    """Returns path, label and index of the option of every decision that exists."""
    rows = zip(space.decisions, architecture.choices, space.active(architecture), strict=True)
    return [(decision.path, decision.labels[option], option) for decision, option, here in rows if here]


def _counted(prefix: str, names: Iterable[str]) -> dict[str, float]:
    return {f"{prefix} {name}": float(times) for name, times in Counter(names).items()}
