"""Auto-Net: a perceptron, its solver and their settings as one conditional space (Mendoza et al. 2016)."""

from typing import Any

from nasturtium.space.blocks import Repeat, dense, repeat, settings
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size


def autonet_mlp(size: str = "small") -> Space:
    """Returns the joint space of Auto-Net: layers that exist with their number, settings with their solver.

    Mendoza, Klein, Feurer, Springenberg & Hutter 2016, Towards automatically-tuned neural networks: 1 to 6
    layers, each with 64 to 4,096 units (log scale), an activation and dropout; the solver with settings of
    its own; the batch size.

    Differs: numbers lie on grids. Solvers are the two that a `Recipe` has, and the learning rate always has a
    warm-up and a cosine; the paper has seven solvers and four schedules, and chooses initial weights and the
    preparation of the data too. Scaled tanh is left out.

    Args:
        size: ``published`` has the paper's ranges; ``small`` has 1 to 3 layers of at most 256 units, for
            small images and a CPU.
    """
    check_size(size)
    small = size == "small"
    return Space(
        layers=_small_layers() if small else _published_layers(),
        head=dense(act="none"),
        solver=_small_solver() if small else _published_solver(),
        training=settings(batch_size=choice(*((16, 32, 64) if small else (16, 32, 64, 128, 256, 512)))),
        name="autonet_mlp",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _small_layers() -> Repeat:
    acts, dropouts = choice("relu", "tanh", "sigmoid"), choice(0.0, 0.25)
    return repeat(dense(choice(64, 128, 256), act=acts, dropout=dropouts), choice(1, 2, 3))


def _published_layers() -> Repeat:
    units = choice(*(round(64 * 2 ** (i / 2)) for i in range(13)))  # 64, 91, 128, ... 4096
    acts = choice("relu", "leaky_relu", "elu", "tanh", "sigmoid", "none")
    return repeat(dense(units, act=acts, dropout=choice(0.0, 0.1, 0.25, 0.5, 0.75)), choice(*range(1, 7)))


def _small_solver() -> Any:
    sgd = settings(
        optimizer="sgd",
        lr=choice(0.02, 0.05, 0.1),
        momentum=choice(0.0, 0.9),
        weight_decay=choice(0.0, 1e-3),
    )
    adamw = settings(optimizer="adamw", lr=choice(1e-3, 3e-3, 1e-2), weight_decay=choice(0.0, 1e-3))
    return choice(sgd, adamw, labels=("sgd", "adamw"))


def _published_solver() -> Any:
    rates = [float(f"{10 ** (i / 2):.2g}") for i in range(-12, 1)]  # 1e-6, 3.2e-6, ... 1
    decays = (0.0, 1e-5, 1e-4, 1e-3, 1e-2)
    sgd = settings(
        optimizer="sgd",
        lr=choice(*rates),
        momentum=choice(0.0, 0.5, 0.9, 0.95, 0.99),
        weight_decay=choice(*decays),
    )
    adamw = settings(optimizer="adamw", lr=choice(*rates), weight_decay=choice(*decays))
    return choice(sgd, adamw, labels=("sgd", "adamw"))
