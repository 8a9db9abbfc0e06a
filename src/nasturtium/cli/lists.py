"""``nasturtium spaces``, ``methods``, ``proxies`` and ``tasks``: what there is to choose from."""

from typing import Annotated, Any

import typer

from nasturtium.cli.printing import print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def spaces(
    name: Annotated[str | None, typer.Argument(help="One space, for all of its decisions.")] = None,
    json: Json = False,
) -> None:
    """Lists the search spaces, or the decisions of one.

    A space of your own is given as file.py:name wherever a name is:

    \b
        nasturtium search --space my_space.py:space --data digits
    """
    from nasturtium.run.names import SPACES, space_named

    if name is not None:
        _one_space(space_named(name), json)
        return
    rows = []
    for short in SPACES:
        for size in ("small", "published"):
            full = short if size == "small" else f"{short}/{size}"
            space = space_named(full)
            shape = "x".join(map(str, space.input_shape))
            rows.append(
                {
                    "name": full,
                    "decisions": len(space.decisions),
                    "architectures": space.count,
                    "input": shape,
                }
            )
    if json:
        print_json(rows)
        return
    print_table(
        ("space", "decisions", "architectures", "made for"),
        [(r["name"], str(r["decisions"]), _count(r["architectures"]), r["input"]) for r in rows],
    )


def methods(json: Json = False) -> None:
    """Lists the search methods, with the parameters that --set changes."""
    from nasturtium.run.names import KINDS, parameters_of, resolve

    rows: list[dict[str, Any]] = []
    for name in KINDS["method"]:
        method = resolve("method", name)
        parameters = {key: p.default for key, p in parameters_of(method).items()}
        rows.append({"name": name, "parameters": parameters, "about": _first_line(method)})
    if json:
        print_json(rows)
        return
    print_table(
        ("method", "what it is", "parameters"),
        [(r["name"], r["about"], ", ".join(f"{k}={v}" for k, v in r["parameters"].items())) for r in rows],
    )


def proxies(json: Json = False) -> None:
    """Lists the zero-cost proxies, which score networks that nobody has trained.

    One of your own is given as file.py:function wherever a name is.
    """
    from nasturtium.run.names import PROXIES, resolve

    rows = [{"name": name, "about": _first_line(resolve("proxy", name))} for name in PROXIES]
    if json:
        print_json(rows)
        return
    print_table(("proxy", "what it is"), [(row["name"], row["about"]) for row in rows])


def tasks(json: Json = False) -> None:
    """Lists the kinds of data that a search can be given."""
    from nasturtium.tasks.source import SOURCES

    if json:
        print_json([{"name": name, "about": about} for name, about in SOURCES.items()])
        return
    print_table(("data", "what it is"), list(SOURCES.items()))


def _one_space(space: Any, json: bool) -> None:
    rows = [{"decision": d.path, "options": list(d.labels), "always": d.always} for d in space.decisions]
    if json:
        print_json({"name": space.name, "architectures": space.count, "decisions": rows})
        return
    print_table(
        ("decision", "options", "exists"),
        [(r["decision"], " ".join(r["options"]), "always" if r["always"] else "sometimes") for r in rows],
        title=f"{space.name}: {len(rows)} decisions, {_count(space.count)} architectures",
    )


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**9 else f"{number:.3g}"


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]
