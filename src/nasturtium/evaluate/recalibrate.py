"""Fresh statistics for the norms of a network whose weights were trained as part of a supernet."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def recalibrate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Sets mean and variance of every norm to their averages over `batches`, in place; weights stay.

    Guo et al. 2020 (SPOS, arXiv:1904.00420), section 3.4: statistics gathered while all paths were trained
    are wrong for any one of them. The average is cumulative, so each batch counts alike (Yu and Huang 2019,
    arXiv:1903.05134, section 3.4).

    Args:
        model: On the device of the batches; its mode is as before afterwards.
        batches: Normalised training images, [batch, channels, height, width], two images or more each.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:  # transformers have none whose statistics are kept
        return
    before = [norm.momentum for norm in norms]
    was_training = model.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the cumulative average
    model.eval()
    for norm in norms:
        norm.train()  # and dropout stays off
    with torch.no_grad():
        for images in batches:
            model(images)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    model.train(was_training)
