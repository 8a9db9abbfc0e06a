"""The ShuffleNetV2 space of single-path one-shot search (Guo et al. 2020, arXiv:1904.00420)."""

from dataclasses import dataclass

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, repeat
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size

# Channels and blocks of each stage: megvii-model/SinglePathOneShot, src/Supernet/network.py.
STAGES = ((64, 4), (160, 4), (320, 8), (640, 4))
SMALL = ((16, 2), (32, 4), (64, 2))


@dataclass(frozen=True)
class Split(Block):
    """Half of the channels pass by a branch and half go through it; a stride of 2 takes all both ways.

    The even channels pass by and the odd ones are changed, so every second block meets each of them: the
    channel shuffle of ShuffleNetV2 (Ma et al. 2018, arXiv:1807.11164, fig. 3), as in the release of SPOS.

    Attributes:
        out: Channels of the output.
        stride: 1 or 2.
    """

    out: int
    stride: int = 1

    def branch(self, net: Wiring, x: Value, out: int) -> Value:
        """Writes what changes its channels; a kind of block gives it."""
        raise NotImplementedError

    @property
    def side(self) -> int:
        """Of the kernel of the branch that only halves."""
        return 3

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes both ways and puts them side by side."""
        with net.scope("past"):
            past = net.take(x, 0, 2) if self.stride == 1 else self._halved(net, x)
        with net.scope("through"):
            x = net.take(x, 1, 2) if self.stride == 1 else x
            return net.concat(past, self.branch(net, x, self.out - past.channels))

    def _halved(self, net: Wiring, x: Value) -> Value:
        return _pointwise(net, depthwise(net, x, self.side, self.stride), x.channels)


@dataclass(frozen=True)
class Shuffle(Split):
    """ShuffleNetV2's block: 1x1, depthwise, 1x1.

    Attributes:
        kernel: Side of the depthwise kernels.
    """

    kernel: int = 3

    @property
    def side(self) -> int:
        """The same kernel on both ways."""
        return self.kernel

    def branch(self, net: Wiring, x: Value, out: int) -> Value:
        """Writes the three; the inside has half of the block's channels."""
        x = _pointwise(net, x, self.out // 2)
        return _pointwise(net, depthwise(net, x, self.kernel, self.stride), out)

    @property
    def label(self) -> str:
        """For example ``shuffle 5x5 -> 64, stride 2``."""
        return f"shuffle {self.kernel}x{self.kernel} -> {self.out}{_strided(self.stride)}"


@dataclass(frozen=True)
class ShuffleXception(Split):
    """Three times depthwise 3x3 and 1x1."""

    def branch(self, net: Wiring, x: Value, out: int) -> Value:
        """Writes the three; the inside has half of the block's channels."""
        for number, width in enumerate((self.out // 2, self.out // 2, out)):
            x = depthwise(net, x, 3, 1 if number else self.stride)
            x = _pointwise(net, x, width)
        return x

    @property
    def label(self) -> str:
        """For example ``shuffle xception -> 64``."""
        return f"shuffle xception -> {self.out}{_strided(self.stride)}"


def spos(size: str = "small") -> Space:
    """Returns the space of SPOS: per block one of four kinds, 4 ** 20 = 1.1e12 architectures as published.

    Differs: The classifier has a bias (the release's has none). The search over channels, which the paper
    adds, is left out, as in the release.

    Args:
        size: ``small`` has three stages of 2, 4 and 2 blocks, up to 64 channels, for images of 8x8 to 32x32
            (4 ** 8 = 65,536 architectures); ``published`` is for 224x224.
    """
    check_size(size)
    stages, stem, head = (SMALL, conv(8), 128) if size == "small" else (STAGES, conv(16, stride=2), 1024)
    return Space(
        stem=stem,
        **{f"stage{i}": repeat(_block(width), depth, stride=2) for i, (width, depth) in enumerate(stages, 1)},
        head=conv(head, 1),
        classifier=classifier(dropout=0.1),
        name="spos" if size == "small" else "spos-published",
        input_shape=(3, 32, 32) if size == "small" else (3, 224, 224),
        outputs=10 if size == "small" else 1000,
    )


def from_numbers(space: Space, numbers: tuple[int, ...]) -> Architecture:
    """Returns the architecture that the release names by one number of 0 to 3 per block.

    Raises:
        SpaceError: Another number of blocks, or of kinds.
    """
    if len(numbers) != len(space.decisions) or not set(numbers) <= {0, 1, 2, 3}:
        raise SpaceError(
            f"{numbers} is no architecture of {space.name}; give {len(space.decisions)} of 0 to 3"
        )
    return Architecture(space.fingerprint, tuple(numbers))


def depthwise(net: Wiring, x: Value, kernel: int, stride: int) -> Value:
    """Writes a depthwise convolution and its normalisation."""
    with net.scope("depthwise"):
        return net.norm(net.conv(x, x.channels, kernel, stride=stride, groups=x.channels))


def _pointwise(net: Wiring, x: Value, out: int) -> Value:
    with net.scope("pointwise"):
        return net.act(net.norm(net.conv(x, out)))


def _block(width: int) -> Block:
    shuffles = (Shuffle(width, kernel=kernel) for kernel in (3, 5, 7))
    labels = ("shuffle3", "shuffle5", "shuffle7", "xception")
    block: Block = choice(*shuffles, ShuffleXception(width), labels=labels)
    return block


def _strided(stride: int) -> str:
    return f", stride {stride}" if stride != 1 else ""
