"""A table of 81 networks, and methods of a user, as files that every process can read."""

import pytest

TABLE = """
import numpy as np
from nasturtium.evaluate.table import Level, Table
from nasturtium.testing.toys import flat_space, toy_metrics


def table(*, seed=None):
    space = flat_space()
    errors = np.array([toy_metrics(space, space.unrank(i))["error"] for i in range(space.count)])
    runs = errors[:, None] + np.array([0.0, 0.01, 0.05])
    seconds = np.full(space.count, 10.0)
    level = Level({"train_seconds": seconds}, {"error": runs})
    return Table(space, {4: level}, space.rank, epochs=4, seed=seed)


def without_seconds(*, seed=None):
    space = flat_space()
    return Table(space, {4: Level({"error": np.arange(81.0) / 81}, {})}, space.rank, epochs=4, seed=seed)
"""

METHODS = '''
import os
from nasturtium.strategy.random import RandomSearch


class Mine(RandomSearch):
    """Random search by another name."""


class Raises(RandomSearch):
    """Fails at its fifth ask."""

    def ask(self, n):
        if self._asked == 4:
            raise RuntimeError("no idea what to ask")
        return super().ask(n)


class Dies(RandomSearch):
    """Takes its process with it."""

    def ask(self, n):
        os._exit(7)
'''


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Goes to a folder with ``toy.py`` (tables) and ``mine.py`` (methods)."""
    (tmp_path / "toy.py").write_text(TABLE)
    (tmp_path / "mine.py").write_text(METHODS)
    monkeypatch.chdir(tmp_path)
    return tmp_path
