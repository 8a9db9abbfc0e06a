"""The points of a search space: one network (Architecture) or a weighted blend of networks (Mixture)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network of a space: which option each decision takes. Equal, hashable, ordered data; no behaviour.

    Attributes:
        space: Fingerprint of the space that the indices belong to.
        choices: Option index per decision, in the order of `Space.decisions`; a decision that does not exist
            in this network (it belongs to an option not taken) is 0, so that equal networks compare equal.
    """

    space: str
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mixture:
    """A point of the relaxed space: one probability per option of every decision.

    An Architecture is its one-hot case.

    Attributes:
        space: Fingerprint of the space.
        weights: What each option counts, [decisions][options of that decision]; mostly probabilities.
        active: Per decision, the options that run, and so have a gradient; None is those that have weight.
    """

    space: str
    weights: tuple[tuple[float, ...], ...]
    active: tuple[tuple[int, ...], ...] | None = None

    @property
    def running(self) -> tuple[tuple[int, ...], ...]:
        """The options that run, per decision."""
        if self.active is not None:
            return self.active
        return tuple(tuple(i for i, weight in enumerate(row) if weight) for row in self.weights)
