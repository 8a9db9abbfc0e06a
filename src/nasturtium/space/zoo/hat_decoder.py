"""The decoder of hardware-aware transformers as a language model (Wang et al. 2020, arXiv:2005.14187)."""

from nasturtium.space.blocks import causal_transformer, embedding, next_token, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size


def hat_decoder(size: str = "small") -> Space:
    """Returns HAT's decoder alone, for one text: width, depth; per layer heads and inner width.

    Differs: there is no source, so a layer attends to the text's own past alone; scores come for every
    token. What else differs is said at `hat`.

    Args:
        size: ``published`` has the options of HAT's decoder for WMT'14 En-De, for 30 tokens of 32,768 words;
            ``small`` has one to three layers of 48 or 64 features, for texts of 64 of 65 characters.
    """
    check_size(size)
    if size == "small":
        return Space(
            embedding=embedding(choice(48, 64, name="width")),
            decoder=repeat(causal_transformer(choice(2, 4), choice(64, 128, 192), 64), choice(1, 2, 3)),
            next=next_token(),
            name="hat_decoder",
            input_shape=(1, 64),
            outputs=65,
        )
    return Space(
        embedding=embedding(choice(512, 640, name="width")),
        decoder=repeat(
            causal_transformer(choice(4, 8), choice(1024, 2048, 3072), 512), choice(1, 2, 3, 4, 5, 6)
        ),
        next=next_token(),
        name="hat_decoder-published",
        input_shape=(1, 30),
        outputs=32768,
    )
