"""NAS-Bench-Macro against every row of its table."""

import numpy as np
import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError
from nasturtium.space.zoo.nasbench_macro import digits, from_digits, nasbench_macro
from nasturtium.testing.space import SpaceConformance


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return nasbench_macro()


@pytest.fixture(scope="module")
def table(data_root):
    with np.load(data_root / "nasbench_macro" / "nb_macro_cifar10.npz", allow_pickle=False) as file:
        return {name: file[name] for name in ("ops", "params", "flops")}


def test_a_rank_is_a_row(table):
    space = nasbench_macro("published")
    assert [architecture.choices for architecture in space] == [tuple(ops) for ops in table["ops"].tolist()]
    assert space.count == 6_561


def test_params_and_macs_of_every_row_are_those_of_the_table(table):
    space = nasbench_macro("published")
    counted = Counted(space)
    found = [counted.counts(architecture) for architecture in space]
    assert [one.params for one in found] == table["params"].tolist()
    assert [one.macs for one in found] == table["flops"].tolist()


@pytest.mark.parametrize("size", ["small", "published"])
def test_identities_inside_a_stage_leave_3969_networks(size):
    """9 of the first stage, and 3 (1 + 2 + 4) of each of the other two."""
    space = nasbench_macro(size)
    assert len({space.canonical(architecture) for architecture in space}) == 9 * 21 * 21 == 3_969


def test_names_are_the_benchmarks_own():
    space = nasbench_macro()
    assert digits(from_digits(space, "22212220")) == "22212220"
    assert from_digits(space, "00000012") == space.unrank(5)
    with pytest.raises(SpaceError, match="is not a NAS-Bench-Macro name; it has eight digits"):
        from_digits(space, "3221222")
