"""Residual networks of elastic depth and width (He et al. 2016, arXiv:1512.03385)."""

from typing import Any

from nasturtium.space.blocks import basic_block, bottleneck, classifier, conv, max_pool, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size


def resnet(size: str = "small") -> Space:
    """Returns a space of residual networks; per stage its width and depth.

    Args:
        size: ``small`` has three stages of basic blocks for images of 8x8 to 64x64, with ResNet-20 among its
            members (shortcuts projected); ``published`` has four stages of bottlenecks for 224x224, with the
            inner width of each block open too, as in OFA's elastic ResNet, and ResNet-50 among its members
            (25,557,032 params).
    """
    check_size(size)
    return _small() if size == "small" else _published()


def _small() -> Space:
    return Space(
        stem=conv(16),
        stage1=repeat(basic_block(choice(8, 16, 24, name="stage1.width")), choice(1, 2, 3), stride=1),
        stage2=repeat(basic_block(choice(16, 32, 48, name="stage2.width")), choice(1, 2, 3), stride=2),
        stage3=repeat(basic_block(choice(32, 64, 96, name="stage3.width")), choice(1, 2, 3), stride=2),
        classifier=classifier(),
        name="resnet",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _published() -> Space:
    stages: dict[str, Any] = {}
    for number, (width, depth) in enumerate(((256, 3), (512, 4), (1024, 6), (2048, 3)), 1):
        scaled = (round(width * factor / 8) * 8 for factor in (0.65, 0.8, 1))
        widths = choice(*scaled, name=f"stage{number}.width")
        depths = choice(*range(depth - 1, depth + 2))
        block = bottleneck(widths, ratio=choice(0.2, 0.25, 0.35))
        stages[f"stage{number}"] = repeat(block, depths, stride=1 if number == 1 else 2)
    return Space(
        stem=conv(64, 7, stride=2),
        pool=max_pool(3, stride=2),
        **stages,
        classifier=classifier(),
        name="resnet-published",
        input_shape=(3, 224, 224),
        outputs=1000,
    )


def resnet_cifar(depth: int = 20, width: int = 16) -> Space:
    """Returns the CIFAR ResNet of 6n + 2 layers (He et al. 2016, section 4.2) as a space of one architecture.

    Args:
        depth: 20, 32, 44, 56 or 110; also 8 and 14.
        width: Channels of the first stage; the next two double it.
    """
    blocks = (depth - 2) // 6
    return Space(
        stem=conv(width),
        stage1=repeat(basic_block(width), blocks, stride=1),
        stage2=repeat(basic_block(2 * width), blocks, stride=2),
        stage3=repeat(basic_block(4 * width), blocks, stride=2),
        classifier=classifier(),
        name=f"resnet{depth}-{width}",
        input_shape=(3, 32, 32),
        outputs=10,
    )
