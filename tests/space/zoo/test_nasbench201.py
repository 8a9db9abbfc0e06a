"""NAS-Bench-201 against every row of its table."""

import numpy as np
import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError, UnknownOp
from nasturtium.space.zoo.nasbench201 import OPS, from_ops, from_string, nasbench201, to_string
from nasturtium.testing.space import SpaceConformance


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return nasbench201()


@pytest.fixture(scope="module")
def table(data_root):
    with np.load(data_root / "nasbench201" / "nb201_tss.npz", allow_pickle=False) as file:
        return {name: file[name] for name in ("ops", "op_names", "params", "macs", "iso_class")}


@pytest.fixture(scope="module")
def rows(table):
    space = nasbench201("published")
    assert tuple(table["op_names"]) == OPS
    return [from_ops(space, [OPS[op] for op in ops]) for ops in table["ops"]]


def test_every_row_is_one_architecture(rows):
    assert len(set(rows)) == nasbench201().count == 15_625


def test_the_canonical_form_has_exactly_the_classes_of_the_table(table, rows):
    space = nasbench201("published")
    forms = [space.canonical(architecture) for architecture in rows]
    pairs = set(zip(forms, table["iso_class"].tolist(), strict=True))
    assert len(pairs) == len(set(forms)) == len(set(table["iso_class"].tolist())) == 6_466


def test_params_and_macs_of_every_row_are_those_of_the_table(table, rows):
    counted = Counted(nasbench201("published"))
    found = [counted.counts(architecture) for architecture in rows]
    assert [one.params for one in found] == table["params"][0].tolist()
    assert [one.macs for one in found] == table["macs"][0].tolist()


@pytest.mark.parametrize(("dataset", "shape", "outputs"), [(1, (3, 32, 32), 100), (2, (3, 16, 16), 120)])
def test_params_and_macs_follow_the_data_set(table, rows, dataset, shape, outputs):
    """Of cifar100 and ImageNet16-120, on every 97th row."""
    counted = Counted(nasbench201("published").bind(shape, outputs))
    found = [counted.counts(architecture) for architecture in rows[::97]]
    assert [one.params for one in found] == table["params"][dataset][::97].tolist()
    assert [one.macs for one in found] == table["macs"][dataset][::97].tolist()


def test_names_are_the_benchmarks_own():
    space = nasbench201()
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    best = from_string(space, text)
    assert best.choices == (3, 3, 3, 1, 3, 2)
    assert to_string(best) == text
    assert all(
        from_string(space, to_string(space.unrank(i))) == space.unrank(i) for i in range(0, 15_625, 501)
    )


@pytest.mark.parametrize(
    "text", ["", "|nor_conv_3x3~0|", "nonsense", "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(SpaceError, match="is not a NAS-Bench-201 name"):
        from_string(nasbench201(), text)


def test_an_unknown_op_is_named_with_those_that_are():
    with pytest.raises(UnknownOp, match=r"no op 'sep_conv_9x9'; this space has none, skip_connect"):
        from_ops(nasbench201(), ["sep_conv_9x9"] * 6)
    with pytest.raises(SpaceError, match="5 operations"):
        from_ops(nasbench201(), ["none"] * 5)


def test_a_cell_without_a_path_gives_zeros():
    space = nasbench201()
    ops = [type(layer.op).__name__ for layer in space.network(space.unrank(0)).layers]
    assert ops.count("Zero") == 9
