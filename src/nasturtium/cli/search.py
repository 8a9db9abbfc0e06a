"""``nasturtium search``: the main job, from data to a front of trained, exported models."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nasturtium.errors import ConfigError

if TYPE_CHECKING:
    from nasturtium.run.spec import Spec

Option = typer.Option


def search(
    spec: Annotated[
        Path | None, typer.Argument(help="A TOML file with the settings; options below override it.")
    ] = None,
    data: Annotated[
        str | None, Option(help="digits, cifar10, folder:PATH, hf:NAME, npz:PATH, text:FILE; see `tasks`.")
    ] = None,
    space: Annotated[
        str | None, Option(help="A name (see `spaces`), NAME/published, or file.py:name.")
    ] = None,
    method: Annotated[str | None, Option(help="A name (see `methods`) or file.py:Class.")] = None,
    minimize: Annotated[list[str] | None, Option(help="Metrics, one or several: error latency_ms.")] = None,
    subject_to: Annotated[
        list[str] | None,
        Option(help='Constraints: "params <= 200e3" "latency_ms <= 2" "error <= 5%", a share of 0.05.'),
    ] = None,
    budget: Annotated[str | None, Option(help="Trials (200) or time (90s, 5m, 2h) of the search.")] = None,
    out: Annotated[str | None, Option(help="Folder of the run; the same command again resumes it.")] = None,
    seed: Annotated[int | None, Option(help="Of everything.")] = None,
    epochs: Annotated[int | None, Option(help="Of each training in the search.")] = None,
    batch_size: Annotated[int | None, Option(help="Images per step.")] = None,
    lr: Annotated[float | None, Option(help="Peak learning rate.")] = None,
    optimizer: Annotated[str | None, Option(help="sgd, or adamw, which transformers want.")] = None,
    baseline: Annotated[bool | None, Option(help="Random search beside it, at equal cost.")] = None,
    picks: Annotated[
        int | None, Option(help="Networks of the front to train again at the end; 0 for none.")
    ] = None,
    at: Annotated[
        list[str] | None,
        Option(help='Budgets, the best network within each is a pick: "latency_ms <= 1, 2".'),
    ] = None,
    times: Annotated[int | None, Option(help="Trainings of each pick, from different seeds.")] = None,
    final_epochs: Annotated[
        int | None, Option(help="Of each final training; default as in the search.")
    ] = None,
    set_: Annotated[
        list[str] | None, Option("--set", help="A parameter of the method: population=50.")
    ] = None,
    warm_from: Annotated[
        list[str] | None,
        Option(help="Start from results: an earlier run's folder, results.csv:SPACE, or a table."),
    ] = None,
    try_first: Annotated[
        list[str] | None,
        Option(help="Architectures before any other: a file, one a line, or a text, as `show` prints it."),
    ] = None,
    proxies: Annotated[
        list[str] | None,
        Option(help="Score candidates of fidelity 0 without training: synflow naswot; see `proxies`."),
    ] = None,
    workers: Annotated[
        str | None, Option(help="Processes to train in (4), ray, or a cluster: ray://HOST:PORT.")
    ] = None,
    device: Annotated[
        str | None, Option(help="A file that `profile` wrote: latencies are what it promises.")
    ] = None,
    format_: Annotated[
        list[str] | None, Option("--format", help="Export the picks as source, onnx, int8, program, or none.")
    ] = None,
    json: Annotated[
        bool, Option("--json", help="Print the result as JSON; progress goes to stderr.")
    ] = False,
) -> None:
    """Searches for small, accurate networks for your data, trains the best and exports them.

    Three stages: the search; random search at equal cost, to compare with; final trainings of a few picks
    from the front, tested on data that nothing before has seen. Stop it at any time: the same command again
    goes on where it was.

    \b
        nasturtium search --data digits --subject-to "params <= 200e3" --budget 2m --out runs/a
        nasturtium search --data folder:photos --budget 2h --out runs/photos
        nasturtium search --data cifar10 --space ofa --method attentive --at "macs <= 2M, 4M" --out runs/d
        nasturtium search settings.toml --seed 1 --out runs/b
        nasturtium search --data digits --warm-from runs/a --try-first mine.txt --out runs/c
    """
    from nasturtium.cli.finish import carry_out
    from nasturtium.run.spec import Retraining, Spec, read_spec
    from nasturtium.run.typed import value_of

    base = read_spec(spec) if spec is not None else Spec()
    recipe = _changed(base.recipe, epochs=epochs, batch_size=batch_size, lr=lr, optimizer=optimizer)
    retrain: Retraining = _changed(
        base.retrain, picks=picks, times=times, epochs=final_epochs, at=tuple(at) if at else None
    )
    asked = _changed(
        base,
        data=data,
        space=space,
        method=method,
        minimize=tuple(minimize) if minimize else None,
        subject_to=tuple(subject_to) if subject_to else None,
        budget=budget,
        out=out,
        seed=seed,
        baseline=baseline,
        parameters={**base.parameters, **_parameters(set_)} if set_ else None,
        warm_from=tuple(warm_from) if warm_from else None,
        try_first=tuple(try_first) if try_first else None,
        proxies=tuple(proxies) if proxies else None,
        workers=None if workers is None else value_of(workers),
        device=device,
        recipe=recipe,
        retrain=retrain,
    )
    if asked.out is None:
        asked = replace(asked, out=str(_fresh_folder(asked)))
    carry_out(asked, format_, json=json)


def _changed(record: Any, **changes: Any) -> Any:
    known = {one.name for one in fields(record)}
    return replace(
        record, **{key: value for key, value in changes.items() if key in known and value is not None}
    )


def _parameters(words: list[str] | None) -> dict[str, Any]:
    """Reads ``name=value`` words: numbers and true/false as such, the rest as text."""
    from nasturtium.run.typed import value_of

    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"--set {word!r} is not name=value, such as population=50")
        found[name] = value_of(text)
    return found


def _fresh_folder(asked: "Spec") -> Path:
    """Returns runs/DATA-SPACE-METHOD-SEED: without --out, the same command finds its folder again."""
    name = "-".join((asked.data, asked.space, asked.method, str(asked.seed)))
    return Path("runs") / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
