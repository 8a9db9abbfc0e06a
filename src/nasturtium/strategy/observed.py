"""What a search knows of each network: its results, that it waits for them, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive

BROKEN = 1e99  # values above it say that a constraint is broken, not how good the network is
LISTED = 2_000  # the largest space whose architectures are listed
TRIES = 32


@dataclass(slots=True)
class Network:
    """One network, however many architectures are it.

    Attributes:
        architecture: The one that was asked or told first.
        waiting: How many results are awaited.
        worth: Objective values of each result that has some.
    """

    architecture: Architecture
    waiting: int
    worth: list[tuple[float, ...]]


class Observed:
    """Keeps the results of a search by network, so that a model learns each once and none is asked twice.

    Args:
        space: Where to search.
        objectives: What is made small.
    """

    def __init__(self, space: Space, objectives: Sequence[Objective]) -> None:
        self.space = space
        self.archive = Archive(objectives)
        self._networks: dict[str, Network] = {}
        self._left: dict[str, Architecture] | None = None  # those of a small space that were never asked

    @property
    def count(self) -> int:
        """Number of networks that have a result or wait for one."""
        return sum(bool(network.worth or network.waiting) for network in self._networks.values())

    def ask(self, architecture: Architecture) -> Candidate:
        """Returns the candidate of an architecture, and waits for its result."""
        self._network(architecture).waiting += 1
        return Candidate(architecture)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; one without a value is known to have come back."""
        for trial in trials:
            network = self._network(trial.architecture)
            network.waiting = max(network.waiting - 1, 0)  # not every trial was asked here
            worth = self.archive.record(trial)
            if worth is not None:
                network.worth.append(worth)

    def examples(self) -> tuple[list[Architecture], NDArray[np.float64]]:
        """Returns the networks that have results, and their mean values, [n, objectives].

        Where a constraint is broken (see `nasturtium.front.objectives.subject_to`), the value is that of the
        worst network that breaks none.
        """
        known = [network for network in self._networks.values() if network.worth]
        values = np.array([np.mean(network.worth, axis=0) for network in known], dtype=float)
        for column in values.T:
            sound = column[column < BROKEN]
            column[column >= BROKEN] = sound.max() if len(sound) else 0.0
        return [network.architecture for network in known], values

    def pending(self) -> list[Architecture]:
        """Returns the networks that wait for their first result."""
        return [n.architecture for n in self._networks.values() if n.waiting and not n.worth]

    def is_new(self, architecture: Architecture) -> bool:
        """Whether the network was never asked or told."""
        return self.space.canonical(architecture) not in self._networks

    def new(self, architectures: Sequence[Architecture]) -> list[Architecture]:
        """Returns those that were never asked or told, each network once."""
        forms: dict[str, Architecture] = {}
        for architecture in architectures:
            forms.setdefault(self.space.canonical(architecture), architecture)
        return [one for form, one in forms.items() if form not in self._networks]

    def left(self) -> list[Architecture] | None:
        """Returns the networks of a small space that were never asked or told; None if the space is large."""
        if self.space.count > LISTED:
            return None
        if self._left is None:
            every = self.new(list(self.space))
            self._left = {self.space.canonical(architecture): architecture for architecture in every}
        return list(self._left.values())

    def fresh(self, rng: np.random.Generator) -> Architecture:
        """Returns a random network that was never asked or told, as far as some tries can find one."""
        for _ in range(TRIES):
            architecture = self.space.sample(rng)
            if self.is_new(architecture):
                return architecture
        left = self.left()
        return left[int(rng.random() * len(left))] if left else architecture

    def _network(self, architecture: Architecture) -> Network:
        form = self.space.canonical(architecture)
        if self._left is not None:
            self._left.pop(form, None)
        return self._networks.setdefault(form, Network(architecture, 0, []))
