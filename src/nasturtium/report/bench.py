"""One self-contained HTML page about a bench: `write(results, path)`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nasturtium.report import bench_words as words
from nasturtium.report.parts import Plot, Table, asset, plot, template, written
from nasturtium.report.quantities import DASH, duration
from nasturtium.report.rank_diagram import rank_diagram
from nasturtium.run.bench.results import Results, Score, Standing
from nasturtium.run.bench.significance import Duel, bootstrap

SENTENCES = 12  # pairs that are told in words; the rest is in the figures


@dataclass(frozen=True, slots=True)
class Part:
    """What the page says of one table of networks."""

    name: str
    headline: tuple[str, ...]
    plots: tuple[Plot, ...]
    standings: Table
    note: str
    duels: tuple[str, ...]
    test_note: str
    pairs: Table


def write(
    results: Results, path: str | os.PathLike[str], *, by: Score = "picked", against: str | None = None
) -> Path:
    """Writes the page about a bench, and returns where.

    Args:
        results: Of the bench.
        path: File.
        by: What is judged: ``picked``, a method's own choice, or ``seen``, the network with the lowest value
            seen.
        against: The one method that all others are tested against; None tests all pairs.

    Raises:
        StoreError: the file cannot be written.
    """
    return written(html(results, by=by, against=against), path)


def html(results: Results, *, by: Score = "picked", against: str | None = None) -> str:
    """Returns the page about a bench as text; every text in it is escaped."""
    from plotly.offline import get_plotlyjs

    parts = [_part(results, table, i, by, against) for i, table in enumerate(_sound(results))]
    ranking = results.ranking(by=by)
    return template("bench.html").render(
        title=words.title(results),
        style=asset("page.css") + asset("bench.css"),
        script=asset("page.js"),
        plotly=get_plotlyjs() if parts else "",
        lead=words.lead(results, by),
        warnings=words.warnings(results),
        tiles=_tiles(results, by),
        words=words.explained(results, by),
        parts=parts,
        diagram=rank_diagram(ranking) if ranking else "",
        rank_words=words.rank_words(ranking, results) if ranking else (),
        costs=_costs(results) if parts else [],
        failures=_failures(results),
        commands=list(dict.fromkeys(one.command for one in results.sessions if one.command)),
        facts_shown=_facts(results),
    )


def _sound(results: Results) -> list[str]:
    return [table for table in results.tables if results.methods(table)]


def _part(results: Results, table: str, number: int, by: Score, against: str | None) -> Part:
    duels = sorted(results.duels(table, by=by, against=against), key=lambda duel: duel.p)
    standings = results.standings(table, by=by)
    told = duels
    if len(duels) > SENTENCES:
        told = [duel for duel in duels if standings[0].method in (duel.better, duel.worse)][:SENTENCES]
    return Part(
        name=table,
        headline=words.headline(results, table, by),
        plots=_curves(results, table, number, by),
        standings=_standing_table(results, table, standings, by),
        note=words.standing_note(results, table, by),
        duels=tuple(words.duel_text(duel) for duel in told),
        test_note=words.test_note(results, table, len(duels)),
        pairs=_pair_table(duels),
    )


def _curves(results: Results, table: str, number: int, by: Score) -> tuple[Plot, ...]:
    from nasturtium.report.bench_plots import regret_curves

    mean, median = (regret_curves(results, table, by, median=median) for median in (False, True))
    return (
        plot(f"mean{number}", words.mean_caption(results), mean),
        plot(f"median{number}", words.MEDIAN_CAPTION, median),
    )


def _costs(results: Results) -> list[Plot]:
    from nasturtium.report.bench_plots import costs

    return [plot("cost", words.COST_CAPTION, costs(results))]


def _standing_table(results: Results, table: str, standings: Sequence[Standing], by: Score) -> Table:
    metric, end = results.metric(table), results.marks[-1]
    other: Score = "seen" if by == "picked" else "picked"
    rows = []
    for one in standings:
        low, high = bootstrap(results.regret(table, one.method, by=by)[:, -1:])
        beside = results.regret(table, one.method, by=other)[:, -1].mean()
        rows.append(
            (
                one.method,
                *(words.regret_text(metric, mean) for mean in one.mean),
                f"{words.regret_text(metric, float(low[0]))} to {words.regret_text(metric, float(high[0]))}",
                words.regret_text(metric, one.median[-1]),
                words.regret_text(metric, float(beside)),
                f"{one.rank:.2f}" if np.isfinite(one.rank) else DASH,
                f"{one.ms:.3g}",
                str(one.seeds),
            )
        )
    spent = [
        words.mark_text(results.protocol, mark).removesuffix(" evaluations") for mark in results.named_marks
    ]
    columns = (
        "method",
        *(f"mean at {mark}" for mark in spent),
        "95% interval",
        f"median at {spent[-1] if end == results.named_marks[-1] else 'the end'}",
        words.COLUMN[other],
        "rank",
        "ms per trial",
        "seeds",
    )
    return Table(columns, tuple(rows))


def _pair_table(duels: Sequence[Duel]) -> Table:
    rows = tuple(
        (
            f"{duel.better} : {duel.worse}",
            str(duel.wins),
            str(duel.ties),
            str(duel.losses),
            words.p_text(duel.p),
        )
        for duel in duels
    )
    return Table(("pair", "better in", "equal in", "worse in", "p, corrected"), rows)


def _tiles(results: Results, by: Score) -> list[tuple[str, str]]:
    tables = _sound(results)
    tiles = []
    if len(tables) == 1:
        metric, standings = results.metric(tables[0]), results.standings(tables[0], by=by)
        shown = [standings[0], *(one for one in standings[1:] if one.method == "random")]
        unit = words.unit_text(metric)
        tiles = [
            (f"mean regret of {one.method}", f"{words.regret_text(metric, one.mean[-1])} {unit}")
            for one in shown
        ]
    return [
        *tiles,
        ("budget of each course" + ", simulated" * results.protocol.timed, words.budget_text(results)),
        ("courses", f"{len(results.rows):,}"),
    ]


def _failures(results: Results) -> Table:
    """Courses that failed, one row for each reason."""
    rows = tuple(
        (method, table, str(len(seeds)), why, str(seeds[0]))
        for (table, method, why), seeds in results.reasons.items()
    )
    return Table(("method", "table", "courses", "why", "for example seed"), rows)


def _facts(results: Results) -> list[tuple[str, str]]:
    computing = duration(sum(row.wall_seconds for row in results.rows))
    found = [("rules", words.rules(results.protocol)), ("computing", f"{computing}, over all courses")]
    if not results.sessions:
        return found
    last = results.sessions[-1]
    versions = ", ".join(f"{name} {version}" for name, version in last.versions.items())
    several = f"{len(results.sessions)} sessions, the last " if len(results.sessions) > 1 else ""
    return [
        *found,
        ("made", f"{several}{last.started}"),
        ("machine", f"{last.machine}; {last.workers} workers, one thread each"),
        ("versions", versions),
        ("folder", str(results.folder) if results.folder else DASH),
    ]
