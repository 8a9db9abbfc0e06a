"""Randomness without stored generators: derived where it is used, from numbers that can be journalled."""

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


def rng_for(seed: int, purpose: str, counter: int = 0) -> np.random.Generator:
    """Returns the generator of one use: the same three arguments give the same stream, on every machine.

    A Philox stream (Salmon et al. 2011) is addressed by key and counter, so it costs 6 microseconds and no
    state: a search resumes from its counters, and `ask(2)` equals `ask(1) + ask(1)`.

    Args:
        seed: The run's seed, any integer.
        purpose: What the numbers are for, for example ``"evolution"``; different purposes are independent.
        counter: Which use of that purpose this is, 0 or more.
    """
    # The counter fills the highest word, so that two uses are 2**192 draws apart and never overlap.
    words = np.array([0, 0, 0, counter], np.uint64)
    philox = np.random.Philox(_key(seed, purpose), counter=words)  # type: ignore[arg-type]  # stubs are narrower
    return np.random.Generator(philox)


def seed_for(seed: int, purpose: str, counter: int = 0) -> int:
    """Returns a 63-bit seed for a library that keeps its own generator, such as ``torch.Generator``."""
    return int.from_bytes(_digest(f"{seed}/{purpose}/{counter}")[:8], "little") >> 1


class _Key(ISeedSequence):
    """Hands Philox its key as it is. Given as a number instead, numpy first asks the system for entropy."""

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Returns the two words of the key."""
        return self.words


@lru_cache(maxsize=4096)
def _key(seed: int, purpose: str) -> _Key:
    return _Key(np.frombuffer(_digest(f"{seed}/{purpose}"), np.uint64))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
