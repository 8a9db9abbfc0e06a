"""Finding blocks that do not fit, and the decisions to blame, before anything is trained."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import InfeasibleSpace, SpaceError
from nasturtium.seeds import rng_for

if TYPE_CHECKING:
    from nasturtium.space.space import Space


def check_space(space: Space, samples: int, seed: int) -> None:
    """Raises where an architecture of the space cannot be written as layers; see `Space.check`."""
    tried = [*_corners(space), *(space.sample(rng_for(seed, "check", i)) for i in range(samples))]
    failed: list[Architecture] = []
    fitting: list[Architecture] = []
    first: SpaceError | None = None
    for architecture in dict.fromkeys(tried):
        try:
            space.network(architecture)
            fitting.append(architecture)
        except SpaceError as error:
            first = first or error
            failed.append(architecture)
    if first is None:
        return
    if not fitting:
        raise InfeasibleSpace(f"{space.name}: none of {len(failed)} samples fits; the first: {first}")
    raise type(first)(
        f"{space.name}: {len(failed)} of {len(failed) + len(fitting)} do not fit together: {first}. "
        f"To blame: {_blame(space, failed, fitting)}; make these agree, or use one choice in both places"
    )


def _corners(space: Space) -> list[Architecture]:
    """All first and all last options, and each option of each decision beside those."""
    first = space.unrank(0)
    last = space.unrank(space.count - 1)
    return [first, last, *space.neighbours(first), *space.neighbours(last)]


def _blame(space: Space, failed: list[Architecture], fitting: list[Architecture]) -> str:
    """Names the fewest options, at most two, that most misfits have and nothing that fits has."""
    bad = [set(space.text(architecture).split()) for architecture in failed]
    good = [set(space.text(architecture).split()) for architecture in fitting]
    for many in (1, 2):
        suspects: set[tuple[str, ...]] = {words for one in bad for words in combinations(sorted(one), many)}
        guilt = {
            words: sum(other.issuperset(words) for other in bad)
            for words in sorted(suspects)
            if not any(other.issuperset(words) for other in good)
        }
        if guilt:
            worst = max(guilt, key=lambda words: guilt[words])
            return " with ".join(worst)
    return "no single pair of decisions; the first misfit is " + space.text(failed[0])
