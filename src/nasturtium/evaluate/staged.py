"""Supernets trained one after another, as one training."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from nasturtium.errors import StoreError
from nasturtium.evaluate.training import Training
from nasturtium.evaluate.weights import read_tensors
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.layers import Conv2d
from nasturtium.space.sharing import shared_layers
from nasturtium.space.space import Space

STAGE = "stage"


class Staged:
    """Trains one supernet to its end, then the next, for a search that goes on from stage to stage.

    Candidates are points of one space. A supernet may be of another one with the same decisions, such as a
    shallower network: the point with the same numbers is trained then. Within a stage the space may change as
    well, in what has no weights or takes fewer of them: dropout that fades, channels that come in. Step by
    step it is like a `Training`, and a checkpoint holds the supernet whose turn it is.

    Args:
        trainings: One or more; all are made at the start, but only one runs.
        spaces: From which step on, of all stages, which space the supernet runs with its weights, in order;
            none leaves each supernet its own.
        before: By number of a stage, what is called with its training before each step.

    Attributes:
        trainings: All of them.
        stage: Number of the one whose turn it is, from 0.
    """

    def __init__(
        self,
        trainings: Sequence[Training],
        spaces: Sequence[tuple[int, Space]] = (),
        before: Mapping[int, Callable[[Training], None]] | None = None,
    ) -> None:
        self.trainings, self.spaces = tuple(trainings), tuple(spaces)
        self.before = before or {}
        self.stage = 0

    @property
    def current(self) -> Training:
        """The one whose turn it is."""
        return self.trainings[self.stage]

    @property
    def slots(self) -> int:
        """Those of the one whose turn it is."""
        return self.current.slots

    @property
    def pending(self) -> int:
        """Always 0: a step is done when it returns."""
        return 0

    @property
    def step(self) -> int:
        """Optimiser steps done, those of earlier stages included."""
        return sum(one.steps for one in self.trainings[: self.stage]) + self.current.step

    @property
    def steps(self) -> int:
        """Those of all stages."""
        return sum(one.steps for one in self.trainings)

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Does one step for all candidates together; after a stage's last, the next stage's turn begins."""
        space = self._space()
        if space is not self.current.supernet.space:
            self.current.supernet = seen_as(self.current.supernet, space)
        if self.stage in self.before:
            self.before[self.stage](self.current)
        same = [replace(one, point=replace(one.point, space=space.fingerprint)) for one in batch]
        for trials in self.current.evaluate(same):
            if self.current.step >= self.current.steps and self.stage < len(self.trainings) - 1:
                self.stage += 1
            yield [replace(trial, candidate=one) for trial, one in zip(trials, batch, strict=True)]

    def save(self, path: Path, more: dict[str, Tensor]) -> None:
        """Writes all that a later `load` needs to go on exactly, and `more` beside it, as one file.

        Raises:
            StoreError: The folder cannot be written or the disk is full.
        """
        self.current.save(path, more | {STAGE: torch.tensor(self.stage)})

    def load(self, path: Path) -> dict[str, Tensor]:
        """Goes back to what `save` wrote; returns what was beside it.

        Raises:
            StoreError: The file cannot be read, or is of another training.
        """
        tensors, _ = read_tensors(path)
        stage = int(tensors.get(f"more.{STAGE}", torch.tensor(-1)))
        if not 0 <= stage < len(self.trainings):
            raise StoreError(
                f"{path} is no checkpoint of {len(self.trainings)} supernets trained one after another; "
                "start in another folder"
            )
        self.stage = stage
        more = self.current.load(path)
        del more[STAGE]
        return more

    def _space(self) -> Space:
        """Which one runs in this step."""
        begun = [space for first, space in self.spaces if first <= self.step]
        return begun[-1] if begun else self.current.supernet.space


def seen_as(supernet: Supernet, space: Space) -> Supernet:
    """Returns the supernet of another space with the very weights of a given one.

    Args:
        supernet: Stays as it is.
        space: Whose layers have the same keys, and no larger weights.
    """
    other = copy(supernet)
    other.space = space
    every = (op for ops in shared_layers(space).values() for op in ops)
    other.convolutions = tuple(dict.fromkeys(op for op in every if isinstance(op, Conv2d)))
    return other
