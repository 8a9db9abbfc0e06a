"""A user's own table: one CSV or parquet file with a row per training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError, UnknownName
from nasturtium.evaluate.table import Level, Table
from nasturtium.evaluate.tables.sheet import Sheet, read_sheet
from nasturtium.space.choice import choice, is_word
from nasturtium.space.decisions import Decision
from nasturtium.space.settings import settings
from nasturtium.space.space import Space
from nasturtium.space.text import named_options

ARCHITECTURE, EPOCHS, PREFIX = "architecture", "epochs", "metric:"
METRICS = frozenset(
    {"error", "loss", "perplexity", "params", "macs", "test_error", "test_loss", "train_error", "train_loss"}
)
UNITS = ("_ms", "_mj", "_bytes", "_seconds")


def table_file(
    path: Path | str, *, space: Space | None = None, seed: int | None = None, objective: str | None = None
) -> Table:
    """Returns the table of a ``.csv`` or ``.parquet`` file whose rows are trainings.

    Columns are decisions, metrics, or ``epochs``.

    With a space, decisions are columns called like its decisions (empty where one does not exist), or the
    single column ``architecture``, as `Space.text` writes it; all other columns are metrics.

    Without one, metrics are ``error``, ``loss``, ``perplexity``, ``params``, ``macs`` (the first two also
    after ``test_`` or ``train_``), columns that end in ``_ms``, ``_mj``, ``_bytes`` or ``_seconds``, and
    those called ``metric:NAME``; all others are decisions of a flat space, each with the values that it has
    in the file.

    ``epochs``, a whole number, is the fidelity; the largest is where a candidate that names none is looked
    up. Without that column all trainings count as one epoch.

    Several rows of an architecture are several runs. An empty cell, ``nan`` or ``inf`` is a training
    without that metric; where it is the objective, the training failed. An architecture without a row fails
    too.

    Args:
        path: Of the file.
        space: Of the architectures; None makes one of the columns.
        seed: Of the draw of one run, for each architecture; None takes the mean.
        objective: The metric to be made small; None is ``error``, or the first metric where there is none.

    Raises:
        DataError: The file cannot be read; the message names file, row and column.
        UnknownName: There is no metric called `objective`.
        ConfigError: It is a parquet file and pyarrow is not installed.
    """
    sheet = read_sheet(Path(path))
    metrics = _metrics(sheet, space)
    if objective is None:
        objective = "error" if "error" in metrics else next(iter(metrics))
    if space is None:
        space = _flat_space(sheet, set(metrics.values()))
    numbers: dict[Architecture, int] = {}
    runs: dict[int, dict[int, list[list[float]]]] = {}  # epochs, row of the table, run, metric
    for row, cells in sheet.rows:
        number = numbers.setdefault(_architecture(sheet, space, row, cells), len(numbers))
        epochs = sheet.whole(row, EPOCHS, cells[EPOCHS]) if EPOCHS in cells else 1
        values = [sheet.number(row, column, cells[column]) for column in metrics.values()]
        runs.setdefault(epochs, {}).setdefault(number, []).append(values)
    levels = {epochs: _level(tuple(metrics), found, len(numbers)) for epochs, found in runs.items()}
    return Table(
        space, levels, numbers.get, epochs=max(levels), seed=seed, objective=objective, listed=numbers
    )


def _metrics(sheet: Sheet, space: Space | None) -> dict[str, str]:
    """Returns the column of each metric, by the metric's name."""
    if space is None:
        columns = [column for column in sheet.header if _is_metric(column)]
    else:
        others = {ARCHITECTURE, EPOCHS, *(decision.path for decision in space.decisions)}
        columns = [column for column in sheet.header if column not in others]
    if not columns:
        sheet.wrong("no column is a metric; call one 'error', or 'metric:NAME'")
    found: dict[str, str] = {}
    for column in columns:
        metric = column.removeprefix(PREFIX)
        if metric in found:
            same = f"it is the same metric as column {found[metric]!r}; keep one, or give one another name"
            sheet.wrong(same, column=column)
        found[metric] = column
    return found


def _is_metric(column: str) -> bool:
    return column in METRICS or column.startswith(PREFIX) or column.endswith(UNITS)


def _level(metrics: Sequence[str], found: Mapping[int, list[list[float]]], rows: int) -> Level:
    values = np.full((rows, max(map(len, found.values())), len(metrics)), np.nan)
    for number, trainings in found.items():
        values[number, : len(trainings)] = trainings
    return Level({}, {name: values[:, :, i] for i, name in enumerate(metrics)})


def _flat_space(sheet: Sheet, metrics: set[str]) -> Space:
    """Returns a space of one decision per column, with the values that it has in the file."""
    if ARCHITECTURE in sheet.header:
        needed = f"its space is needed to read it: write {sheet.path}:SPACE, as in results.csv:mobilenet"
        sheet.wrong(needed, column=ARCHITECTURE)
    columns = [column for column in sheet.header if column not in metrics and column != EPOCHS]
    if not columns:
        sheet.wrong("no column is a decision, so there is nothing to search")
    for column in columns:
        if not is_word(column) or "." in column:
            sheet.wrong("the name of a decision has no spaces, dots and '='", column=column)
    decided = {column: choice(*_options(sheet, column), name=column) for column in columns}
    return Space(settings(**decided), name=sheet.path.stem)


def _options(sheet: Sheet, column: str) -> Sequence[Any]:
    """Returns the different values of a column: numbers in order, else words in order of appearance."""
    for row, cells in sheet.rows:
        if not cells[column]:
            needed = "no value; where a decision may not exist, a space is needed to say so: write FILE:SPACE"
            sheet.wrong(needed, row=row, column=column)
    words = dict.fromkeys(cells[column] for _, cells in sheet.rows)
    for kind in (int, float):
        try:
            return sorted({kind(word) for word in words})
        except ValueError:
            continue
    return tuple(words)


def _architecture(sheet: Sheet, space: Space, row: int, cells: Mapping[str, str]) -> Architecture:
    if ARCHITECTURE in cells:
        try:
            return space.parse(cells[ARCHITECTURE])
        except (SpaceError, UnknownName) as error:
            sheet.wrong(str(error), row=row, column=ARCHITECTURE)
    given = {
        decision.path: _label(sheet, decision, row, cells[decision.path])
        for decision in space.decisions
        if cells.get(decision.path)
    }
    try:
        return named_options(space, given, complete=True)
    except SpaceError as error:
        sheet.wrong(str(error), row=row)


def _label(sheet: Sheet, decision: Decision, row: int, cell: str) -> str:
    """Returns the label of the option that a cell means: by its label, its text, or its number."""
    for label, option in zip(decision.labels, decision.options, strict=True):
        if cell in (label, str(option)) or _number(cell) == _number(option):
            return label
    sheet.wrong(f"{cell!r} is none of {', '.join(decision.labels)}", row=row, column=decision.path)


def _number(value: object) -> object:
    """Returns a number as a float, so that 3 and 3.0 are one, and other things as what equals nothing."""
    try:
        return float(value) if isinstance(value, int | float | str) else object()
    except ValueError:
        return object()
