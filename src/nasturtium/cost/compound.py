"""Compound scaling: one network in many sizes (Tan and Le 2019, arXiv:1905.11946, section 3.3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.errors import InfeasibleSpace
from nasturtium.space.choice import choice
from nasturtium.space.scale import scaled, side_of
from nasturtium.space.space import Space

DEPTHS = (1.0, 1.1, 1.2, 1.3, 1.4)
FINER = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25)  # whose squares count


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What one step of size multiplies (eq. 3): depth x width ** 2 x side ** 2 is about 2.

    Attributes:
        depth: alpha, of the number of blocks.
        width: beta, of the channels.
        side: gamma, of the picture.
    """

    depth: float
    width: float
    side: float

    def __str__(self) -> str:
        return f"depth{self.depth:g}_width{self.width:g}_side{self.side:g}"


EFFICIENTNET = Coefficients(1.2, 1.1, 1.15)  # what the paper's grid search found


def compound(
    space: Space,
    coefficients: Coefficients,
    phi: float,
    architecture: Architecture | None = None,
    *,
    multiple: int = 8,
) -> Space:
    """Returns the base network with `phi` steps of size, as a space of one architecture.

    Differs: the number of all blocks is rounded, not that of each stage, so that MACs follow 2 ** phi.
    EfficientNet's B1 to B7 are rounded by hand instead: `space.zoo.efficientnet`.

    Args:
        space: Of the base network, bound to a task.
        coefficients: Of one step.
        phi: Number of steps.
        architecture: The base network; None where the space has only one.
        multiple: What widths are rounded to.
    """
    return scaled(
        space,
        architecture,
        depth=coefficients.depth**phi,
        width=coefficients.width**phi,
        side=round(side_of(space, architecture) * coefficients.side**phi),
        multiple=multiple,
        spread=True,
        name=f"{space.name}-{coefficients}-{phi:g}",
    )


def feasible(
    space: Space,
    architecture: Architecture | None = None,
    *,
    tolerance: float = 0.1,
    phis: Sequence[float] = (1, 2, 3),
    multiple: int = 8,
    grid: tuple[Sequence[float], Sequence[float], Sequence[float]] = (DEPTHS, FINER, FINER),
) -> list[Coefficients]:
    """Returns the coefficients of a grid with which MACs double at each step, as they are counted.

    Args:
        space: Of the base network, bound to a task.
        architecture: The base network; None where the space has only one.
        tolerance: Largest relative distance from 2 ** phi.
        phis: Sizes at which that has to hold.
        multiple: What widths are rounded to.
        grid: Factors to try, of depth, width and side.

    Raises:
        InfeasibleSpace: None of them does; the message says how near the nearest comes.
    """
    base = architecture or space.unrank(0)
    least = Counted(space).counts(base).macs
    found, nearest = list[Coefficients](), float("inf")
    for one in (Coefficients(*factors) for factors in product(*grid)):
        if abs(one.depth * one.width**2 * one.side**2 - 2) > 4 * tolerance:
            continue  # no rounding mends that
        networks = (compound(space, one, phi, base, multiple=multiple) for phi in phis)
        ratios = [_macs(network) / least / 2**phi for network, phi in zip(networks, phis, strict=True)]
        distance = max(abs(ratio - 1) for ratio in ratios)
        nearest = min(nearest, distance)
        if distance <= tolerance:
            found.append(one)
    if not found:
        raise InfeasibleSpace(
            f"no coefficients double the MACs of {space.name} within {tolerance:.0%} at each of {[*phis]}; "
            f"the nearest miss by {nearest:.0%}; round widths to less than {multiple}, or allow more"
        )
    return found


def candidates(
    space: Space,
    coefficients: Iterable[Coefficients],
    architecture: Architecture | None = None,
    *,
    phi: float = 1,
    multiple: int = 8,
) -> Space:
    """Returns a space of the base network scaled by each of these: to search it is the paper's grid search.

    Raises:
        SpaceError: No coefficients are given.
    """
    trees = {
        compound(space, one, phi, architecture, multiple=multiple).tree: str(one) for one in coefficients
    }
    return Space(
        network=choice(*trees, labels=tuple(trees.values())),
        name=f"{space.name}-scaled",
        input_shape=space.input_shape,
        outputs=space.outputs,
    )


def _macs(space: Space) -> int:
    return Counted(space).counts(space.unrank(0)).macs
