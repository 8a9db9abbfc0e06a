"""Proxies that add up how much each weight matters, as pruning before training judges it.

None of them is divided by a sum over the network: that would make networks of one size alike.
"""

import torch
from torch import Tensor, nn

from nasturtium.evaluate.proxies.copies import gradients, untrained_copy, weights_of, without_norms


def grad_norm(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum over layers of the length of the loss's gradient.

    Abdelfattah et al. 2021, section 3 (arXiv:2101.08134): the length is taken of each weight tensor of a
    convolution or linear layer, not of all of them together.
    """
    twin = untrained_copy(model)
    found = gradients(twin, weights_of(twin), images, labels)
    return _total([torch.linalg.vector_norm(g.double()) for g in found])


def snip(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum of |w dL/dw| over the weights of convolutions and linear layers.

    Lee et al. 2019, eq. 4 (arXiv:1810.02340): |dL/dm| of a mask m = 1 on the weights, which is this product.
    """
    twin = untrained_copy(model)
    weights = weights_of(twin)
    found = gradients(twin, weights, images, labels)
    return _total([(g * w.detach()).abs().double().sum() for g, w in zip(found, weights, strict=True)])


def grasp(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum of -w (H g): how much the flow of gradients would lose without the weights.

    Wang et al. 2020, eq. 8 (arXiv:2002.07376), with the sign of Abdelfattah et al. 2021: high is good. H is
    the Hessian of the loss and g its gradient; H g is the gradient of g.stop(g), exact. The temperature is 1
    and the batch is not split. With activations that are straight lines the part of H within a layer is 0.
    """
    twin = untrained_copy(model)
    weights = weights_of(twin)
    found = gradients(twin, weights, images, labels, twice=True)
    with torch.enable_grad():
        product = torch.stack([(g * g.detach()).sum() for g in found]).sum()
        curved = torch.autograd.grad(product, weights, allow_unused=True)
    pairs = zip(curved, weights, strict=True)
    return -_total([(h * w.detach()).double().sum() for h, w in pairs if h is not None])


def synflow(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum of |w| dR/d|w|, where R is the sum of the outputs for an input of ones and weights |w|.

    Tanaka et al. 2020, eq. 2 (arXiv:2006.05467); no data is looked at. Norms are bypassed, as in Abdelfattah
    et al. 2021, biases and whatever else is learnt are made positive too. In float64: networks of some 50
    layers leave the range of float32, and those of 200 may leave this one (inf).

    With rectifiers or none, R is linear in each layer's weights, and the sum over a layer is the same for all
    layers without biases. With other activations it is what the formula gives.
    """
    twin = untrained_copy(model).double()
    without_norms(twin)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.abs_()
    weights = weights_of(twin)
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    # A user's norm that cannot be bypassed needs statistics of more than one image.
    with torch.enable_grad():
        flow = twin.eval()(ones).sum()
        found = torch.autograd.grad(flow, weights, allow_unused=True)
    pairs = zip(found, weights, strict=True)
    return _total([(g * w.detach()).abs().sum() for g, w in pairs if g is not None])


def _total(parts: list[Tensor]) -> float:
    return float(torch.stack(parts).sum()) if parts else 0.0
