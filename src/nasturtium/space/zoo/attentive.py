"""The space of AttentiveNAS and AlphaNet: one choice a stage (Wang et al. 2021, arXiv:2011.09011)."""

from collections.abc import Sequence
from dataclasses import dataclass

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.blocks import Repeat, conv, mb_conv, mobile_head, repeat, resize
from nasturtium.space.choice import choice
from nasturtium.space.mobile import divisible
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size


@dataclass(frozen=True, slots=True)
class Stage:
    """What is open in one stage, for all of its blocks alike.

    Attributes:
        widths: Channels.
        depths: Numbers of blocks.
        expands: Expansions.
        se: Whether there is squeeze-and-excite.
        stride: Of the first block.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    expands: tuple[int, ...]
    se: bool
    stride: int


STAGES = (
    Stage((16, 24), (1, 2), (1,), False, 1),
    Stage((24, 32), (3, 4, 5), (4, 5, 6), False, 2),
    Stage((32, 40), (3, 4, 5, 6), (4, 5, 6), True, 2),
    Stage((64, 72), (3, 4, 5, 6), (4, 5, 6), False, 2),
    Stage((112, 120, 128), (3, 4, 5, 6, 7, 8), (4, 5, 6), True, 1),
    Stage((192, 200, 208, 216), (3, 4, 5, 6, 7, 8), (6,), True, 2),
    Stage((216, 224), (1, 2), (6,), True, 1),
)
SMALL = (
    Stage((8, 16), (1, 2), (1,), False, 1),
    Stage((16, 24), (1, 2, 3), (2, 3, 4), False, 2),
    Stage((32, 40), (1, 2, 3), (2, 3, 4), True, 2),
    Stage((56, 64), (1, 2), (2, 3, 4), True, 1),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A network of the published space, as the release writes it.

    Attributes:
        resolution: Side of the picture.
        widths: Of the first convolution, the stages and the head.
        kernels: Per stage.
        expands: Per stage.
        depths: Per stage.
    """

    resolution: int
    widths: tuple[int, ...]
    kernels: tuple[int, ...]
    expands: tuple[int, ...]
    depths: tuple[int, ...]


MEMBERS = {
    "A0": Member(
        *(192, (16, 16, 24, 32, 64, 112, 192, 216, 1792)),
        *((3, 3, 3, 3, 3, 3, 3), (1, 4, 4, 4, 4, 6, 6), (1, 3, 3, 3, 3, 3, 1)),
    ),
    "A3": Member(
        *(224, (16, 16, 24, 32, 64, 112, 208, 224, 1984)),
        *((3, 3, 3, 5, 3, 3, 3), (1, 4, 4, 4, 4, 6, 6), (2, 3, 3, 4, 3, 5, 1)),
    ),
    "A6": Member(
        *(288, (16, 16, 24, 32, 64, 112, 216, 224, 1984)),
        *((3, 3, 3, 3, 3, 5, 3), (1, 4, 6, 5, 4, 6, 6), (1, 3, 3, 4, 4, 6, 1)),
    ),
}


def attentive(size: str = "small", *, width: float = 1, resolutions: Sequence[int] = ()) -> Space:
    """Returns the space of AttentiveNAS: per stage width, depth, kernel and expansion, and the resolution.

    All blocks of a stage take the stage's choice. The first block of a stage has a shortcut too, pooled and
    projected; pictures are resized by bicubic interpolation.

    Args:
        size: ``published`` has seven stages and resolutions of 192 to 288: 4.4e11 architectures, A0 to A6
            among them (`member`). ``small`` has four stages and resolutions of 20 to 32, for 32x32.
        width: Multiplies all widths.
        resolutions: Others than those of the size, in place of them.
    """
    check_size(size)
    small = size == "small"
    stages = SMALL if small else STAGES
    sides = resolutions or ((20, 24, 28, 32) if small else (192, 224, 256, 288))
    stem, features = ((8, 16), (96, 128)) if small else ((16, 24), (1792, 1984))
    return Space(
        resolution=resize(choice(*sides), "bicubic"),
        stem=conv(choice(*_widened(stem, width)), stride=2, act="silu"),
        **{f"stage{i}": _stage(i, stage, width) for i, stage in enumerate(stages, 1)},
        head=mobile_head(
            choice(*_widened(features, width)), 2 if small else 6, act="silu", dropout=0 if small else 0.2
        ),
        name="attentive" if small else "attentive-published",
        input_shape=(3, 32, 32) if small else (3, 224, 224),
        outputs=10 if small else 1000,
    )


def _stage(number: int, stage: Stage, width: float) -> Repeat:
    """A stage; its choices have names, so that all copies of the block share them."""
    block = mb_conv(
        choice(*_widened(stage.widths, width), name=f"stage{number}.width"),
        kernel=choice(3, 5, name=f"stage{number}.kernel"),
        expand=choice(*stage.expands, name=f"stage{number}.expand"),
        se=0.25 if stage.se else 0,
        act="silu",
        shortcut="projected",
    )
    return repeat(block, choice(*stage.depths), stride=stage.stride)


def _widened(widths: Sequence[int], width: float) -> tuple[int, ...]:
    return tuple(divisible(one * width) for one in widths)


def member(space: Space, name: str) -> Architecture:
    """Returns a network of the published space by its published name: A0, A3 or A6.

    Raises:
        SpaceError: There is no such name.
    """
    if name not in MEMBERS:
        raise SpaceError(f"no network {name!r} is written down; there are {', '.join(MEMBERS)}")
    one = MEMBERS[name]
    given: dict[str, int] = {
        "resolution__side": one.resolution,
        "stem__out": one.widths[0],
        "head__features": one.widths[-1],
    }
    for i, (out, kernel, expand, depth) in enumerate(
        zip(one.widths[1:-1], one.kernels, one.expands, one.depths, strict=True), 1
    ):
        given |= {f"stage{i}__width": out, f"stage{i}__kernel": kernel, f"stage{i}__times": depth}
        given |= {f"stage{i}__expand": expand}
    return space.architecture(**given)
