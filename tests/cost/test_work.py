"""What the layers of a network have to do."""

import pytest
from tests.cost.devices import chain

from nasturtium.cost.counts import Counted
from nasturtium.cost.work import Work
from nasturtium.errors import ShapeError
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201


@pytest.mark.parametrize("space", [chain(), nasbench201()], ids=lambda space: space.name)
def test_work_sums_to_the_macs_that_are_counted(space: Space) -> None:
    work = Work(space)
    for i in range(5):
        one = space.sample(rng_for(0, "test", i))
        macs = sum(
            times * amount
            for kind, times in work.kinds(one).items()
            for name, amount in work.known[kind].items()
            if name.endswith(" macs")
        )
        assert 1e6 * macs == pytest.approx(Counted(space)(one, ["macs"])["macs"])


def test_a_norm_after_a_convolution_is_no_layer_and_one_without_is() -> None:
    work = Work(Space(b.conv(4), b.classifier()).bind((1, 8, 8), 10))
    kinds = work.kinds(work.space.unrank(0))
    assert not any("norm" in kind for kind in kinds)
    assert "conv3 1x8x8 > 4x8x8" in kinds
    cells = Work(nasbench201())
    assert any("norm" in kind for kind in cells.kinds(cells.space.unrank(0)))  # that of its head


def test_every_number_is_there_by_operation_and_by_side() -> None:
    work = Work(Space(b.conv(4, stride=2), b.classifier()).bind((1, 8, 8), 10))
    work.kinds(work.space.unrank(0))
    row = work.known["conv3/2 1x8x8 > 4x4x4"]
    assert row["conv3 layers"] == row["layers @4"] == 1
    assert row["conv3 macs"] == row["macs @4"] == pytest.approx(4 * 9 * 16 / 1e6)
    assert row["conv3 values"] == pytest.approx((64 + 64) / 1e3)


def test_a_space_without_shapes_is_refused() -> None:
    with pytest.raises(ShapeError, match="bind"):
        Work(Space(b.conv(4), b.classifier()))
