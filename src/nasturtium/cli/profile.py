"""``nasturtium profile``: what networks cost on a device, learnt from measurements, in one file."""

import math
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nasturtium.cli.printing import console, print_json, print_table, quantity
from nasturtium.errors import ConfigError

if TYPE_CHECKING:
    from nasturtium.cost.profile import Course, Profile
    from nasturtium.run.profiling import Watch

Option = typer.Option


def profile(
    out: Annotated[Path, Option(help="The file to write, such as device.json.")],
    space: Annotated[
        str, Option(help="A name (see `spaces`), NAME/published, or file.py:name.")
    ] = "mobilenet",
    data: Annotated[
        str | None, Option(help="Data whose shapes to measure for; without it those the space is made for.")
    ] = None,
    runtime: Annotated[list[str] | None, Option(help="pytorch (the default), onnxruntime, or both.")] = None,
    budget: Annotated[str, Option(help="Time (90s, 5m) or networks per runtime (200).")] = "5m",
    known: Annotated[
        list[str] | None, Option(help="Profiles of other devices: a dozen networks are then enough.")
    ] = None,
    on: Annotated[str | None, Option(help='Measure elsewhere: "ssh HOST nasturtium measure-worker".')] = None,
    threads: Annotated[int, Option(help="That a network runs on.")] = 1,
    batch: Annotated[int, Option(help="Inputs that a run takes at once; latencies are of so many.")] = 1,
    place: Annotated[str, Option(help="cpu, or cuda: PyTorch on an NVIDIA GPU.")] = "cpu",
    seed: Annotated[int, Option(help="Of the networks that are measured.")] = 0,
    json: Annotated[bool, Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measures networks of a space on a device and fits models that promise the latency of all others.

    The file that it writes is a device: searches take it as --device, here or on another machine.

    \b
        nasturtium profile --space mobilenet --data cifar10 --runtime pytorch --budget 5m --out device.json
        nasturtium profile --runtime onnxruntime --budget 20 --known desktop.json phone.json --out new.json
        nasturtium search --data cifar10 --device device.json --subject-to "latency_ms <= 2"
    """
    from nasturtium.cost.costs import Measured
    from nasturtium.run.budget import parse_budget
    from nasturtium.run.names import space_named, task_named
    from nasturtium.run.profiling import MOST, build_profile
    from nasturtium.run.remote import Remote
    from nasturtium.store.profiles import read_profile, write_profile

    spent = parse_budget(budget)
    if spent.unit not in ("seconds", "trials"):
        raise ConfigError(f"budget {budget!r}: a profile takes time (5m) or networks (200)")
    found = space_named(space)
    if data is not None:
        task = task_named(data)
        found = found.bind(task.input_shape, task.outputs)
    counted = spent.unit == "trials"
    with ExitStack() as stack:
        measurer: Any = (
            stack.enter_context(Remote(on, found, space, threads=threads, batch=batch, place=place))
            if on
            else Measured(found, threads=threads, batch=batch, place=place)
        )
        made = build_profile(
            found,
            tuple(runtime or ("pytorch",)),
            seconds=float("inf") if counted else spent.amount,
            most=int(spent.amount) if counted else MOST,
            measurer=measurer,
            known=[(Path(path).stem, read_profile(path)) for path in known or ()],
            seed=seed,
            watch=_watch(),
        )
    write_profile(made, out)
    if json:
        print_json(_figures(made))
    else:
        _print(made, out)


def measure_worker() -> None:
    """Measures what another machine's `profile --on` asks for, over stdin and stdout. Not for people."""
    from nasturtium.run.remote import measure_worker as work

    work(sys.stdin, sys.stdout)


def _print(made: "Profile", out: Path) -> None:
    console().print(f"{made.device}", soft_wrap=True)
    for course in made.courses:
        low, middle, high = course.drift
        latencies = sorted(one.ms for one in course.samples)
        print_table(
            ("model", "rank correlation", "within 5 %", "within 10 %", "error bar"),
            [
                (
                    f"{name} (used)" if name == course.model else name,
                    quantity("spearman", one.spearman),
                    *(_share(value) for value in (one.within_5, one.within_10, one.error)),
                )
                for name, one in course.quality.items()
            ],
            title=course.metric + (f", {made.batch} inputs" if made.batch > 1 else ""),
        )
        console().print(
            f"{len(latencies)} networks of {made.space}, {latencies[0]:.3g} to {latencies[-1]:.3g} ms, "
            f"{course.quality[course.model].networks} held out",
            soft_wrap=True,
        )
        console().print(f"drift of the reference: {middle:.2f} ({low:.2f} to {high:.2f})")
    console().print(f"written to {out}; searches take it as --device {out}", soft_wrap=True)


def _share(value: float) -> str:
    return f"{100 * value:.3g} %" if math.isfinite(value) else "-"


def _figures(made: "Profile") -> dict[str, Any]:
    return {
        "device": str(made.device),
        "fingerprint": made.device.fingerprint,
        "space": made.space,
        "batch": made.batch,
        "courses": {course.metric: _course(course) for course in made.courses},
    }


def _course(course: "Course") -> dict[str, Any]:
    from dataclasses import asdict

    low, middle, high = course.drift
    return {
        "networks": len(course.samples),
        "model": course.model,
        "quality": {name: asdict(one) for name, one in course.quality.items()},
        "drift": {"lowest": low, "median": middle, "highest": high},
    }


def _watch() -> "Watch":
    """Returns what says on stderr, every tenth of the way, how far the measurements are."""
    said: dict[str, int] = {}

    def watch(runtime: str, count: int, share: float) -> None:
        tenth = int(10 * share)
        if said.get(runtime, -1) < tenth:
            said[runtime] = tenth
            print(f"{runtime}: {count} networks measured, {10 * tenth} %", file=sys.stderr, flush=True)

    return watch
