"""How commands print: numbers a person reads, tables, and JSON for programs."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# Width of a table that is not on a terminal: nothing is cut where a program or a file reads it.
WIDE = 240


def console() -> Console:
    """Returns the console that prints results."""
    found = Console(highlight=False, markup=False, emoji=False)  # `folder:one:` is no picture
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=WIDE)


def print_json(value: Any) -> None:
    """Prints a value as JSON; NaN and infinities become null, so that every JSON reader takes it."""
    print(json.dumps(_finite(value), indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Prints rows under their columns; those after the first are numbers and stand to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(
            name, justify="left" if i == 0 or name in ("architecture", "what it is") else "right"
        )
    for row in rows:
        table.add_row(*row)
    console().print(table)


def quantity(name: str, value: float) -> str:
    """Returns a metric as a person reads it: shares in percent, counts in thousands or millions."""
    if not math.isfinite(value):
        return "-"
    if name in ("error", "test_error"):
        return f"{100 * value:.2f} %"
    if name in ("params", "macs") or name.endswith("_bytes"):
        for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if value >= factor:
                return f"{value / factor:.3g} {unit}"
        return f"{value:g}"
    return f"{value:.3g} ms" if name.endswith("_ms") else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Returns a time as a person reads it: ``48 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def reason(error: str | None) -> str:
    """Returns the first line of why something failed."""
    return (error or "").strip().partition("\n")[0] or "no reason is known"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
