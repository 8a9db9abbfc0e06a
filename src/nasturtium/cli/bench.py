"""``nasturtium bench``: methods beside each other on tables of known results."""

import os
import shlex
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasturtium.cli.printing import console, print_json

if TYPE_CHECKING:
    from nasturtium.run.bench.protocol import Protocol
    from nasturtium.run.bench.results import Results, Score

Option = typer.Option


@dataclass(frozen=True, slots=True)
class Wanted:
    """How results are to be shown."""

    by: "Score"
    against: str | None
    opened: bool
    json: bool


def bench(
    table: Annotated[
        list[str] | None,
        Option(help="Tables: nasbench_macro, nasbench201/cifar10/12, results.csv, mine.py:table."),
    ] = None,
    methods: Annotated[
        list[str] | None,
        Option(help='Names (see `methods`), "evolution(population=50)", mine.py:MyStrategy.'),
    ] = None,
    seeds: Annotated[str, Option(help="How many courses of each (20), or which seeds (100-149).")] = "20",
    budget: Annotated[
        str, Option(help="Of each course: evaluations (100) or simulated training time (12000s).")
    ] = "100",
    out: Annotated[
        Path | None, Option(help="Folder; the same command again goes on, others may add to it.")
    ] = None,
    workers: Annotated[int | None, Option(help="Processes; as many as cores by default.")] = None,
    against: Annotated[
        str | None, Option(help="Test all others against this method, of --methods or of the folder.")
    ] = None,
    incumbent: Annotated[
        bool, Option("--incumbent", help="Judge the lowest value seen, not the method's own pick.")
    ] = False,
    repeats: Annotated[
        bool, Option("--repeats", help="Pay again for a network seen before, as published protocols do.")
    ] = False,
    mean: Annotated[
        bool, Option("--mean", help="Show the mean of all trainings of a network, not one of them.")
    ] = False,
    retry: Annotated[bool, Option("--retry", help="Run courses again that failed.")] = False,
    check: Annotated[
        bool, Option("--check", help="Run the published protocol of NAS-Bench-201 again, and compare.")
    ] = False,
    report: Annotated[
        Path | None, Option(help="Draw the page of this folder again, and run nothing.")
    ] = None,
    open_: Annotated[bool, Option("--open", help="Open the page in a browser.")] = False,
    json: Annotated[
        bool, Option("--json", help="Print the result as JSON; progress goes to stderr.")
    ] = False,
) -> None:
    """Compares search methods on tables of networks that others have trained, in minutes.

    Each method searches each table from several seeds, within the same budget. What it picks is judged by the
    table: its regret is how far it is from the best network there is. The page says who is ahead, by how
    much, and what may be chance.

    \b
        nasturtium bench --table nasbench_macro --methods random evolution tpe auto --seeds 20 --budget 100
        nasturtium bench --methods auto mine.py:MyStrategy "evolution(population=50)"
        nasturtium bench --table nasbench201/cifar10/12 --budget 12000s --out runs/clock
        nasturtium bench --check --seeds 200
        nasturtium bench --report runs/clock --open
    """
    from nasturtium.run.bench.protocol import Protocol, budget_of
    from nasturtium.run.bench.results import Results

    wanted = Wanted("seen" if incumbent else "picked", against, open_, json)
    processes = workers if workers is not None else os.cpu_count() or 1
    if report is not None:
        _show(Results.load(report), wanted)
    elif check:
        _check(seeds, out or Path("runs/bench-check"), processes, wanted)
    else:
        protocol = Protocol(budget_of(budget), distinct=not repeats, single=not mean)
        tables = table or ["nasbench_macro"]
        folder = out or _fresh_folder(tables, protocol)
        _show(_run(tables, methods, seeds, protocol, folder, processes, retry=retry, against=against), wanted)


def _run(
    tables: list[str],
    methods: list[str] | None,
    seeds: str,
    protocol: "Protocol",
    folder: Path,
    workers: int,
    *,
    retry: bool,
    against: str | None,
) -> "Results":
    from nasturtium.cli.bench_progress import watched
    from nasturtium.run.bench import api

    with watched() as watcher:
        return api.bench(
            tables,
            methods or api.METHODS,
            seeds=seeds,
            protocol=protocol,
            out=folder,
            workers=workers,
            retry=retry,
            against=against,
            command=_command(),
            watcher=watcher,
        )


def _check(seeds: str, folder: Path, workers: int, wanted: Wanted) -> None:
    from nasturtium.cli.bench_progress import watched
    from nasturtium.cli.bench_tables import check_json, print_check
    from nasturtium.report.bench import write
    from nasturtium.run.bench.check import check
    from nasturtium.run.published import NASBENCH201

    with watched() as watcher:
        found, results = check(seeds=seeds, out=folder, workers=workers, command=_command(), watcher=watcher)
    page = write(results, folder / "report.html", by="seen")
    if wanted.json:
        print_json(check_json(NASBENCH201, found) | {"report": str(page)})
    else:
        print_check(NASBENCH201, found)
        console().print(f"page: {page}", soft_wrap=True)
    _open(page, wanted)


def _show(results: "Results", wanted: Wanted) -> None:
    """Writes the page and prints what it says in short."""
    from nasturtium.cli.bench_tables import print_standings, results_json
    from nasturtium.report.bench import write

    assert results.folder is not None
    page = write(results, results.folder / "report.html", by=wanted.by, against=wanted.against)
    if wanted.json:
        print_json(results_json(results, wanted.by, wanted.against) | {"report": str(page)})
    else:
        print_standings(results, wanted.by, wanted.against)
        console().print(f"page: {page}", soft_wrap=True)
    _open(page, wanted)


def _open(page: Path, wanted: Wanted) -> None:
    if wanted.opened and not webbrowser.open(page.resolve().as_uri()) and not wanted.json:
        console().print("no browser was found: open the page by hand")


def _command() -> str:
    return shlex.join(["nasturtium", *sys.argv[1:]])


def _fresh_folder(tables: list[str], protocol: "Protocol") -> Path:
    """Returns runs/bench-TABLES-BUDGET: without --out, the same command finds its folder again."""
    rules = ["repeats"] * (not protocol.distinct) + ["mean"] * (not protocol.single)
    unit = "s" if protocol.timed else ""
    name = "-".join(("bench", *tables, f"{protocol.budget.amount:g}{unit}", *rules))
    return Path("runs") / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
