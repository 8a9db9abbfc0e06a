"""The network that is trained in a network's place, where the recipe drops paths or adds a classifier.

It has the same layers, not copies of them, so what it learns the network has learnt; the additions are
thrown away with it, and nothing of them can be evaluated, saved or exported.
"""

import torch
from torch import Tensor, fx, nn

from nasturtium.errors import ConfigError
from nasturtium.evaluate.auxiliary import auxiliary_head, auxiliary_place
from nasturtium.evaluate.drop_path import DropPath, droppable
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import layer_nodes
from nasturtium.seeds import seed_for
from nasturtium.space.layers import Network

PATHS, HEAD = "dropped_path", "auxiliary_head"


def companion(model: nn.Module, network: Network | None, recipe: Recipe, seed: int) -> nn.Module:
    """Returns what to train instead of `model`: itself where the recipe asks for nothing beside it.

    Args:
        model: Built from `network`.
        network: Its layers.
        recipe: With `drop_path` the paths of sums are dropped, with `auxiliary` the output is (logits, logits
            of the auxiliary head).
        seed: Of the head's initial weights.

    Raises:
        ConfigError: The recipe asks for it and there is no network to read, or none of our making.
    """
    if not recipe.drop_path and not recipe.auxiliary:
        return model
    if network is None or not isinstance(model, fx.GraphModule):
        raise ConfigError("recipe: drop_path and auxiliary need the network that the module was built from")
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    logits = graph.graph_copy(model.graph, copied)
    nodes = [[copied[node] for node in nodes] for nodes in layer_nodes(network, model)]
    paths = [str(node.target) for node in model.graph.nodes if node.op == "call_module"]
    modules: dict[str, nn.Module] = {path: model.get_submodule(path) for path in paths}
    if recipe.drop_path:
        modules[PATHS] = DropPath()
        for total, summand in droppable(network):
            _drop(graph, nodes[total], nodes[summand][-1])
    if recipe.auxiliary:
        place = auxiliary_place(network)
        modules[HEAD] = _head(network, place, seed)
        graph.output((logits, graph.call_module(HEAD, (nodes[place][-1],))))
    else:
        graph.output(logits)
    return fx.GraphModule(modules, graph, class_name="Companion")


def set_drop_rate(trained: nn.Module, rate: float) -> None:
    """Sets the share of paths that a companion drops; a module without them stays as it is."""
    paths = getattr(trained, PATHS, None)
    if isinstance(paths, DropPath):
        paths.rate = rate


def with_auxiliary(output: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
    """Returns the logits of a module or a companion, and those of the auxiliary head where there is one."""
    return (output, None) if isinstance(output, torch.Tensor) else output


def _head(network: Network, place: int, seed: int) -> nn.Module:
    shape = network.layers[place].shape
    if len(shape) != 3:
        raise ConfigError("recipe: auxiliary needs a network of images; this one has no feature maps")
    return auxiliary_head(shape, network.layers[-1].shape[0], seed_for(seed, "auxiliary"))


def _drop(graph: fx.Graph, sums: list[fx.Node], summand: fx.Node) -> None:
    """Puts the dropping between a summand and the sum that reads it."""
    (reader,) = (node for node in sums if summand in node.args)
    with graph.inserting_before(reader):
        dropped = graph.call_module(PATHS, (summand,))
    reader.replace_input_with(summand, dropped)
