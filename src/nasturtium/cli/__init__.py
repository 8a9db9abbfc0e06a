"""The command line: one file per command, each of which parses, calls and prints."""

import os
import sys

import typer
from rich.console import Console

from nasturtium.cli import bench, costs, export, front, lists, profile, report, retrain, search, show
from nasturtium.errors import NasturtiumError

app = typer.Typer(
    name="nasturtium",
    help="""Neural architecture search: from data and a device to a front of trained, exported, plain models.

A first search, about two minutes:

\b
    nasturtium search --data digits --budget 1m --out runs/first

Then look at runs/first/report.html, list what was found, and take a model away:

\b
    nasturtium front runs/first
    nasturtium export runs/first --pick "latency_ms <= 1" --format onnx

Every command explains itself with --help; what prints has --json.""",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(search.search)
app.command()(show.show)
app.command()(front.front)
app.command()(report.report)
app.command()(export.export)
app.command()(retrain.retrain)
app.command()(bench.bench)
app.command()(costs.costs)
app.command()(profile.profile)
app.command(hidden=True)(profile.measure_worker)
app.command()(lists.spaces)
app.command()(lists.methods)
app.command()(lists.proxies)
app.command()(lists.tasks)

SEVERAL = (
    *("--minimize", "--subject-to", "--format", "--set", "--table", "--methods"),
    *("--warm-from", "--try-first", "--proxies", "--runtime", "--known", "--at", "--pick"),
)


def main() -> None:
    """Runs the command line; what the user can mend is printed without a traceback, with exit status 2."""
    try:
        app(args=spread(sys.argv[1:]), prog_name="nasturtium")
    except NasturtiumError as error:
        _complain(f"{type(error).__name__}: {error}")
        raise SystemExit(2) from None
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has gone: nothing is left to say, not even at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def spread(arguments: list[str]) -> list[str]:
    """Lets an option take several values, ``--minimize error latency_ms``: writes it before each of them.

    A file of settings or the folder of a run that follows them is the command's own argument, not a value.
    """
    spread_out: list[str] = []
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("--"):
            name, equals, _ = argument.partition("=")
            option, values = name if name in SEVERAL else "", len(equals)
            spread_out.append(argument)
            continue
        if option and values and not _of_the_command(option, argument):
            spread_out.append(option)
        values += 1
        spread_out.append(argument)
    return spread_out


def _of_the_command(option: str, argument: str) -> bool:
    from nasturtium.store.journal import FILE

    # Only a search can start from an earlier run: elsewhere the folder of one is what a command works on.
    # `os.path.isfile` takes an architecture's text too, which is longer than the name of a file may be.
    return argument.endswith(".toml") or (
        option != "--warm-from" and os.path.isfile(os.path.join(argument, FILE))  # noqa: PTH113, PTH118
    )


def _complain(text: str) -> None:
    Console(stderr=True, emoji=False).print(text, style="red", markup=False, highlight=False, soft_wrap=True)
