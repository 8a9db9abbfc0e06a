"""``nasturtium export``: a network of a run as a file that needs no nasturtium."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nasturtium.cli.printing import console, print_json
from nasturtium.errors import ConfigError


def export(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    pick: Annotated[
        list[str] | None,
        typer.Option(help='Which network: "latency_ms <= 1", or a name such as knee; default: all picks.'),
    ] = None,
    format_: Annotated[
        list[str] | None, typer.Option("--format", help="source, onnx, int8 or program; several.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; models in the run's folder by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Writes networks of a run as ONNX (float32 or int8), a torch.export program, or readable PyTorch source.

    Every file is checked against the model, by numbers and by answers, its latency is measured again, and a
    model card stands beside it.

    \b
        nasturtium export runs/first --pick "latency_ms <= 1" --format onnx
        nasturtium export runs/first --pick knee --format int8 program
    """
    from nasturtium.cli.finish import export_picks
    from nasturtium.run.run import Run

    loaded = Run.load(run)
    chosen = [loaded.front.pick(*pick)] if pick else list(loaded.picks)
    if not chosen:
        example = loaded.best.name  # of an empty front this says that there is nothing
        folder = quote(str(run))
        raise ConfigError(
            f'{run} has no picks; name a network of its front, --pick {example} or --pick "params <= 1e6" '
            f"(`nasturtium front {folder}` lists them), or train some for good: `nasturtium retrain {folder}`"
        )
    files = export_picks(loaded, chosen, tuple(format_) if format_ else ("onnx",), out or run / "models")
    if json:
        print_json(files)
        return
    for file in files:
        latency = f", {file['latency_ms']:.3g} ms" if file["latency_ms"] is not None else ""
        console().print(
            f"{file['pick']}: {file['path']}{latency}, largest difference {file['difference']:.1g}",
            soft_wrap=True,
        )
        if file["error"] is not None:
            model, inputs = file["model_error"], file["inputs"]
            line = f"  error {file['error']:.2%}, of the model {model:.2%}, on the same {inputs:,} inputs"
            console().print(line, soft_wrap=True)
        if file["warning"]:
            console().print(f"  warning: {file['warning']}", soft_wrap=True)
