"""The optimiser of a recipe, and its learning rate at every step."""

import math

import torch
from torch import nn

from nasturtium.evaluate.recipe import Recipe


def optimizer_for(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Returns the recipe's optimiser over the parameters of `model`, decay off for norms and biases.

    Vectors are exactly the biases and the norms' weights; decaying them shrinks what batch normalisation
    rescales anyway (Goyal et al. 2017, section 5.3; He et al. 2019, arXiv:1812.01187, section 3.1).
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # One fused kernel per step instead of a few per tensor: a tiny network is mostly that overhead.
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.peak_lr, fused=True)
    nesterov = recipe.nesterov and recipe.momentum > 0
    return torch.optim.SGD(groups, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=nesterov, fused=True)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Returns the learning rate of `step` (from 0) of `steps`: a linear warm-up, then a cosine to the floor.

    Loshchilov and Hutter 2017, SGDR (arXiv:1608.03983), eq. 5 without restarts, its smallest rate the floor's
    share of the peak; Goyal et al. 2017
    (arXiv:1706.02677), section 2.2, for the warm-up.
    """
    warm = int(recipe.warmup * steps)
    if step < warm:
        return recipe.peak_lr * (step + 1) / (warm + 1)
    falling = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
    return recipe.peak_lr * (recipe.floor + (1 - recipe.floor) * falling)


def clip_gradients(model: nn.Module, recipe: Recipe) -> None:
    """Bounds the gradients of `model`, in place, by what the recipe says."""
    if recipe.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), recipe.clip_value)
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
