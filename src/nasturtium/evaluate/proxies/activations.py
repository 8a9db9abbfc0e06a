"""Proxies that look at what happens inside: Fisher information of channels, and which units are active."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.evaluate.proxies.copies import WEIGHTED, untrained_copy

# Activations that bend at 0 or close to it, so that the sign of their input tells on which side an image is.
BENT = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
)


def fisher(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum over weights of half the mean over images of (sum over places of a dL/da)^2 of their channel.

    Theis et al. 2018, eq. 8 (arXiv:1801.05787), of the channels that convolutions and linear layers give, as
    in Turner et al. 2020 (arXiv:1906.04113). A channel counts once for each weight that makes it, as in the
    code of Abdelfattah et al. 2021, from which the published correlations are; the formula counts it once.
    """
    twin = untrained_copy(model)
    parts: list[Tensor] = []

    def weigh(fan_in: int, output: Tensor, gradient: Tensor) -> None:
        joint = (output * gradient).double()
        joint = joint.flatten(2).sum(dim=2) if joint.dim() > 2 else joint  # [n, channels]
        parts.append(fan_in * joint.square().mean(dim=0).sum() / 2)

    def watch(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        assert isinstance(module.weight, Tensor)
        weights = module.weight[0].numel()
        output.register_hook(partial(weigh, weights, output.detach()))  # type: ignore[no-untyped-call]
        return output.clone()  # an activation that works in place must not change what is looked at

    for module in twin.modules():
        if isinstance(module, WEIGHTED):
            module.register_forward_hook(watch)
    with torch.enable_grad():
        functional.cross_entropy(twin(images), labels).backward()  # type: ignore[no-untyped-call]
    return float(torch.stack(parts).sum()) if parts else 0.0


def naswot(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Logarithm of the determinant of the kernel that counts the units two images agree in.

    Mellor et al. 2021, section 3 (arXiv:2006.04647v3): K = sum over rectifiers of c c' + (1 - c)(1 - c)',
    where a row of c says which units an image activates, [n, units].

    Differs: all activations that bend at 0 or near it count (ReLU6, leaky ReLU, ELU, SiLU, GELU, hard swish
    and so on), by the sign of their input; gates (sigmoid) and tanh do not.

    Returns:
        -inf for a network without such activations, or where two images activate the same units.
    """
    twin = untrained_copy(model)
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)

    def agree(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        signs = (inputs[0].detach() > 0).flatten(1).float() * 2 - 1  # [n, units]
        # (units + s s') / 2 is c c' + (1 - c)(1 - c)' in one product, exact below 2^24 units.
        kernel.add_((signs @ signs.T + signs.shape[1]).double() / 2)

    for module in twin.modules():
        if isinstance(module, BENT):
            module.register_forward_pre_hook(agree)
    with torch.no_grad():
        twin(images)
    sign, logarithm = torch.linalg.slogdet(kernel)
    return float(logarithm) if float(sign) > 0 else -float("inf")
