"""``nasturtium costs``: what networks of a space can cost, before anything is trained."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from nasturtium.cli.printing import console, print_json, print_table, quantity
from nasturtium.errors import unknown

Option = typer.Option


def costs(
    space: Annotated[
        str, Option(help="A name (see `spaces`), NAME/published, or file.py:name.")
    ] = "mobilenet",
    data: Annotated[
        str | None, Option(help="Data whose shapes count; without it those the space is made for.")
    ] = None,
    device: Annotated[
        str | None, Option(help="A file that `profile` wrote, for the latencies it promises.")
    ] = None,
    subject_to: Annotated[
        list[str] | None, Option(help='Constraints: "params <= 200e3" "latency_ms <= 2".')
    ] = None,
    samples: Annotated[int, Option(min=1, help="Random networks to look at.")] = 1000,
    seed: Annotated[int, Option(help="Of these.")] = 0,
    json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows how far each cost reaches over a space, and which share of it meets constraints.

    Counted costs, and with --device the latencies that a profile promises. Nothing is trained or measured.

    \b
        nasturtium costs --space mobilenet --data digits --subject-to "params <= 50e3"
        nasturtium costs --device device.json --subject-to "latency_ms <= 2" "macs <= 10e6"
    """
    from nasturtium.cost.feasibility import feasibility
    from nasturtium.cost.footprint import FromShapes
    from nasturtium.cost.profiled import Profiled
    from nasturtium.front.objectives import check_consistent, parse_constraint
    from nasturtium.run.names import space_named, task_named
    from nasturtium.store.profiles import read_profile

    found = space_named(space)
    if data is not None:
        task = task_named(data)
        found = found.bind(task.input_shape, task.outputs)
    model: Any = Profiled(found, read_profile(device)) if device else FromShapes(found)
    constraints = tuple(map(parse_constraint, subject_to or ()))
    check_consistent(constraints)
    for one in constraints:
        if one.metric not in model.names:
            raise unknown("cost", one.metric, model.names, where="latencies need --device")
    known = feasibility(found, model, sorted(model.names), constraints, samples=samples, seed=seed)
    if json:
        print_json(asdict(known))
        return
    print_table(
        ("cost", "smallest", "5 %", "median", "95 %", "largest"),
        [
            (
                one.metric,
                *(
                    quantity(one.metric, value)
                    for value in (one.smallest, one.low, one.median, one.high, one.largest)
                ),
            )
            for one in known.reaches
        ],
        title=f"{found.name}, {known.samples} networks",
    )
    if constraints:
        console().print(f"{100 * known.feasible:.3g} % meet {' and '.join(map(str, constraints))}")
