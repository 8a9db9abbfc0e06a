"""Published cells by name, and the networks that they were published in.

States are numbered as in DARTS: 0 is the cell two before, 1 the cell before, 2 the first block. TensorFlow's
releases have 0 and 1 the other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nasturtium.errors import unknown
from nasturtium.space.blocks import classifier
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import PairCell, Tower, check_cell, stages, thirds
from nasturtium.space.zoo.operations import Style

AVG, MAX, SKIP = "avg_pool_3x3", "max_pool_3x3", "skip_connect"
SEP3, SEP5, SEP7, DIL3 = "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7", "dil_conv_3x3"


@dataclass(frozen=True, slots=True)
class Genotype:
    """A pair of cells, and how it becomes a network.

    Attributes:
        name: Of the pair.
        normal: The cell that keeps height and width.
        reduction: The cell that halves them; None for `normal` with a stride of 2.
        filters: Channels of a state in the first stage, on CIFAR-10.
        layout: Per cell from below, whether it is a reduction, on CIFAR-10.
        style: See `Tower`.
    """

    name: str
    normal: PairCell
    reduction: PairCell | None
    filters: int
    layout: tuple[bool, ...]
    style: Style = "nasnet"

    def space(
        self,
        *,
        filters: int = 0,
        layout: tuple[bool, ...] = (),
        imagenet: bool = False,
        stem: int = 0,
    ) -> Space:
        """Returns the network as a space of one architecture.

        Args:
            filters: Channels of a state in the first stage; 0 takes those of CIFAR-10.
            layout: See `Tower`, `stages` and `thirds`; empty takes that of CIFAR-10.
            imagenet: Whether it is for 224x224 images of 1,000 classes: the first convolution has a stride of
                2, and two reductions come before the first cell.
            stem: Channels of the first convolution; 0 takes 3 times `filters`, or 32 for ImageNet.
        """
        for cell in (self.normal, self.reduction or self.normal):
            check_cell(cell)
        filters = filters or self.filters
        tower = Tower(
            self.normal,
            self.reduction,
            filters,
            layout or self.layout,
            stem=stem or (32 if imagenet else 3 * filters),
            stem_cells=2 if imagenet else 0,
            style=self.style,
        )
        return Space(
            cells=tower,
            classifier=classifier(),
            name=self.name,
            input_shape=(3, 224, 224) if imagenet else (3, 32, 32),
            outputs=1000 if imagenet else 10,
        )


# Zoph et al. 2018 (arXiv:1707.07012), figure 4, as released: tensorflow/models,
# research/slim/nets/nasnet/nasnet_utils.py. The release also has the state two back in the normal cell's
# output, and block 2 in the reduction's, though both are read; the published size counts them.
NASNET_A = Genotype(
    "NASNet-A",
    PairCell(
        (
            (1, SEP5, 0, SEP3, "add"),
            (0, SEP5, 0, SEP3, "add"),
            (1, AVG, 0, SKIP, "add"),
            (0, AVG, 0, AVG, "add"),
            (1, SEP3, 1, SKIP, "add"),
        ),
        output=(0, 2, 3, 4, 5, 6),
    ),
    PairCell(
        (
            (1, SEP5, 0, SEP7, "add"),
            (1, MAX, 0, SEP7, "add"),
            (1, AVG, 0, SEP5, "add"),
            (3, SKIP, 2, AVG, "add"),
            (2, SEP3, 1, MAX, "add"),
        ),
        output=(3, 4, 5, 6),
    ),
    filters=32,
    layout=stages(6),
)

# Real et al. 2019 (arXiv:1802.01548), figure 5, as released: tensorflow/tpu, models/official/amoeba_net.
AMOEBANET_A = Genotype(
    "AmoebaNet-A",
    PairCell(
        (
            (1, AVG, 1, MAX, "add"),
            (0, SEP3, 0, SKIP, "add"),
            (1, SKIP, 0, AVG, "add"),
            (1, SEP3, 2, SEP5, "add"),
            (5, AVG, 1, SEP3, "add"),
        ),
        output=(0, 3, 4, 6),
    ),
    PairCell(
        (
            (0, SEP3, 1, AVG, "add"),
            (1, MAX, 2, SEP7, "add"),
            (0, MAX, 1, MAX, "add"),
            (4, SEP3, 1, "conv_1x7_7x1", "add"),
            (0, AVG, 1, SEP7, "add"),
        ),
        output=(2, 3, 4, 5, 6),
    ),
    filters=36,
    layout=stages(6),
)

# The same; its space has more operations than that of AmoebaNet-A.
AMOEBANET_B = Genotype(
    "AmoebaNet-B",
    PairCell(
        (
            (0, "conv_1x1", 0, MAX, "add"),
            (0, SKIP, 1, SEP3, "add"),
            (0, "conv_1x1", 1, SEP3, "add"),
            (2, "conv_1x1", 2, SKIP, "add"),
            (0, AVG, 5, "conv_1x1", "add"),
        ),
        output=(1, 3, 4, 6),
    ),
    PairCell(
        (
            (1, "max_pool_2x2", 1, MAX, "add"),
            (2, SKIP, 0, "conv_3x3", "add"),
            (2, "dil_sep_conv_5x5", 2, MAX, "add"),
            (3, SKIP, 0, SEP3, "add"),
            (4, AVG, 3, "conv_1x1", "add"),
        ),
        output=(5, 6),
    ),
    filters=36,
    layout=stages(6),
)

# Liu et al. 2018 (arXiv:1712.00559), figure 1, as released: tensorflow/models,
# research/slim/nets/nasnet/pnasnet.py.
PNASNET_5 = Genotype(
    "PNASNet-5",
    PairCell(
        (
            (0, SEP5, 0, MAX, "add"),
            (1, SEP7, 1, MAX, "add"),
            (1, SEP5, 1, SEP3, "add"),
            (4, SEP3, 1, MAX, "add"),
            (0, SEP3, 1, SKIP, "add"),
        ),
        output="all",
    ),
    None,
    filters=48,
    layout=thirds(9),
)


Nodes: TypeAlias = tuple[tuple[int, str, int, str], ...]


def _darts(name: str, *cells: Nodes) -> Genotype:
    normal, reduction = (PairCell(tuple((*node, "add") for node in cell), output="all") for cell in cells)
    return Genotype(name, normal, reduction, filters=36, layout=thirds(20), style="darts")


# Liu, Simonyan and Yang 2019 (arXiv:1806.09055), first and second order: quark0/darts, cnn/genotypes.py.
DARTS_V1 = _darts(
    "DARTS_V1",
    ((1, SEP3, 0, SEP3), (0, SKIP, 1, SEP3), (0, SKIP, 1, SEP3), (0, SEP3, 2, SKIP)),
    ((0, MAX, 1, MAX), (2, SKIP, 0, MAX), (0, MAX, 2, SKIP), (2, SKIP, 0, AVG)),
)
DARTS_V2 = _darts(
    "DARTS_V2",
    ((0, SEP3, 1, SEP3), (0, SEP3, 1, SEP3), (1, SEP3, 0, SKIP), (0, SKIP, 2, DIL3)),
    ((0, MAX, 1, MAX), (2, SKIP, 1, MAX), (0, MAX, 2, SKIP), (2, SKIP, 1, MAX)),
)

GENOTYPES: Mapping[str, Genotype] = {
    one.name: one for one in (AMOEBANET_A, AMOEBANET_B, DARTS_V1, DARTS_V2, NASNET_A, PNASNET_5)
}


def genotype(name: str) -> Genotype:
    """Returns a published pair of cells, for example ``NASNet-A``.

    Raises:
        UnknownName: There is none of that name.
    """
    if name not in GENOTYPES:
        raise unknown("genotype", name, GENOTYPES)
    return GENOTYPES[name]
