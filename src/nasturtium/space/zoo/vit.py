"""Vision transformers of elastic depth, width, heads and inner width, as AutoFormer's (Chen et al. 2021)."""

from nasturtium.space.blocks import patches, repeat, resize, token_classifier, transformer
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size


def vit(size: str = "small") -> Space:
    """Returns a space of vision transformers: width and depth; per block heads and inner width.

    Differs: from AutoFormer (arXiv:2107.00651), in that a convolution tells places (`Patches`), so that there
    are no position tables; the classes are read from the mean over the tokens.

    Args:
        size: ``published`` is AutoFormer's smallest supernet, of 12 to 14 blocks for 224x224 in patches of
            16x16, DeiT-Ti's sizes among them; ``small`` has 2 to 4 blocks, patches of 4x4 and resolutions of
            24, 28 and 32, for 32x32.
    """
    check_size(size)
    if size == "small":
        return Space(
            resolution=resize(choice(24, 28, 32)),
            patches=patches(choice(32, 40, 48, name="width"), size=4),
            stage=repeat(transformer(choice(2, 3), head=16, ratio=choice(2, 3)), choice(2, 3, 4)),
            classifier=token_classifier(),
            name="vit",
            input_shape=(3, 32, 32),
            outputs=10,
        )
    return Space(
        patches=patches(choice(192, 216, 240, name="width")),
        stage=repeat(transformer(choice(3, 4), ratio=choice(3.5, 4)), choice(12, 13, 14)),
        classifier=token_classifier(),
        name="vit-published",
        input_shape=(3, 224, 224),
        outputs=1000,
    )
