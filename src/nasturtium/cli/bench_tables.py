"""What a bench prints in the end: a small table for each table of networks, and the published check."""

import math
from collections.abc import Sequence
from typing import Any

from nasturtium.cli.printing import console, print_table
from nasturtium.report.bench_words import headline, mark_text, p_text, regret_text, unit_text
from nasturtium.run.bench.check import Reproduction
from nasturtium.run.bench.results import Results, Score, Standing
from nasturtium.run.bench.significance import Duel
from nasturtium.run.published import PublishedProtocol

OF = {"picked": "the method's own pick", "seen": "the network with the lowest value seen"}


def print_standings(results: Results, by: Score, against: str | None) -> None:
    """Prints, for each table, the mean regret at a few marks, ranks, tests against the best, and cost."""
    say = console().print
    for table in results.tables:
        standings = results.standings(table, by=by)
        if standings:
            _print_table(results, table, standings, by, against)
        for sentence in headline(results, table, by):
            say(sentence, soft_wrap=True)
        say()
    for (table, method, why), seeds in results.reasons.items():
        say(f"failed: {method} on {table}, {len(seeds)} courses, seed {seeds[0]}: {why}", soft_wrap=True)


def _print_table(
    results: Results, table: str, standings: Sequence[Standing], by: Score, against: str | None
) -> None:
    metric, marks = results.metric(table), results.named_marks
    rival = against or standings[0].method
    duels = _by_pair(results.duels(table, by=by, against=against)) if len(standings) > 1 else {}
    rows = [
        (
            one.method,
            *(regret_text(metric, mean) for mean in one.mean),
            f"{one.rank:.2f}" if math.isfinite(one.rank) else "-",
            _verdict(duels.get(frozenset((one.method, rival)))),
            f"{one.ms:.3g}",
            str(one.seeds),
        )
        for one in standings
    ]
    spent = [mark_text(results.protocol, mark).removesuffix(" evaluations") for mark in marks]
    regret = f"mean regret in {unit_text(metric)}, of {OF[by]}"
    console().print(f"{table}: {regret}", soft_wrap=True)
    columns = (*(f"at {mark}" for mark in spent), "rank", f"against {rival}", "ms/trial", "seeds")
    print_table(("method", *columns), rows)


def results_json(results: Results, by: Score, against: str | None) -> dict[str, Any]:
    """Returns standings and tests as plain data."""
    return {
        "protocol": results.protocol.as_json(),
        "marks": list(results.named_marks),
        "scored": by,
        "tables": [
            {
                "table": table,
                "metric": results.metric(table),
                "standings": [_standing(one) for one in results.standings(table, by=by)],
                "tests": [_test(duel) for duel in results.duels(table, by=by, against=against)],
            }
            for table in results.tables
        ],
        "failures": [
            {"table": row.table, "method": row.method, "seed": row.seed, "error": row.error}
            for row in results.failures
        ],
    }


def print_check(published: PublishedProtocol, found: Sequence[Reproduction]) -> None:
    """Prints each published line beside ours, and whether it is reproduced."""
    rows = []
    for one in found:
        line = f"{one.row.mean:.2f} +- {one.row.std:.2f}"
        if one.seeds:
            ours, margin = f"{one.mean:.2f} +- {one.std:.2f}", f"{one.difference:+.2f} +- {one.margin:.2f}"
            verdict = "yes" if one.reproduced else "no"
        else:
            ours, margin, verdict = "-", "-", "absent"
        rows.append((one.label, line, ours, margin, str(one.seeds), verdict))
    columns = ("method", "published", "ours", "difference, 95 %", "seeds", "reproduced")
    print_table(columns, rows, title=f"{published.title}: test accuracy in percent")
    console().print(
        f"Reproduced: means within {published.tolerance:g} points. +- beside a mean is the standard "
        "deviation between runs; beside a difference, how far chance may move ours.",
        soft_wrap=True,
    )
    present = sorted((one for one in found if one.seeds), key=lambda one: -one.mean)
    printed = sorted(present, key=lambda one: -one.row.mean)
    for whose, order in (("ours", present), ("published", printed)):
        console().print(f"best first, {whose}: {', '.join(one.label for one in order)}", soft_wrap=True)


def check_json(published: PublishedProtocol, found: Sequence[Reproduction]) -> dict[str, Any]:
    """Returns the published lines beside ours as plain data."""
    return {
        "title": published.title,
        "tolerance": published.tolerance,
        "lines": [
            {
                "method": one.label,
                "source": one.row.source,
                "published_mean": one.row.mean,
                "published_std": one.row.std,
                "mean": one.mean,
                "std": one.std,
                "seeds": one.seeds,
                "reproduced": one.reproduced,
            }
            for one in found
        ],
    }


def _by_pair(duels: Sequence[Duel]) -> dict[frozenset[str], Duel]:
    return {frozenset((duel.better, duel.worse)): duel for duel in duels}


def _verdict(duel: Duel | None) -> str:
    if duel is None:
        return ""
    return p_text(duel.p) + ("" if duel.decided else " (chance)")


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "method": one.method,
        "seeds": one.seeds,
        "mean_regret": list(one.mean),
        "median_regret": list(one.median),
        "rank": one.rank,
        "ms_per_trial": one.ms,
    }


def _test(duel: Duel) -> dict[str, Any]:
    return {
        "better": duel.better,
        "worse": duel.worse,
        "wins": duel.wins,
        "ties": duel.ties,
        "losses": duel.losses,
        "p": duel.p,
    }
