"""CIFAR-10 from parquet files."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from nasturtium.errors import DataError
from nasturtium.tasks import image_classification
from nasturtium.tasks.cifar10 import CLASSES, _read

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def encoded(value):
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (value, 0, 0)).save(buffer, "png")
    return buffer.getvalue()


def write(path, labels, **replaced):
    rows = [{"bytes": encoded(i), "path": f"{i}.png"} for i in range(len(labels))]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"img": rows, "label": labels} | replaced), path)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(tmp_path))
    monkeypatch.setenv("NASTURTIUM_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "cifar10" / "train.parquet", list(range(10)) * 3)
    write(tmp_path / "cifar10" / "test.parquet", list(range(10)))
    return tmp_path / "cifar10"


def test_the_tables_become_splits(root):
    task = image_classification("cifar10")
    assert task.class_names == CLASSES
    assert task.input_shape == (3, 32, 32)
    assert task.test.images[:, 0, 0, 0].tolist() == list(range(10))
    assert np.array_equal(task.test.labels, np.arange(10))
    assert sorted(task.full.images[:, 0, 0, 0].tolist()) == list(range(30))
    assert (task.full.images[:, 0, 0, 0] % 10 == task.full.labels).all()
    assert task.flip
    assert task.shift == 4


def test_a_broken_row_is_named(root):
    rows = [{"bytes": b"" if i == 4 else encoded(i), "path": ""} for i in range(10)]
    write(root / "test.parquet", list(range(10)), img=rows)
    with pytest.raises(DataError, match=r"test\.parquet, row 4 is empty"):
        image_classification("cifar10")


def test_a_table_of_another_kind_is_told(root):
    pq.write_table(pa.table({"x": [1]}), root / "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet is no table of columns img"):
        image_classification("cifar10")


def test_without_files_and_hub_both_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(tmp_path))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"train\.parquet and test\.parquet are not there.*pip install"):
        image_classification("cifar10")


def test_the_real_table_is_the_published_test_split(data_root):
    files, labels = _read(data_root / "cifar10" / "test.parquet")
    assert len(files) == 10_000
    assert np.bincount(labels).tolist() == [1_000] * 10
    with Image.open(io.BytesIO(files[0].read())) as image:
        assert image.size == (32, 32)
