"""A space as a table that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasturtium.space.decisions import Decision, Place

if TYPE_CHECKING:
    from nasturtium.space.space import Space


def describe_space(space: Space) -> str:
    """Returns one line per decision, in columns, under a line with the counts; see `Space.describe`."""
    rows = [
        (one.path, ", ".join(one.labels), " or ".join(_words(space.decisions, place) for place in one.places))
        for one in space.decisions
    ]
    rows = [("decision", "options", "only with"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{path:{widths[0]}}  {options:{widths[1]}}  {where}".rstrip() for path, options, where in rows]
    return "\n".join([_title(space), *lines])


def _title(space: Space) -> str:
    total = f"{space.count:,}" if space.count < 10**12 else f"{space.count:.2e}"
    shapes = f"; {list(space.input_shape)} to {space.outputs}" if space.input_shape is not None else ""
    return f"{space.name}: {total} architectures, {len(space.decisions)} decisions{shapes}"


def _words(decisions: tuple[Decision, ...], place: Place) -> str:
    return " and ".join(
        f"{decisions[i].path}={'|'.join(decisions[i].labels[option] for option in sorted(options))}"
        for i, options in place
    )
