"""NAS-Bench-NLP as a table (Klyuchnikov et al. 2020, arXiv:2006.07116); its WikiText-2 part is packaged."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from nasturtium.evaluate.table import Level, Table
from nasturtium.evaluate.tables.arrays import joined, packaged
from nasturtium.space.space import Space
from nasturtium.space.zoo import nasbench_nlp as zoo

EPOCHS = 50


def nasbench_nlp(epochs: int = EPOCHS, *, seed: int | None = None) -> Table:
    """Returns the table of NAS-Bench-NLP on WikiText-2: 291 recurrent cells, one to three trainings.

    ``loss`` is the cross-entropy per word on the validation split, in nats, and is what to make small;
    ``perplexity`` is its exponential, with a heavy tail; ``test_loss`` and ``train_loss`` are on the other
    splits. A fidelity of n is the state after n of the 50 epochs of the one training, and ``train_seconds``
    is what it took until then. Four trainings broke down: their later epochs are failed trials.

    The benchmark has 344 recipes there; those that are the same graph are one cell here, called after the
    first, and each is a training of it.

    Args:
        epochs: 1 to 50, where a candidate names no fidelity.
        seed: Of the draw of one training, for each cell; None takes their mean.

    Raises:
        ConfigError: `epochs` is not 1 to 50.
    """
    space, levels = _read()
    return Table(space, levels, space.rank, epochs=epochs, seed=seed, objective="loss")


@cache
def _read() -> tuple[Space, Mapping[int, Level]]:
    """Returns the cells, which take a second or two to parse, and what is known of them."""
    arrays = packaged("nasbench_nlp.npz")
    lines = arrays["cells"].tobytes().decode().splitlines()
    space = zoo.nasbench_nlp([text for _, text in _pairs(lines)], [name for name, _ in _pairs(lines)])
    shape = (len(lines), -1, EPOCHS)  # cell, training, epoch
    curves = {
        name: joined(arrays[name]).reshape(shape).astype(float)
        for name in ("loss", "test_loss", "train_loss", "train_seconds")
    }
    with np.errstate(over="ignore"):
        curves["perplexity"] = np.exp(curves["loss"])
    params = {"params": arrays["params"].astype(float)}
    levels = {
        n: Level(params, {name: values[:, :, n - 1] for name, values in curves.items()})
        for n in range(1, EPOCHS + 1)
    }
    return space, levels


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    """Returns name and text of each cell."""
    return [(name, text) for name, _, text in (line.partition(" ") for line in lines)]
