"""The modifiers of NASBOT, as changes of decisions."""

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.space.space import Space

CHANGES = (0.5, 0.25, 0.125, 0.075, 0.05)  # probabilities of 1 to 5 changes at once
RESIZED = (
    0.4 / 1.2,
    0.2 / 1.2,
)  # of any change of units, and of one en masse; the authors' masses sum to 1.2


class Modifiers:
    """Changes an architecture a little, as NASBOT changes a network.

    Kandasamy et al. 2018, section 4.2 and table 3 (arXiv:1802.07191). A third of the changes resize: one
    layer, or a contiguous half, quarter or eighth of the layers, one step up or down. The others change what
    layers there are and how they are joined.

    Differs: where the paper edits the graph of layers, which it may do in any way, ours changes decisions, so
    that the child is in the space. A size is a decision between numbers that no other decision hangs on, and
    a step is to its next option. To swap a label, wedge in or remove a layer, branch or skip is to change
    another decision of the space to any option, which is what `Space.mutate` does.

    Args:
        space: Of the architectures.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        asked = {index for d in space.decisions for place in d.places for index, _ in place}
        self._orders = {  # of each size: its options from the smallest to the largest
            i: sorted(range(len(decision.options)), key=decision.options.__getitem__)
            for i, decision in enumerate(space.decisions)
            if i not in asked
            and len(decision.options) > 1
            and all(isinstance(o, int | float) and type(o) is not bool for o in decision.options)
        }

    def __call__(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Returns the architecture after 1 to 5 changes.

        Raises:
            SpaceError: No decision has a second option.
        """
        for _ in range(1 + int(np.searchsorted(np.cumsum(CHANGES[:-1]), rng.random(), side="right"))):
            architecture = self._changed(architecture, rng)
        return architecture

    def _changed(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        active = self.space.active(architecture)
        sizes = [i for i in self._orders if active[i]]
        kind, where, up = rng.random(3)
        if kind < RESIZED[0] and sizes:
            many = kind < RESIZED[1]
            length = max(1, len(sizes) // (2, 4, 8)[int(rng.random() * 3)]) if many else 1
            first = int(where * (len(sizes) - length + 1))
            resized = self._resized(architecture, sizes[first : first + length], up < 0.5)
            if resized != architecture:
                return resized
        return self.space.mutate(architecture, rng)

    def _resized(self, architecture: Architecture, sizes: list[int], up: bool) -> Architecture:
        choices = list(architecture.choices)
        for i in sizes:
            order = self._orders[i]
            step = order.index(choices[i]) + (1 if up else -1)
            choices[i] = order[min(max(step, 0), len(order) - 1)]
        return Architecture(architecture.space, tuple(choices))
