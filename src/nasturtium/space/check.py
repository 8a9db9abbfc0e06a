"""Finding blocks that do not fit, and the decisions to blame, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import InfeasibleSpace, ShapeError
from nasturtium.seeds import rng_for

if TYPE_CHECKING:
    from nasturtium.space.space import Space


def check_space(space: Space, samples: int, seed: int) -> None:
    """Raises where an architecture of the space cannot be written as layers; see `Space.check`."""
    tried = [*_corners(space), *(space.sample(rng_for(seed, "check", i)) for i in range(samples))]
    failed: list[Architecture] = []
    fitting: list[Architecture] = []
    reason = ""
    for architecture in dict.fromkeys(tried):
        try:
            space.network(architecture)
            fitting.append(architecture)
        except ShapeError as error:
            reason = reason or str(error)
            failed.append(architecture)
    if not failed:
        return
    if not fitting:
        raise InfeasibleSpace(
            f"{space.name}: none of {len(failed)} architectures fits together; the first: {reason}"
        )
    blame = _blame(space, failed, fitting)
    raise ShapeError(
        f"{space.name}: {len(failed)} of {len(failed) + len(fitting)} architectures do not fit together: {reason}. "
        f"They share {blame}; make these shapes agree, or use one choice object in both places"
    )


def _corners(space: Space) -> list[Architecture]:
    """The first and the last option everywhere, and each decision at each option with all others first or last."""
    first = space.unrank(0)
    last = space.unrank(space.count - 1)
    return [first, last, *space.neighbours(first), *space.neighbours(last)]


def _blame(space: Space, failed: list[Architecture], fitting: list[Architecture]) -> str:
    """Names the fewest options, at most two, that some misfit has and nothing that fits has."""
    bad = [set(space.text(architecture).split()) for architecture in failed]
    good = [set(space.text(architecture).split()) for architecture in fitting]
    for words in sorted(bad, key=len):
        ordered = sorted(words)
        for word in ordered:
            if not any(word in other for other in good):
                return word
        pairs = [(a, b) for i, a in enumerate(ordered) for b in ordered[i + 1 :]]
        for a, b in pairs:
            if not any(a in other and b in other for other in good):
                return f"{a} with {b}"
    return "no single pair of decisions; the first misfit is " + space.text(failed[0])
