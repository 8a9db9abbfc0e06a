"""The two counts that every proxy must beat."""

from torch import Tensor, nn

from nasturtium.evaluate.execution import forward_macs


def params(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Number of trainable parameters; the images are not looked at."""
    return float(sum(p.numel() for p in model.parameters() if p.requires_grad))


def macs(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Multiply-accumulates of convolutions and linear layers for one image."""
    return float(forward_macs(model, tuple(images.shape[1:])))
