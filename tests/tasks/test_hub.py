"""Data sets of the hub, with a stand-in for the hub's library: the tests use no network."""

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from PIL import Image as Pillow

from nasturtium.errors import DataError
from nasturtium.tasks import image_classification


class Image:
    def __init__(self, decode=True):
        self.decode = decode


class ClassLabel:
    def __init__(self, names):
        self.names = names


class Value:
    pass


class Dataset:
    """What we use of `datasets.Dataset`."""

    def __init__(self, columns, features, split):
        self.columns, self.features, self.split = columns, features, split
        self.info = SimpleNamespace(license="cc-by-4.0")

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return self.columns[name]

    def cast_column(self, name, feature):
        assert feature.decode is False
        return self


def rows(values):
    encoded = []
    for value in values:
        buffer = io.BytesIO()
        Pillow.new("RGB", (10, 10), (value, 0, 0)).save(buffer, "png")
        encoded.append({"bytes": buffer.getvalue(), "path": None})
    return encoded


def split(labels, feature, name="train"):
    features = {"text": Value(), "picture": Image(), "label": feature}
    return Dataset({"picture": rows(range(len(labels))), "label": labels}, features, name)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Puts splits where the library would give them; records what was asked for."""
    monkeypatch.setenv("NASTURTIUM_CACHE", str(tmp_path / "cache"))
    library = ModuleType("datasets")
    library.Image = Image
    library.asked = []
    monkeypatch.setitem(sys.modules, "datasets", library)

    def offer(splits):
        def load_dataset(path, configuration):
            library.asked.append((path, configuration))
            if isinstance(splits, Exception):
                raise splits
            return splits

        library.load_dataset = load_dataset
        return library

    return offer


def test_the_columns_are_found_by_their_kind(hub):
    feature = ClassLabel(["cat", "dog"])
    library = hub({"train": split([0, 1] * 5, feature), "test": split([1, 0], feature, "test")})
    task = image_classification("hf:owner/name:small")
    assert library.asked == [("owner/name", "small")]
    assert task.class_names == ("cat", "dog")
    assert (len(task.full), len(task.test)) == (10, 2)
    assert torch.equal(task.full.images[:, 0, 0, 0] % 2, task.full.labels)
    assert task.describe()["licence"] == "cc-by-4.0"


def test_labels_that_are_words_become_classes(hub):
    hub({"train": split(["wolf", "cat"] * 5, Value())})
    task = image_classification("hf:owner/name")
    assert task.class_names == ("cat", "wolf")
    assert len(task.full) + len(task.test) == 10


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (ConnectionError("offline"), "no such data set (ConnectionError: offline); check the name"),
        ({"validation": None}, "no split called train; it has validation"),
        (
            {"train": Dataset({"a": [1]}, {"a": Value()}, "train")},
            "wanted a column of images and one of class",
        ),
        (
            {"train": split([0, 1] * 5, ClassLabel(["a", "b"])), "test": split([-1], ClassLabel([]))},
            "outside",
        ),
    ],
)
def test_what_cannot_be_used_is_told(hub, splits, said):
    hub(splits)
    with pytest.raises(DataError) as problem:
        image_classification("hf:owner/name")
    assert said in str(problem.value)


def test_a_missing_library_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r'pip install "nasturtium\[data\]"'):
        image_classification("hf:owner/name")
