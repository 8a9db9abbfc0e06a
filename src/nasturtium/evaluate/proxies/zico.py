"""ZiCo: gradients that are large, and much the same from batch to batch."""

import torch
from torch import Tensor, nn

from nasturtium.evaluate.proxies.copies import gradients, untrained_copy, weights_of

PARTS = 2  # of the batch: what the authors look at, two batches


def zico(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum over layers of log sum_w (mean |g_w| / deviation of g_w), over parts of the batch.

    Li, Yang, Bhardwaj and Marculescu 2023, section 3.3 (arXiv:2301.11300), g the loss's gradient of a weight
    of a convolution or linear layer. The deviation is that of the gradient, as in the release. Weights whose
    gradient is the same in all parts are left out, and so are layers without any other.

    Differs: the parts are halves of one batch, which keeps proxies alike; the authors take two batches.
    """
    twin = untrained_copy(model)
    weights = weights_of(twin)
    parts = zip(images.chunk(PARTS), labels.chunk(PARTS), strict=True)
    found = [[g.double() for g in gradients(twin, weights, *part)] for part in parts]
    total = 0.0
    for slopes in zip(*found, strict=True):  # of one layer, in each part
        slope = torch.stack(slopes)
        deviation = slope.std(0, correction=0)
        moved = deviation > 0
        if moved.any():
            total += float((slope.abs().mean(0)[moved] / deviation[moved]).sum().log())
    return total
