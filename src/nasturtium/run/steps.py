"""The record of an inner run: optimiser steps of a supernet, which go on from a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import StoreError
from nasturtium.protocols import Candidate, Evaluator, Strategy, Trial

if TYPE_CHECKING:
    from torch import Tensor

UNKNOWN = Candidate(Architecture("", ()))  # of trials whose point is not kept


class Stepwise(Evaluator, Protocol):
    """What trains by steps, and goes on from a checkpoint: `Training`, or several one after another."""

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        ...

    @property
    def steps(self) -> int:
        """Those of the whole training."""
        ...

    def save(self, path: Path, more: dict[str, Tensor]) -> None:
        """Writes all that a later `load` needs to go on exactly, and `more` beside it, as one file."""
        ...

    def load(self, path: Path) -> dict[str, Tensor]:
        """Goes back to what `save` wrote; returns what was beside it."""
        ...


Watcher = Callable[[int, int, Sequence[Trial]], None]  # steps done, of how many, what came of the last


@dataclass
class Steps:
    """What the loop writes down of an inner run: nothing but a checkpoint now and then.

    A checkpoint holds the supernet, its optimiser and what the strategy was told so far (losses, gradients).
    A resumed run loads it, lets a fresh strategy ask and be told the same again, and goes on; what came after
    the last checkpoint is done again, to the same bits on the CPU.

    Attributes:
        training: The evaluator.
        path: Of the checkpoint; None keeps none.
        every: Optimiser steps between checkpoints.
        steps: After which it ends; None is those of the training's recipe.
        watcher: Called after every step.
        monitor: Shown every step before the strategy is told of it, those of former sessions included.
    """

    training: Stepwise
    path: Path | None = None
    every: int = 500
    steps: int | None = None
    watcher: Watcher | None = None
    monitor: Callable[[Sequence[Trial]], None] | None = None
    _told: list[tuple[Trial, ...]] = field(default_factory=list)
    _asks: list[int] = field(default_factory=list)
    _count: int = 0
    _saved: int = 0

    @property
    def total(self) -> int:
        """Optimiser steps of the whole run."""
        return self.training.steps if self.steps is None else self.steps

    @property
    def trials(self) -> Sequence[Trial]:
        """What was told, in order, former sessions included; without the points."""
        return [trial for group in self._told for trial in group]

    def replay(self, strategy: Strategy) -> Sequence[Candidate]:
        """Brings a fresh strategy and the training to the last checkpoint, if there is one.

        Raises:
            StoreError: The checkpoint is of another supernet, or the strategy asks for something else.
        """
        if self.path is None or not self.path.exists():
            return []
        log = read_log(self.training.load(self.path))
        for requested, told in log:
            asked = self.asked(requested, strategy.ask(requested))
            if len(asked) != len(told):
                raise StoreError(
                    f"{self.path}: the strategy asks for {len(asked)} candidates where it asked for "
                    f"{len(told)}; go on with the settings it was started with, or start in another folder"
                )
            trials = tuple(replace(one, candidate=c) for one, c in zip(told, asked, strict=True))
            self._keep(trials)
            if self.monitor is not None:
                self.monitor(trials)
            strategy.tell(trials)
        self._saved = self.training.step
        return []

    def room(self) -> int:
        """How many candidates the next step may have; 0 at the end."""
        return self.training.slots if self.training.step < self.total else 0

    def asked(self, requested: int, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Numbers what was asked."""
        numbered = [replace(one, number=self._count + i) for i, one in enumerate(candidates)]
        self._count += len(numbered)
        if numbered:
            self._asks.append(requested)
        return numbered

    def told(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Keeps what came of a step, and writes a checkpoint when it is time."""
        exact = tuple(trials)
        self._keep(exact)
        if self.monitor is not None:
            self.monitor(exact)
        if self.watcher is not None:
            self.watcher(self.training.step, self.total, exact)
        if self.training.step - self._saved >= self.every:
            self.save()
        return exact

    def _keep(self, trials: Sequence[Trial]) -> None:
        # Without the points: a replay asks for them again, and 20,000 mixtures would fill the memory.
        self._told.append(tuple(replace(trial, candidate=UNKNOWN) for trial in trials))

    def ended(self) -> None:
        """Writes the last checkpoint."""
        self.save()

    def save(self) -> None:
        """Writes a checkpoint, unless nothing was trained since the last."""
        if self.path is not None and self._saved != self.training.step:
            self.training.save(self.path, write_log(self._asks, self._told))
            self._saved = self.training.step


def write_log(asks: Sequence[int], told: Sequence[Sequence[Trial]]) -> dict[str, Tensor]:
    """Returns what was asked for and told as tensors; a metric that a trial lacks is NaN."""
    import torch

    trials = [trial for group in told for trial in group]
    names = sorted({name for trial in trials for name in trial.metrics})
    gradients = [trial.gradient for trial in trials if trial.gradient is not None]
    log = {
        "asks": torch.tensor(list(asks), dtype=torch.int64),
        "sizes": torch.tensor([len(group) for group in told], dtype=torch.int64),
        "ok": torch.tensor([trial.status == "ok" for trial in trials], dtype=torch.uint8),
        "with_gradient": torch.tensor([trial.gradient is not None for trial in trials], dtype=torch.uint8),
    }
    for name in names:
        column = [trial.metrics.get(name, float("nan")) for trial in trials]
        log[f"metric.{name}"] = torch.tensor(column, dtype=torch.float64)
    if gradients:
        log["gradients"] = torch.from_numpy(np.stack(gradients))
    return log


def read_log(log: Mapping[str, Tensor]) -> Iterator[tuple[int, tuple[Trial, ...]]]:
    """Yields, per ask, the number asked for and the trials that `write_log` wrote, without their points."""
    columns = {
        name.removeprefix("metric."): c.tolist() for name, c in log.items() if name.startswith("metric.")
    }
    ok, there = log["ok"].tolist(), log["with_gradient"].tolist()
    gradients = iter(log["gradients"].numpy() if "gradients" in log else ())
    first = 0
    for requested, size in zip(log["asks"].tolist(), log["sizes"].tolist(), strict=True):
        group = []
        for i in range(first, first + size):
            metrics = {name: column[i] for name, column in columns.items() if not math.isnan(column[i])}
            gradient = next(gradients) if there[i] else None
            group.append(Trial(UNKNOWN, metrics, "ok" if ok[i] else "failed", gradient=gradient))
        yield requested, tuple(group)
        first += size
