"""PC-DARTS: a part of the channels is mixed, and edges have weights of their own."""

from dataclasses import dataclass

from nasturtium.strategy.darts import DARTS


@dataclass(eq=False, kw_only=True)
class PCDARTS(DARTS):
    """DARTS over a space of partial channels, with a softmax over the edges into each node.

    Xu et al. 2020, sections 3.2 and 3.3 (arXiv:1907.05737): 1 of 4 channels goes through the mixed operation,
    the others past it; what is mixed changes with every pass, so the weights of edges, beta, are learned
    too, and the strength of an operation is beta alpha. The channels are the space's business
    (``pc_darts_search``; in another space it is DARTS), and so are the decisions ``...nodeN.edges``; their
    option ``all`` stands for a derived cell, and is never mixed.

    The paper's search of CIFAR-10: settings of DARTS, first order, but batch 256, weights lr 0.1 to 0, alpha
    lr 6e-4, and 15 of 50 epochs of warm-up. Parameters are those of `Relaxed`.
    """

    learning_rate: float = 6e-4
