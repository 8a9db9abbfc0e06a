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
from nasturtium.space.zoo.genotype_text import cells_text, parse_cells
from nasturtium.space.zoo.operations import Style

AVG, MAX, SKIP = "avg_pool_3x3", "max_pool_3x3", "skip_connect"
SEP3, SEP5, SEP7 = "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7"
DIL3, DIL5 = "dil_conv_3x3", "dil_conv_5x5"
SIZES = ("/small", "/published", "/imagenet")


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
                2, and two reductions come before the first cell; DARTS has three such convolutions instead.
            stem: Channels of the first convolution; 0 takes 3 times `filters`, or for ImageNet 32 (`filters`
                in DARTS).
        """
        for cell in (self.normal, self.reduction or self.normal):
            check_cell(cell)
        filters, darts = filters or self.filters, self.style == "darts"
        tower = Tower(
            self.normal,
            self.reduction,
            filters,
            layout or self.layout,
            stem=stem or ((filters if darts else 32) if imagenet else 3 * filters),
            stem_cells=2 if imagenet and not darts else 0,
            stem_strides=3 if imagenet and darts else 0,
            style=self.style,
        )
        return Space(
            cells=tower,
            classifier=classifier(),
            name=self.name,
            input_shape=(3, 224, 224) if imagenet else (3, 32, 32),
            outputs=1000 if imagenet else 10,
        )

    @property
    def text(self) -> str:
        """The pair as DARTS writes it, see `genotype_text`; `genotype` reads it."""
        return cells_text(self.normal, self.reduction or self.normal)


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

# Pham et al. 2018 (arXiv:1802.03268), figure 8, as released: melodyguan/enas, scripts/cifar10_micro_final.sh.
ENAS = Genotype(
    "ENAS",
    PairCell(
        (
            (0, AVG, 0, SEP3, "add"),
            (0, SKIP, 0, SEP5, "add"),
            (0, SKIP, 1, SEP5, "add"),
            (1, SEP3, 0, SEP5, "add"),
            (0, AVG, 1, SEP5, "add"),
        ),
        output="unread",
    ),
    PairCell(
        (
            (1, SEP3, 1, SEP3, "add"),
            (0, MAX, 0, AVG, "add"),
            (1, SEP5, 3, SEP5, "add"),
            (1, SEP3, 0, SKIP, "add"),
            (0, MAX, 1, SEP5, "add"),
        ),
        output="unread",
    ),
    filters=36,
    layout=stages(5),
    style="enas",
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
# Chen, Xie, Wu and Tian 2019 (arXiv:1904.12760): chenxin061/pdarts, genotypes.py.
P_DARTS = _darts(
    "P-DARTS",
    ((0, SKIP, 1, DIL3), (0, SKIP, 1, SEP3), (1, SEP3, 3, SEP3), (0, SEP3, 4, DIL5)),
    ((0, AVG, 1, SEP5), (0, SEP3, 2, DIL5), (0, MAX, 1, DIL3), (1, DIL3, 3, DIL5)),
)
# Xu et al. 2020 (arXiv:1907.05737), found on CIFAR-10 and on ImageNet: yuhuixu1993/PC-DARTS, genotypes.py.
PC_DARTS = _darts(
    "PC-DARTS",
    ((1, SEP3, 0, SKIP), (0, SEP3, 1, DIL3), (0, SEP5, 1, SEP3), (0, AVG, 1, DIL3)),
    ((1, SEP5, 0, MAX), (1, SEP5, 2, SEP5), (0, SEP3, 3, SEP3), (1, SEP3, 2, SEP3)),
)
PC_DARTS_IMAGENET = _darts(
    "PC-DARTS-ImageNet",
    ((1, SKIP, 0, SEP3), (0, SEP3, 1, SKIP), (1, SEP3, 3, SEP3), (1, SEP3, 4, DIL5)),
    ((0, SEP3, 1, SKIP), (2, DIL5, 1, MAX), (2, SEP3, 1, SEP3), (0, SEP5, 3, SEP3)),
)

GENOTYPES: Mapping[str, Genotype] = {
    one.name: one
    for one in (
        *(AMOEBANET_A, AMOEBANET_B, DARTS_V1, DARTS_V2, ENAS, NASNET_A),
        *(P_DARTS, PC_DARTS, PC_DARTS_IMAGENET, PNASNET_5),
    )
}


def genotype(name: str) -> Genotype:
    """Returns a pair of cells, by the name it was published under or by its text.

    Args:
        name: For example ``NASNet-A``, or ``Genotype(normal=[...], ...)``, which is put into the networks of
            DARTS.

    Raises:
        UnknownName: There is none of that name.
        SpaceError: The text is no genotype.
    """
    if "(" in name:
        return Genotype("genotype", *parse_cells(name), filters=36, layout=thirds(20), style="darts")
    if name not in GENOTYPES:
        raise unknown("genotype", name, GENOTYPES)
    return GENOTYPES[name]


def genotype_space(name: str) -> Space:
    """Returns the network of a genotype as a space of one architecture, for a search that only trains it.

    Args:
        name: See `genotype`. After it may stand a size: ``DARTS_V2/small`` has 5 cells and 8 filters, for a
            CPU; ``DARTS_V2/imagenet`` is the network for ImageNet (48 filters, 14 cells in DARTS).

    Raises:
        UnknownName: No such genotype or size.
        SpaceError: The text is no genotype.
    """
    plain, _, size = name.rpartition("/") if name.endswith(SIZES) else (name, "", "")
    one = genotype(plain)
    if size == "small":
        return one.space(filters=8, layout=(False, True, False, True, False))
    if size == "imagenet":
        darts = one.style == "darts"
        return one.space(imagenet=True, filters=48 * darts, layout=thirds(14) if darts else ())
    return one.space()
