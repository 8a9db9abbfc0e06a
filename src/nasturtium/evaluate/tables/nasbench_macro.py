"""NAS-Bench-Macro as a table (Su et al. 2021, arXiv:2103.11922); it comes with the package."""

from nasturtium.evaluate.table import Level, Table
from nasturtium.evaluate.tables.arrays import counted, errors, packaged
from nasturtium.space.zoo import nasbench_macro as zoo


def nasbench_macro(*, seed: int | None = None) -> Table:
    """Returns the table of NAS-Bench-Macro: 6,561 networks, trained three times for 50 epochs.

    The benchmark has test accuracies and no validation split, so ``error`` is the test error of the training
    seen, and ``test_error`` the mean of the three. It has no training times either.

    Args:
        seed: Of the draw of one of the three trainings, for each network; None takes their mean.
    """
    seen = errors(packaged("nasbench_macro.npz")["test_acc"])
    space = zoo.nasbench_macro("published")
    levels = {50: Level({"test_error": seen.mean(1), **counted(space)}, {"error": seen})}
    return Table(space, levels, space.rank, epochs=50, seed=seed)
