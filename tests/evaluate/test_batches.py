"""Batches of data in memory."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.evaluate import batches as module
from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.batches import Batches
from nasturtium.evaluate.execution import Execution
from nasturtium.tasks.images import Normalisation, Split


def batches(n, batch_size, seed=0, augment=None, memory_format=torch.contiguous_format):
    split = Split(torch.arange(n * 12).view(n, 3, 2, 2).float(), torch.arange(n))
    execution = Execution(torch.device("cpu"), memory_format, 1, None)
    return Batches(
        split, batch_size, Normalisation((0.0,) * 3, (1.0,) * 3, 1.0), augment or Augment(), execution, seed
    )


@given(n=st.integers(2, 200), batch_size=st.integers(2, 70), seed=st.integers(0, 2**32))
def test_every_image_comes_once_an_epoch_and_never_alone(n, batch_size, seed):
    steps = list(batches(n, batch_size, seed).epoch(0))
    labels = torch.cat([y for _, y in steps])
    assert sorted(labels.tolist()) == list(range(n))
    assert [len(y) for _, y in steps] == batches(n, batch_size).sizes
    assert all(2 <= len(y) <= batch_size + 1 for _, y in steps)
    for x, y in steps:
        assert torch.equal(x[:, 0, 0, 0], y.float() * 12)


def test_epochs_differ_and_repeat():
    one = torch.cat([y for _, y in batches(50, 8).epoch(1)])
    assert torch.equal(one, torch.cat([y for _, y in batches(50, 8).epoch(1)]))
    assert not torch.equal(one, torch.cat([y for _, y in batches(50, 8).epoch(2)]))
    assert not torch.equal(one, torch.cat([y for _, y in batches(50, 8, seed=1).epoch(1)]))


def test_chunks_change_nothing_but_the_size_of_the_pieces(monkeypatch):
    whole = [x for x, _ in batches(50, 8).epoch(0)]
    monkeypatch.setattr(module, "_CHUNK_BYTES", 1)
    pieces = [x for x, _ in batches(50, 8).epoch(0)]
    assert all(torch.equal(a, b) for a, b in zip(whole, pieces, strict=True))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_batches_are_in_the_memory_format_without_a_copy_per_step(memory_format):
    for x, _ in batches(50, 8, augment=Augment(shift=1, flip=True), memory_format=memory_format).epoch(0):
        assert x.is_contiguous(memory_format=memory_format)
