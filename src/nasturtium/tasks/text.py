"""Language modelling: a text, and for each of its characters the question which one comes next."""

import gzip
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.errors import ConfigError, DataError, unknown
from nasturtium.tasks.images import Split
from nasturtium.tasks.source import digest_of

SYMBOLS = 256  # of a vocabulary, one of which stands for all rarer characters
OTHER = "\N{REPLACEMENT CHARACTER}"
SHARES = 0.1, 0.1  # of a text without parts of its own: validation, then test, at its end

# Texts of $NASTURTIUM_DATA: their files of train, valid and test, or one that is cut.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "ptb": ("ptb/ptb.train.txt.gz", "ptb/ptb.valid.txt.gz", "ptb/ptb.test.txt.gz"),
    "shakespeare": ("text/tiny_shakespeare.txt.gz",),
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Hands a network the numbers of characters as they are, as float32: which holds them exactly."""

    def __call__(
        self, images: Tensor, memory_format: torch.memory_format = torch.contiguous_format
    ) -> Tensor:
        """Returns a float32 copy; there is no memory format but one."""
        return images.to(torch.float32, copy=True)


@dataclass(frozen=True, eq=False)
class LanguageModelling:
    """A text for language models over characters, cut into windows. It satisfies `supervised.Supervised`.

    Of each split, `images` are windows of characters one after another, [n, 1, tokens], and `labels` the
    character behind each, [n, tokens]. The context of a character begins with its window, so errors of small
    windows are higher than a text allows.

    Attributes:
        name: Source that finds it again, for example ``text:notes.txt``.
        train: What networks are trained on during a search.
        valid: What a search compares networks by; it lies behind `train` in the text.
        test: Touched once, at the end, for the picks; it lies behind `valid`.
        vocabulary: The characters, by number.
        digest: Of the text, hexadecimal.
        origin: Where the splits come from, in words.
        seed: Of the run; it changes nothing, since neighbouring lines may be alike and are not cut apart.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    vocabulary: tuple[str, ...]
    digest: str
    origin: str
    seed: int = 0

    normalisation = Numbers()
    shift = 0
    flip = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one window, [1, tokens]."""
        return tuple(self.train.images.shape[1:])

    @property
    def outputs(self) -> int:
        """Size of the vocabulary; a network gives so many scores for every token."""
        return len(self.vocabulary)

    @cached_property
    def full(self) -> Split:
        """Train and valid together, for the final training of the picks."""
        parts = (self.train, self.valid)
        return Split(torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts]))

    def metrics(self, error: float, loss: float) -> dict[str, float]:
        """Returns error, loss and ``perplexity``, e to the loss: characters as hard to tell as so many."""
        return {"error": error, "loss": loss, "perplexity": math.exp(min(loss, 700.0))}

    def describe(self) -> dict[str, Any]:
        """Returns what a report and a model card say of the data."""
        splits = {"train": self.train, "valid": self.valid, "test": self.test}
        return {
            "name": self.name,
            "kind": "language modelling",
            "input_shape": list(self.input_shape),
            "classes": list(self.vocabulary),
            "characters": {name: split.labels.numel() for name, split in splits.items()},
            "split_seed": self.seed,
            "test_split": self.origin,
            "preparation": f"characters, the {len(self.vocabulary)} most frequent of the training text",
            "licence": None,
            "digest": self.digest,
        }


def language_modelling(
    source: str, *, seed: int = 0, tokens: int = 64, max_train: int | None = None
) -> LanguageModelling:
    """Returns a language modelling task over characters, in memory.

    The vocabulary is that of the training part; characters beyond its 255 most frequent ones, and those that
    only the other parts have, are one more.

    Args:
        source: ``text:FILE`` (UTF-8, or that by gzip; its last tenth is the test split, the tenth before it
            the validation split), or of the folder NASTURTIUM_DATA ``ptb`` (Penn Treebank, by characters, its
            own splits) or ``shakespeare`` (tiny-shakespeare, cut like a file).
        seed: Of the run; the cut does not depend on it.
        tokens: Characters of a window, which are all that a network sees at once.
        max_train: Keeps at most so many windows of the training split, the first ones.

    Raises:
        UnknownName: There is no such source.
        ConfigError: `tokens` or `max_train` make no sense.
        DataError: A file cannot be read, is no text, or is too short.
    """
    if tokens < 2 or (max_train is not None and max_train < 2):
        raise ConfigError(f"tokens is {tokens} and max_train {max_train}; both must be 2 or more")
    texts, origin = _texts(source)
    vocabulary = _vocabulary(texts[0])
    numbers = [_numbered(text, vocabulary) for text in texts]
    train, valid, test = (_windows(row, tokens, source) for row in numbers)
    if max_train is not None:
        train = Split(train.images[:max_train], train.labels[:max_train])
    return LanguageModelling(source, train, valid, test, vocabulary, digest_of(*numbers), origin, seed)


def _texts(source: str) -> tuple[tuple[str, ...], str]:
    """Returns the texts of train, valid and test, and where these come from."""
    kind, colon, path = source.partition(":")
    if colon and kind == "text":
        if not path:
            raise DataError("task 'text:' names no file; write text:FILE")
        whole = _read(Path(path).expanduser())
    elif source in KNOWN:
        parts = tuple(_read(Path(os.environ.get("NASTURTIUM_DATA") or "") / file) for file in KNOWN[source])
        if len(parts) == 3:
            return parts, "the source's own"
        (whole,) = parts
    else:
        raise unknown("text", source, [*KNOWN, "text:..."])
    ends = [round(len(whole) * share) for share in (1 - sum(SHARES), 1 - SHARES[1])]
    return (
        whole[: ends[0]],
        whole[ends[0] : ends[1]],
        whole[ends[1] :],
    ), f"the last {SHARES[1]:.0%} of the text"


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except FileNotFoundError as problem:
        raise DataError(
            f"{path.absolute()} does not exist; ptb and shakespeare are looked for in the folder that "
            "NASTURTIUM_DATA names, and text:FILE takes any other"
        ) from problem
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} is no text in UTF-8 ({problem}); convert it") from problem


def _vocabulary(text: str) -> tuple[str, ...]:
    """Returns the characters of a text in their usual order, and one for all others."""
    counts = Counter(text)
    counts.pop(OTHER, None)
    kept = sorted(counts, key=lambda one: (-counts[one], one))[: SYMBOLS - 1]
    return (*sorted(kept), OTHER)


def _numbered(text: Iterable[str], vocabulary: tuple[str, ...]) -> NDArray[np.int64]:
    number = {one: place for place, one in enumerate(vocabulary)}
    other = number[OTHER]
    return np.array([number.get(one, other) for one in text], np.int64)


def _windows(numbers: NDArray[np.int64], tokens: int, source: str) -> Split:
    count = (len(numbers) - 1) // tokens
    if count < 2:
        raise DataError(
            f"{source}: a part of the text has {len(numbers)} characters; train, valid and test need more "
            f"than {2 * tokens} each. Give a longer text, or fewer tokens"
        )
    read, following = (numbers[first : first + count * tokens] for first in (0, 1))
    return Split(
        torch.from_numpy(read.astype(np.int32).reshape(count, 1, tokens)),
        torch.from_numpy(following.reshape(count, tokens)),
    )
