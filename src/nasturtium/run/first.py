"""Architectures that a user gives, to be tried before any other: texts, and files of them."""

from collections.abc import Iterable
from pathlib import Path

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, NasturtiumError
from nasturtium.space.space import Space


def lines(given: Iterable[str | Path | Architecture], space: Space) -> tuple[str, ...]:
    """Returns architectures as text: those given, and those in files, a line each, without ``#`` comments.

    Raises:
        ConfigError: A word is neither a file nor a text.
    """
    found: list[str] = []
    for one in given:
        if isinstance(one, Architecture):
            found.append(space.text(one))
        elif Path(one).is_file():
            every = Path(one).read_text(encoding="utf-8").splitlines()
            found += [text for line in every if (text := line.partition("#")[0].strip())]
        elif "=" in str(one):
            found.append(str(one))
        else:
            raise ConfigError(f"try_first: there is no file {one}, and {_like(space)}")
    return tuple(found)


def parsed(texts: Iterable[str], space: Space) -> tuple[Architecture, ...]:
    """Returns the architectures of some texts.

    Raises:
        ConfigError: One does not parse.
    """
    found = []
    for text in texts:
        try:
            found.append(space.parse(text))
        except NasturtiumError as error:
            raise ConfigError(f"try_first: {text!r}: {error}; {_like(space)}") from error
    return tuple(found)


def _like(space: Space) -> str:
    return f"an architecture of {space.name} reads like: {space.text(space.unrank(0))!r}"
