"""A CSV or parquet file as text, with errors that name file, row and column."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from nasturtium.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a file.

    Attributes:
        path: Of the file.
        header: Names of the columns, all different.
        rows: Per row its number (the line of a CSV, the header being line 1) and its cells by column; empty
            text for a cell without a value.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]

    def wrong(self, problem: str, *, row: int | None = None, column: str | None = None) -> NoReturn:
        """Raises the DataError that says where `problem` is."""
        places = [str(self.path)]
        places += [f"row {row}"] if row is not None else []
        places += [f"column {column!r}"] if column is not None else []
        raise DataError(f"{', '.join(places)}: {problem}")

    def number(self, row: int, column: str, cell: str) -> float:
        """Returns the number in a cell, NaN for an empty or infinite one."""
        try:
            value = float(cell) if cell else math.nan
        except ValueError:
            self.wrong(f"{cell!r} is not a number", row=row, column=column)
        return value if math.isfinite(value) else math.nan

    def whole(self, row: int, column: str, cell: str) -> int:
        """Returns the whole number, 1 or more, in a cell."""
        value = self.number(row, column, cell)
        if not value >= 1 or value != int(value):
            self.wrong(f"{cell!r} is not a whole number, 1 or more", row=row, column=column)
        return int(value)


def read_sheet(path: Path) -> Sheet:
    """Returns the cells of a ``.csv`` (commas, UTF-8, names in the first line) or ``.parquet`` file.

    Raises:
        DataError: There is no such file, or it is no table.
        ConfigError: It is a parquet file and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path} (looked in {Path.cwd()})")
    sheet = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    for column in sheet.header:
        if not column or sheet.header.count(column) > 1:
            sheet.wrong("each column needs a name of its own", column=column)
    if not sheet.rows:
        sheet.wrong("no rows under the names of the columns")
    return sheet


def _csv(path: Path) -> Sheet:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    header = tuple(lines[0][1]) if lines else ()
    for row, cells in lines[1:]:
        if len(cells) != len(header):
            problem = f"{len(cells)} cells under {len(header)} names; text with commas goes in quotes"
            Sheet(path, header, ()).wrong(problem, row=row)
    rows = tuple((row, dict(zip(header, cells, strict=True))) for row, cells in lines[1:])
    return Sheet(path, header, rows)


def _parquet(path: Path) -> Sheet:
    try:
        from pyarrow import lib, parquet
    except ImportError as error:
        raise ConfigError(f'{path}: parquet needs pyarrow: pip install "nasturtium[parquet]"') from error
    try:
        table = parquet.read_table(path)
    except (OSError, lib.ArrowException) as error:
        raise DataError(f"{path} cannot be read as parquet: {error}") from error
    columns: Sequence[Sequence[object]] = [column.to_pylist() for column in table.columns]
    header = tuple(map(str, table.column_names))
    cells_of = zip(*columns, strict=True)
    lines = (["" if cell is None else str(cell).strip() for cell in line] for line in cells_of)
    rows = tuple((i, dict(zip(header, cells, strict=True))) for i, cells in enumerate(lines, 1))
    return Sheet(path, header, rows)
