"""Decisions that are not of the network: how it is trained, decided together with what it is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, Sequence
from nasturtium.space.choice import Choice, is_word
from nasturtium.space.plan import Built, Chosen, Computed, Constant, Plan
from nasturtium.space.wiring import Value, Wiring


@dataclass(frozen=True)
class Settings(Block):
    """Named values that add no layer; made by `settings`. Architectures that differ in them are different.

    Attributes:
        names: What they are called.
        values: One each.
    """

    names: tuple[str, ...]
    values: tuple[Any, ...]

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes nothing."""
        return x

    @property
    def label(self) -> str:
        """For example ``settings lr=0.1 batch_size=32``."""
        pairs = zip(self.names, self.values, strict=True)
        return " ".join(["settings", *(f"{name}={value}" for name, value in pairs)])


def settings(**values: Any) -> Settings:
    """Returns a block of settings, any of which may be a choice: ``settings(lr=choice(0.01, 0.1))``.

    It may stand anywhere among the blocks, in the options of a choice as well: then the settings exist only
    there. `Space.settings` reads them back; `evaluate.Scratch` trains by those that its recipe has.

    Raises:
        SpaceError: No values, or a value that is a block.
    """
    if not values:
        raise SpaceError("settings() needs at least one value, for example settings(lr=choice(0.01, 0.1))")
    for name, value in values.items():
        if not is_word(name) or "." in name:
            raise SpaceError(f"a setting cannot be called {name!r}: a name has no spaces, dots and '='")
        for option in _flat(value):
            if isinstance(option, Block):
                raise SpaceError(
                    f"the setting {name!r} has a block among its values ({option.kind()}); settings are "
                    "numbers, words and the like: put blocks beside them, in a choice of sequences"
                )
    return Settings(tuple(values), tuple(values.values()))


def settings_of(blocks: Iterable[Block], where: str) -> dict[str, Any]:
    """Returns all settings among some blocks.

    Args:
        blocks: Their choices taken.
        where: Name of the space, for the error.

    Raises:
        SpaceError: One is there twice.
    """
    found: dict[str, Any] = {}
    for block in _settings_in(blocks):
        for name, value in zip(block.names, block.values, strict=True):
            if name in found:
                raise SpaceError(f"{where}: the setting {name!r} is given twice; give it once")
            found[name] = value
    return found


def possible_settings(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """Returns the name of every setting of a compiled tree, with all values that it can have."""
    found: dict[str, dict[Any, None]] = {}
    for names, values in _planned(plan):
        for name, value in zip(names, values, strict=True):
            found.setdefault(name, {}).update(dict.fromkeys(_possible(value)))
    return {name: tuple(values) for name, values in found.items()}


def _flat(value: Any) -> Iterator[Any]:
    """Yields a value, or the options of a choice, of choices among those too."""
    if isinstance(value, Choice):
        for option in value.options:
            yield from _flat(option)
    else:
        yield value


def _settings_in(blocks: Iterable[Block]) -> Iterator[Settings]:
    for block in blocks:
        if isinstance(block, Settings):
            yield block
        elif isinstance(block, Sequence):
            yield from _settings_in(block.blocks)


def _planned(plan: Plan) -> Iterator[tuple[tuple[str, ...], tuple[Plan, ...]]]:
    """Yields names and plans of the values of each block of settings."""
    if isinstance(plan, Constant) and isinstance(plan.value, Settings):
        yield plan.value.names, tuple(Constant(plan.path, value=value) for value in plan.value.values)
    elif isinstance(plan, Built) and plan.kind is Settings:
        names, values = plan.values
        assert isinstance(names, Constant)
        yield names.value, values.parts()
    else:
        for part in plan.parts():
            yield from _planned(part)


def _possible(plan: Plan) -> Iterator[Any]:
    match plan:
        case Chosen():
            for option in plan.options:
                yield from _possible(option)
        case Computed():
            sizes: Mapping[int, int] = {index: len(plan.options[key]) for key, index in plan.indices.items()}
            choices = [0] * (max(sizes) + 1)
            for taken in product(*map(range, sizes.values())):
                for index, number in zip(sizes, taken, strict=True):
                    choices[index] = number
                yield plan.take(tuple(choices))
        case _:
            yield plan.take(())
