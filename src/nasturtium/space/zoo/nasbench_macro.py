"""NAS-Bench-Macro: eight layers, three options each (Su et al. 2021, arXiv:2103.11922)."""

from dataclasses import dataclass

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.blocks import Block, InvertedResidual, classifier, conv, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size


@dataclass(frozen=True)
class Skip(Block):
    """The benchmark's identity: nothing, or a 1x1 convolution with norm where width or stride change.

    Attributes:
        out: Channels of the output.
        stride: Of the convolution.
    """

    out: int
    stride: int = 1

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes nothing where nothing changes."""
        if self.stride == 1 and x.channels == self.out:
            return x
        return net.norm(net.conv(x, self.out, stride=self.stride))

    def canonical(self) -> object:
        """Inside a stage it does nothing; at its start (stride 2) it is a layer."""
        return self if self.stride != 1 else None

    @property
    def label(self) -> str:
        """``identity`` or ``projection -> 64``."""
        return "identity" if self.stride == 1 else f"projection -> {self.out}, stride {self.stride}"


def nasbench_macro(size: str = "small") -> Space:
    """Returns the space of the benchmark, 3 ** 8 = 6,561 architectures; 3,969 of them differ as functions.

    Args:
        size: ``published`` has widths 64, 128, 256 and a head of 1,280 (params and MACs equal the table's);
            ``small`` has an eighth of the widths.
    """
    check_size(size)
    divisor = 8 if size == "small" else 1
    stem, head = max(8, 32 // divisor), 1280 // divisor
    stages = {f"stage{i}": _stage(width // divisor, depth) for i, (width, depth) in enumerate(STAGES, 1)}
    return Space(
        stem=conv(stem, act="relu6"),
        **stages,
        head=conv(head, 1, act="relu6"),
        classifier=classifier(),
        name="nasbench_macro",
        input_shape=(3, 32, 32),
        outputs=10,
    )


STAGES = ((64, 2), (128, 3), (256, 3))


def _stage(width: int, depth: int) -> Block:
    options = choice(
        Skip(width),
        InvertedResidual(width, kernel=3, expand=3),
        InvertedResidual(width, kernel=5, expand=6),
        labels=("id", "k3e3", "k5e6"),
    )
    return repeat(options, depth, stride=2)


def digits(architecture: Architecture) -> str:
    """Returns the benchmark's own name, such as ``22212220``."""
    return "".join(map(str, architecture.choices))


def from_digits(space: Space, text: str) -> Architecture:
    """Returns the architecture with the benchmark's name `text`."""
    if len(text) != len(space.decisions) or set(text) - set("012"):
        raise SpaceError(
            f"{text!r} is not a NAS-Bench-Macro name; it has eight digits of 0, 1, 2, such as 22212220"
        )
    return Architecture(space.fingerprint, tuple(map(int, text)))
