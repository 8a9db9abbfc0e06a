"""An ensemble of graph networks over the cell, or over the chain of blocks."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.ensemble import Ensemble, Loss, Training, dense, layers
from nasturtium.predictor.examples import ScaleName
from nasturtium.space.encode import graph
from nasturtium.space.graph import Graph
from nasturtium.space.space import Space


class GraphEnsemble(Ensemble):
    """Graph convolutions side by side (Wen et al. 2020, Neural Predictor, arXiv:1912.00848, section 3).

    A node starts from the words of its label. Each layer takes the mean over the nodes that feed a node and
    over those that it feeds, through a weight for each direction; the mean over all nodes goes through a
    small perceptron.

    Differs: nodes keep a third weight for themselves, and are normalised by the number of their neighbours,
    so that a chain and a cell are on one footing.

    Args:
        space: Of the architectures.
        seed: Of weights, folds and batches.
        members: Graph networks.
        width: Of the state of a node.
        depth: Graph layers.
        epochs: Passes over the examples.
        rate: Learning rate at the start.
        batch: Examples per step.
        decay: Weight decay.
        loss: ``l1``, ``l2`` or ``mape``; see `Training`.
        folds: Whether each member leaves out its share of the examples.
        scale: ``linear`` or ``rank``.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        members: int = 5,
        width: int = 32,
        depth: int = 3,
        epochs: int = 100,
        rate: float = 0.01,
        batch: int = 32,
        decay: float = 0.001,
        loss: Loss = "l2",
        folds: bool = False,
        scale: ScaleName = "rank",
    ) -> None:
        if min(width, depth) < 1:
            raise ConfigError(f"width is {width} and depth {depth}; both must be 1 or more")
        self.space, self.width, self.depth = space, width, depth
        self._words: dict[str, int] = {}
        super().__init__(seed, members, Training(epochs, rate, batch, decay, loss, folds, scale))

    def _inputs(self, architectures: Sequence[Architecture], *, examples: bool) -> tuple[Tensor, ...]:
        graphs = [graph(self.space, one) for one in architectures]
        if examples:
            words = sorted({word for one in graphs for op in one.ops for word in _label(op)})
            self._words = {word: i for i, word in enumerate(words)}
        return tuple(map(torch.from_numpy, self._arrays(graphs)))

    def _arrays(self, graphs: Sequence[Graph]) -> tuple[NDArray[np.float32], ...]:
        """Returns words of nodes [n, nodes, words], edges [n, nodes, nodes] and presence [n, nodes].

        A label that no example had is read by those of its words that are known.
        """
        nodes = max(len(one.ops) for one in graphs)
        labels = np.zeros((len(graphs), nodes, len(self._words)), np.float32)
        edges = np.zeros((len(graphs), nodes, nodes), np.float32)
        there = np.zeros((len(graphs), nodes), np.float32)
        for i, one in enumerate(graphs):
            there[i, : len(one.ops)] = 1
            edges[i] = one.adjacency(nodes)
            for node, op in enumerate(one.ops):
                for word in _label(op):
                    if word in self._words:
                        labels[i, node, self._words[word]] = 1
        return labels, edges, there

    def _drawn(self, generator: torch.Generator) -> list[Tensor]:
        made: list[Tensor] = []
        width = len(self._words)
        for _ in range(self.depth):
            # Own state, feeders and fed side by side: one product, and the init of a layer of that width.
            made += layers(generator, self.members, [3 * width, self.width])
            width = self.width
        return [*made, *layers(generator, self.members, [self.width, self.width, 1])]

    def _guessed(self, weights: Sequence[Tensor], data: Sequence[Tensor]) -> Tensor:
        state, edges, there = data  # [m, b, nodes, words], [m, b, nodes, nodes], [m, b, nodes]
        fed, feeds = _means(edges.transpose(-1, -2)), _means(edges)
        for i in range(self.depth):
            weight, bias = weights[2 * i][:, None], weights[2 * i + 1][:, None]
            around = torch.cat([state, torch.matmul(fed, state), torch.matmul(feeds, state)], dim=-1)
            state = torch.relu(torch.matmul(around, weight) + bias) * there[..., None]
        mean = state.sum(2) / there.sum(2, keepdim=True)  # [m, b, width]
        return dense(weights[2 * self.depth :], mean).squeeze(-1)


def _means(edges: Tensor) -> Tensor:
    """Returns the matrix that takes the mean over the neighbours of each node, zeros where it has none."""
    means: Tensor = edges / edges.sum(-1, keepdim=True).clamp(min=1)
    return means


def _label(op: str) -> list[str]:
    return op.replace(",", " ").split()
