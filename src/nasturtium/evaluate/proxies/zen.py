"""Zen-NAS's proxy: how far a small change of the input moves the features of a random network."""

import math

import torch
from torch import Tensor, nn

from nasturtium.evaluate.proxies.copies import NORMS, WEIGHTED, untrained_copy
from nasturtium.seeds import seed_for

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def zen(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int = 0,
    repeats: int = 4,
    batch: int = 16,
    step: float = 0.01,
) -> float:
    """Mean over `repeats` of log E|f(x) - f(x + step e)| + sum over batch norms of log sqrt(mean variance).

    Lin et al. 2021, Algorithm 1 (arXiv:2102.01063): x, e and all weights are N(0, 1); f are the features
    before the last global pooling, their difference is summed over places and channels; the variance is that
    of the channels of x at the input of a batch norm.

    Differs: as in the released code the difference is its absolute value, not its length; the variance is of
    the batch itself, where that code reads running statistics; shortcuts stay, where the paper takes them
    out, since a network is not ours to change; 4 repeats, where that code has 32: one differs from another
    by 0.4, and cells of NAS-Bench-201 by 2.8.

    Args:
        model: The network; without batch norms there is nothing to add up for them.
        images: Only their shape is used.
        labels: Not used.
        seed: Of the weights and inputs.
        repeats: Random networks.
        batch: Random inputs of each.
        step: How small the change is.

    Returns:
        -inf where the input does not reach the features.
    """
    twin = untrained_copy(model)
    generator = torch.Generator(images.device).manual_seed(seed_for(seed, "zen"))
    watched = _Watched(twin)
    shape = (batch, *images.shape[1:])
    total = 0.0
    with torch.no_grad():
        for _ in range(repeats):
            _draw(twin, generator)
            x = torch.randn(shape, generator=generator, device=images.device)
            change = torch.randn(shape, generator=generator, device=images.device)
            features, scaling = watched.run(x)
            moved, _ = watched.run(x + step * change)
            distance = float((features - moved).abs().flatten(1).sum(dim=1).double().mean())
            total += math.log(distance) + scaling if distance > 0 else -math.inf
    return total / repeats


class _Watched:
    """A network whose last globally pooled features, and the spread at its batch norms, are noted."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._features: Tensor | None = None
        self._scaling = 0.0
        for module in model.modules():
            if isinstance(module, BATCH_NORMS):
                module.register_forward_pre_hook(self._norm)
            elif isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
                module.register_forward_pre_hook(self._pool)

    def run(self, x: Tensor) -> tuple[Tensor, float]:
        """Returns the features, the outputs where nothing is pooled, and the sum over batch norms."""
        self._features, self._scaling = None, 0.0
        outputs = self.model(x)
        return outputs if self._features is None else self._features, self._scaling

    def _pool(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._features = inputs[0].clone()

    def _norm(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        places = [axis for axis in range(inputs[0].dim()) if axis != 1]
        variance = float(inputs[0].var(dim=places, correction=0).mean())
        if variance > 0:  # a dead branch stays 0 whatever its norm does
            self._scaling += 0.5 * math.log(variance)


def _draw(model: nn.Module, generator: torch.Generator) -> None:
    for module in model.modules():
        if isinstance(module, WEIGHTED):
            module.weight.normal_(generator=generator)
        elif isinstance(module, NORMS) and module.weight is not None:
            module.weight.fill_(1.0)
        if isinstance(module, (*WEIGHTED, *NORMS)) and module.bias is not None:
            module.bias.zero_()
