import numpy as np
import pytest

from nasturtium.cost.counts import Counted
from nasturtium.evaluate.tables.arrays import counted, joined, packaged, split
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space


def test_counts_of_independent_decisions_add_up():
    kernels = (choice(b.conv(8, kernel=1), b.conv(8, kernel=3)) for _ in range(3))
    space = Space(b.conv(8), *kernels, b.classifier(), input_shape=(3, 8, 8), outputs=4)
    found, each = counted(space), Counted(space)
    for name in ("params", "macs"):
        assert found[name].tolist() == [each(one)[name] for one in space]


def test_split_values_are_joined_again():
    values = np.array([[0.1, -3e20], [np.nan, 1e-40]], np.float32)
    assert np.array_equal(joined(split(values)), values.ravel(), equal_nan=True)
    assert split(values).shape == (4, 4)


def test_packaged_arrays_are_read_once_and_cannot_be_changed():
    arrays = packaged("nasbench_macro.npz")
    assert arrays is packaged("nasbench_macro.npz")
    with pytest.raises(ValueError, match="read-only"):
        arrays["test_acc"][0] = 0
