"""Supernets trained one after another, as one training."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from nasturtium.errors import StoreError
from nasturtium.evaluate.training import Training
from nasturtium.evaluate.weights import read_tensors
from nasturtium.protocols import Candidate, Trial

STAGE = "stage"


class Staged:
    """Trains one supernet to its end, then the next, for a search that goes on from stage to stage.

    Candidates are points of one space. A supernet may be of another one with the same decisions, such as a
    shallower network: the point with the same numbers is trained then. Step by step it is like a `Training`,
    and a checkpoint holds the supernet whose turn it is.

    Args:
        trainings: One or more; all are made at the start, but only one runs.

    Attributes:
        trainings: All of them.
        stage: Number of the one whose turn it is, from 0.
    """

    def __init__(self, trainings: Sequence[Training]) -> None:
        self.trainings = tuple(trainings)
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
        space = self.current.supernet.space.fingerprint
        same = [replace(one, point=replace(one.point, space=space)) for one in batch]
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
