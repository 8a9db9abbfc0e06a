"""FC-Net: a perceptron of two hidden layers and how it is trained (Klein & Hutter 2019, arXiv:1905.04970)."""

from nasturtium.space.blocks import Dense, dense, settings
from nasturtium.space.choice import choice
from nasturtium.space.space import Space

UNITS = (16, 32, 64, 128, 256, 512)


def fcnet() -> Space:
    """Returns the joint space of the benchmark, table 1: 62,208 networks with their settings.

    Each of two layers has units, an activation and dropout; training has a batch size, an initial learning
    rate of Adam and its schedule. They are named as in the benchmark, whose table looks them up;
    `evaluate.Scratch` has no recipe for such a training.
    """
    return Space(
        layer1=_layer(),
        layer2=_layer(),
        head=dense(act="none"),
        training=settings(
            batch_size=choice(8, 16, 32, 64),
            init_lr=choice(5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1),
            lr_schedule=choice("cosine", "const"),
        ),
        name="fcnet",
        input_shape=(9,),
        outputs=1,
    )


def _layer() -> Dense:
    return dense(choice(*UNITS), act=choice("relu", "tanh"), dropout=choice(0.0, 0.3, 0.6))
