"""What a hypernetwork is shown (Brock et al. 2018, SMASH, arXiv:1708.05344, section 3.1)."""

from math import prod

import pytest

from nasturtium.net.memory_bank import MemoryBank
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Conv2d
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.nasbench201 import from_ops, nasbench201


@pytest.mark.parametrize("make", [nasbench201, chain])
def test_slots_follow_each_other_and_hold_every_weight(make):
    memory, last = MemoryBank(make().bind((3, 8, 8), 10), slot=512), 0
    assert memory.slots.keys() == memory.shapes.keys() == memory.banks.keys()
    for key, (first, end) in memory.slots.items():
        assert first == last
        assert 512 * (end - first - 1) < prod(memory.shapes[key]) <= 512 * (end - first)
        last = end


@pytest.mark.parametrize("make", [nasbench201, chain])
def test_reads_and_writes_are_each_others_transpose(make):
    space = make().bind((3, 8, 8), 10)
    memory = MemoryBank(space, slot=512)
    for i in range(5):
        network = space.network(space.sample(rng_for(0, "memory", i)))
        encoding, banks = memory.encode(network), len(memory.banks)
        assert encoding.layers == tuple(one for one in network.layers if isinstance(one.op, Conv2d))
        assert encoding.rows.shape == (len(encoding.layers), memory.features)
        mine, reads, writes = (encoding.rows[:, i * banks : (i + 1) * banks] for i in range(3))
        assert (mine.sum(1) == 1).all()
        graph = reads @ mine.T  # [reader, source]
        assert (graph == (writes @ mine.T).T).all()
        assert (graph[0] == 0).all()  # the stem reads the images
        assert graph.sum() > 0


@pytest.mark.parametrize("op", ["none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1"])
def test_another_operation_on_an_edge_is_another_encoding(op):
    """Else two networks would be given the same weights ; pools and skips have no weights to tell."""
    space = nasbench201().bind((3, 8, 8), 10)
    memory = MemoryBank(space, slot=512)
    ops = ["nor_conv_3x3", "none", "nor_conv_3x3", "none", "nor_conv_3x3", "nor_conv_1x1"]
    one, other = (
        memory.encode(space.network(from_ops(space, [*ops[:4], each, ops[5]]))).rows for each in (ops[4], op)
    )
    assert one.shape != other.shape or (one != other).any()


def test_pools_and_skips_are_told_apart():
    space = nasbench201().bind((3, 8, 8), 10)
    memory = MemoryBank(space, slot=512)
    rest = ["nor_conv_3x3", "none", "nor_conv_3x3", "none", "nor_conv_1x1"]
    told = [
        memory.encode(space.network(from_ops(space, [*rest[:4], op, rest[4]]))).rows
        for op in ("avg_pool_3x3", "skip_connect")
    ]
    assert told[0].shape == told[1].shape
    assert (told[0] != told[1]).any()
