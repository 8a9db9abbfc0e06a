"""How options, blocks and architectures are written: the same on every machine and in every process."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError, unknown
from nasturtium.space.block import Block, Identity
from nasturtium.space.choice import Choice, Expression
from nasturtium.space.decisions import Decision, exists
from nasturtium.space.plan import Built, Chain, Computed, Constant, Plan

if TYPE_CHECKING:
    from nasturtium.space.space import Space


def option_labels(one: Choice) -> tuple[str, ...]:
    """Returns what the options of a choice are called: as short as they differ, without spaces."""
    if one.labels is not None:
        return one.labels
    words = [_word(_option_text(option)) for option in one.options]
    if len(set(words)) < len(words):
        words = [
            _block_word(option) if isinstance(option, Block) else word
            for option, word in zip(one.options, words, strict=True)
        ]
    if len(set(words)) < len(words):
        words = [f"{word}#{i}" for i, word in enumerate(words)]
    return tuple(words)


def spelled(value: Any) -> str:
    """Returns a text that is equal for equal values in every process: no addresses, no hash order.

    Raises:
        SpaceError: The value has no such text: a lambda, or an object without a ``__repr__`` of its own.
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(spelled, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(spelled, value)))}}}"
    if isinstance(value, Expression):
        return repr(value)
    if is_dataclass(value) and not isinstance(value, type):
        given = ", ".join(f"{one.name}={spelled(getattr(value, one.name))}" for one in fields(value))
        return f"{type(value).__qualname__}({given})"
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", "<")
        if "<" not in name:
            return f"{value.__module__}:{name}"
    text = repr(value)
    if " at 0x" in text or "<lambda>" in text or "<locals>" in text:
        raise SpaceError(
            f"{text} is written differently in every process; give a number, a string, a dataclass, "
            "or a class or function at the top level of its module"
        )
    return text


def spelled_plan(plan: Plan) -> str:
    """Returns the text of a compiled tree, its decisions by number."""
    parts = [spelled_plan(part) for part in plan.parts()]
    match plan:
        case Constant():
            return spelled(plan.value)
        case Computed():
            return f"{plan.expression!r} of {plan.own()}"
        case Built():
            names = plan.names or itertools.repeat("")
            return f"{plan.kind.__qualname__}({[*zip(names, parts, strict=False)]})"
        case Chain():
            return f"{'repeat' if plan.times is not None else 'chain'}{plan.names}({parts})"
    return f"{plan.own()}({parts})"


def write_text(space: Space, architecture: Architecture) -> str:
    """Returns the line that `parse_text` reads back; see `Space.text`."""
    rows = zip(space.decisions, architecture.choices, space.active(architecture), strict=True)
    return " ".join(f"{decision.path}={decision.labels[option]}" for decision, option, here in rows if here)


def parse_text(space: Space, text: str) -> Architecture:
    """Returns the architecture of a line that `write_text` wrote; see `Space.parse`."""
    given: dict[str, str] = {}
    for word in text.split():
        path, equals, label = word.rpartition("=")
        if not equals or path in given:
            raise SpaceError(
                f"{word!r} in an architecture of {space.name}: write each decision once, as path=option"
            )
        given[path] = label
    return named_options(space, given, complete=True)


def named_options(space: Space, given: Mapping[str, str], *, complete: bool) -> Architecture:
    """Returns the architecture with these options.

    Args:
        space: Of the architecture.
        given: Label of the option to take, by the path of its decision.
        complete: Whether a decision that is not given is an error; else it takes its first option.

    Raises:
        UnknownName: A decision or an option that the space does not have.
        SpaceError: A decision is missing, or does not exist beside the options taken before it.
    """
    known = {decision.path for decision in space.decisions}
    for path in given:
        if path not in known:
            raise unknown("decision", path, known, where=space.name)
    choices = [0] * len(space.decisions)
    for i, decision in enumerate(space.decisions):
        if not exists(decision.places, choices):
            if decision.path in given:
                raise SpaceError(
                    f"{decision.path} does not exist beside the options taken before it, in {space.name}; "
                    f"leave out {decision.path}={given[decision.path]}"
                )
        elif decision.path in given:
            choices[i] = _option(space, decision, given[decision.path])
        elif complete:
            raise SpaceError(
                f"{decision.path} is missing, in an architecture of {space.name}; "
                f"add {decision.path}= one of {', '.join(decision.labels)}"
            )
    return Architecture(space.fingerprint, tuple(choices))


def _option(space: Space, decision: Decision, label: str) -> int:
    if label not in decision.labels:
        raise unknown("option", label, decision.labels, where=f"{decision.path} of {space.name}")
    return decision.labels.index(label)


def _option_text(option: Any) -> str:
    if isinstance(option, Block):
        return option.kind()
    if isinstance(option, str):
        return option
    text = spelled(option)
    return text.rpartition(":")[2] if callable(option) and not isinstance(option, Expression) else text


def _block_word(block: Block) -> str:
    """Returns a block's label; with choices inside, its kind and the fields that are given."""
    if isinstance(block, Identity):
        return block.kind()
    given = [(one.name, getattr(block, one.name)) for one in fields(block)]
    if not any(isinstance(value, Expression | Block | tuple) for _, value in given):
        return _word(block.label)
    plain = [f"{name}:{value}" for name, value in given if isinstance(value, int | float | str)]
    return _word(" ".join([block.kind(), *plain]))


def _word(text: str) -> str:
    return "_".join(text.replace("=", ":").split()) or "empty"
