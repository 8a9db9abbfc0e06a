"""``nasturtium spaces``, ``methods``, ``proxies`` and ``tasks``: what there is to choose from."""

import inspect
import re
from typing import Annotated, Any

import typer

from nasturtium.cli.printing import print_json, print_table

_SECTION = re.compile(r"^(?:Args|Attributes|Raises|Returns):$", re.MULTILINE)  # of a docstring
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)  # of a section: a name and what it is
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


def methods(
    name: Annotated[str | None, typer.Argument(help="One method, for its source and parameters.")] = None,
    json: Json = False,
) -> None:
    """Lists the search methods, or explains one and the parameters that --set changes.

    One of your own is given as file.py:Name wherever a name is.
    """
    from nasturtium.run.names import KINDS, parameters_of, resolve

    if name is not None:
        _one_method(name, json)
        return
    rows: list[dict[str, Any]] = []
    for known in KINDS["method"]:
        method = resolve("method", known)
        parameters = {key: p.default for key, p in parameters_of(method).items()}
        rows.append({"name": known, "parameters": parameters, "about": _first_line(method)})
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


def _one_method(name: str, json: bool) -> None:
    from nasturtium.run.names import parameters_of, resolve

    method = resolve("method", name)
    explained = _explained(method)
    about = "\n\n".join(
        (_first_line(inspect.getmodule(method)), _SECTION.split(inspect.getdoc(method) or "")[0])
    )
    told = {"name": name, "about": about.strip(), "file": inspect.getsourcefile(method) or ""}
    parameters = [(key, p.default, explained.get(key, "")) for key, p in parameters_of(method).items()]
    if json:
        keys = ("parameter", "default", "about")
        print_json(told | {"parameters": [dict(zip(keys, row, strict=True)) for row in parameters]})
        return
    print(f"{told['about']}\n\nTo read: {told['file']}\n")
    print_table(("parameter", "what it is"), [(f"{key}={value}", text) for key, value, text in parameters])


def _explained(method: Any) -> dict[str, str]:
    """Returns what the docstrings of a method and its bases say of their arguments and attributes."""
    found: dict[str, str] = {}
    for one in reversed(inspect.getmro(method)) if inspect.isclass(method) else [method]:
        _, *sections = _SECTION.split(inspect.cleandoc(one.__doc__ or ""))
        for section in sections:
            for key, text in _ENTRY.findall(section):
                found[key] = " ".join(text.split())
    return found


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**9 else f"{number:.3g}"


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]
