"""Arrays in .npz files."""

import numpy as np
import pytest
import torch

from nasturtium.errors import DataError
from nasturtium.tasks import image_classification

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 9, 7), dtype=np.uint8)
LABELS = np.arange(30) % 3


def write(path, **arrays):
    np.savez(path, **arrays)
    return f"npz:{path}"


def error_of(path, **arrays):
    with pytest.raises(DataError) as problem:
        image_classification(write(path, **arrays))
    return str(problem.value)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((30, 9, 7), (1, 9, 7)),
        ((30, 9, 7, 3), (3, 9, 7)),
        ((30, 3, 9, 7), (3, 9, 7)),
        ((30, 9, 7, 1), (1, 9, 7)),
    ],
)
def test_every_usual_layout_becomes_channels_first(tmp_path, shape, wanted):
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    task = image_classification(write(tmp_path / "a.npz", images=images, labels=LABELS))
    assert task.input_shape == wanted
    assert task.outputs == 3
    total = sum(int(split.images.sum()) for split in (task.train, task.valid, task.test))
    assert total == int(images.astype(np.int64).sum())


def test_test_arrays_and_class_names_are_used(tmp_path):
    source = write(
        tmp_path / "a.npz",
        images=IMAGES,
        labels=LABELS,
        test_images=IMAGES[:3],
        test_labels=LABELS[:3],
        class_names=np.array(["x", "y", "z"]),
    )
    task = image_classification(source)
    assert task.class_names == ("x", "y", "z")
    assert torch.equal(task.test.images[:, 0], torch.from_numpy(IMAGES[:3]))
    assert len(task.full) == 30


def test_float_images_stay_float_and_are_normalised_as_they_are(tmp_path):
    images = RNG.normal(5, 2, (30, 9, 7)).astype(np.float32)
    task = image_classification(write(tmp_path / "a.npz", images=images, labels=LABELS))
    assert task.train.images.dtype == torch.float32
    assert task.mean[0] == pytest.approx(float(task.train.images.mean()), rel=1e-5)
    assert abs(float(task.normalisation(task.train.images).mean())) < 1e-5


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": IMAGES}, "no array labels; it has images"),
        ({"pictures": IMAGES}, "no array images and labels"),
        ({"images": IMAGES, "labels": LABELS[:7]}, r"labels is [7] for 30 images"),
        ({"images": IMAGES, "labels": LABELS - 1}, "labels has -1; wanted classes numbered from 0"),
        ({"images": IMAGES, "labels": LABELS / 2}, "labels is float64; wanted integers"),
        ({"images": IMAGES, "labels": LABELS * 2}, "no training image of class '1'"),
        ({"images": IMAGES, "labels": LABELS * 0}, "1 class ('0')"),
        ({"images": IMAGES[0], "labels": LABELS}, "wanted [n, height, width]"),
        ({"images": np.where(IMAGES > 9, np.nan, 1.0), "labels": LABELS}, "NaN or infinite"),
        ({"images": IMAGES.astype(np.int64) * 9, "labels": LABELS}, "images is int64; wanted uint8"),
        (
            {"images": IMAGES, "labels": LABELS, "class_names": np.array(["a"])},
            "labels up to 2 and 1 class_names",
        ),
        ({"images": IMAGES, "labels": LABELS, "test_images": IMAGES}, "it has test_images alone"),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES[:, :5], "test_labels": LABELS},
            "wanted the same",
        ),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES, "test_labels": LABELS + 1},
            "test_labels up to 3; the training labels have 3 classes",
        ),
    ],
)
def test_what_is_wrong_with_the_arrays_is_said(tmp_path, arrays, said):
    assert said in error_of(tmp_path / "a.npz", **arrays)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_npz_is_told(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"no \.npz file of plain arrays"):
        image_classification(f"npz:{tmp_path / 'a.npz'}")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{}], dtype=object), labels=LABELS)
    with pytest.raises(DataError, match=r"no \.npz file of plain arrays"):
        image_classification(f"npz:{tmp_path / 'a.npz'}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.npz does not exist"):
        image_classification(f"npz:{tmp_path / 'nothing.npz'}")
