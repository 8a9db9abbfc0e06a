"""The one file of the space language that needs torch, and only when a user's own module is met."""

from functools import lru_cache
from typing import Any

from nasturtium.errors import ShapeError
from nasturtium.space.layers import Shape


def output_shape(block: Any, shape: Shape) -> Shape:
    """Returns the output shape of ``block.build(shape)``, found by running it on tensors without data.

    Args:
        block: A `CustomBlock` whose choices are taken.
        shape: Of its input, without the batch.

    Raises:
        ShapeError: The module cannot run on that shape, or changes the size of the batch.
    """
    return _run(block, shape)


@lru_cache(maxsize=4096)
def _run(block: Any, shape: Shape) -> Shape:
    import torch

    try:
        with torch.device("meta"):
            module = block.build(shape)
            result = module.eval()(torch.empty(2, *shape))
    except Exception as error:
        raise ShapeError(
            f"{block.label}: its module cannot run on an input of {list(shape)}: {error}"
        ) from error
    if not isinstance(result, torch.Tensor) or result.shape[0] != 2:
        raise ShapeError(
            f"{block.label}: its module must return one tensor [batch, ...], not {type(result).__name__}"
        )
    return tuple(result.shape[1:])
