"""The copy of a network that a proxy may change as it likes."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.GroupNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LayerNorm,
)
NOISY = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    nn.RReLU,
)


class _Hardsigmoid(nn.Module):
    """The same function as torch's, whose gradient torch cannot differentiate again."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu6(x + 3) / 6


def untrained_copy(model: nn.Module) -> nn.Module:
    """Returns a copy in training mode, so that norms use the batch; random layers off, all weights free."""
    twin = copy.deepcopy(model).train()
    for module in twin.modules():
        if isinstance(module, NOISY):
            module.eval()
        for name, child in module.named_children():
            if isinstance(child, nn.Hardsigmoid):
                setattr(module, name, _Hardsigmoid())
    return twin.requires_grad_(True)


def without_norms(model: nn.Module) -> None:
    """Replaces every normalisation layer by the identity, in place."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, NORMS):
                setattr(parent, name, nn.Identity())


def weights_of(model: nn.Module) -> list[Tensor]:
    """Returns the weights of convolutions and linear layers, without biases; each tensor once."""
    layers = (module for module in model.modules() if isinstance(module, WEIGHTED))
    return list({id(layer.weight): layer.weight for layer in layers}.values())


def gradients(
    model: nn.Module, weights: Sequence[Tensor], images: Tensor, labels: Tensor, *, twice: bool = False
) -> list[Tensor]:
    """Returns d loss / d weight for each of `weights`, 0 where the loss does not depend on it.

    Args:
        model: A copy.
        weights: Of it.
        images: [n, channels, height, width].
        labels: [n]; the loss is the mean cross-entropy.
        twice: Whether the gradients can be differentiated again.
    """
    with torch.enable_grad():
        loss = functional.cross_entropy(model(images), labels)
        found = torch.autograd.grad(loss, weights, create_graph=twice, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(found, weights, strict=True)]
