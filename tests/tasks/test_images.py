"""Splits, statistics and sources that need no files."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nasturtium.errors import ConfigError, DataError, UnknownName
from nasturtium.seeds import rng_for
from nasturtium.tasks import image_classification
from nasturtium.tasks.images import Normalisation, Split, stratified
from nasturtium.tasks.source import SOURCES


def content(split):
    return {image.numpy().tobytes() for image in split.images}


def test_digits_are_all_of_sklearns_digits_in_three_splits():
    task = image_classification("digits")
    data = load_digits()
    stored = torch.cat([task.train.images, task.valid.images, task.test.images]).numpy()[:, 0]
    assert len(task.train) + len(task.valid) + len(task.test) == len(data.target) == 1797
    assert sorted(map(bytes, np.rint(stored / (255 / 16)).astype(np.uint8))) == sorted(
        map(bytes, data.images.astype(np.uint8))
    )
    assert task.input_shape == (1, 8, 8)
    assert task.outputs == 10
    assert task.train.images.dtype == torch.uint8
    assert task.train.labels.dtype == torch.int64


def test_split_sizes_are_sklearns_within_one_per_class():
    labels = load_digits().target
    kept, held = stratified(labels, 0.2, rng_for(0, "test"))
    reference = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    ours, theirs = np.bincount(labels[held]), np.bincount(labels[reference[1]])
    assert np.abs(ours - theirs).max() <= 1
    assert abs(len(kept) - len(reference[0])) <= 5


@given(
    counts=st.lists(st.integers(2, 30), min_size=1, max_size=6),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_a_stratified_cut_is_a_partition_with_every_class_on_both_sides(counts, fraction, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    first, second = stratified(labels, fraction, rng_for(seed, "test"))
    assert sorted([*first, *second]) == list(range(len(labels)))
    assert set(labels[first]) == set(labels[second]) == set(labels)
    shares = np.bincount(labels[second]) / counts
    assert (np.abs(shares - fraction) <= 1 / np.array(counts)).all()


def test_the_seed_moves_validation_images_but_never_test_images():
    one, two = image_classification("digits", seed=1), image_classification("digits", seed=2)
    assert torch.equal(one.test.images, two.test.images)
    assert not torch.equal(one.valid.images, two.valid.images)
    again = image_classification("digits", seed=1)
    assert torch.equal(one.train.images, again.train.images)


def test_no_image_is_in_two_splits():
    task = image_classification("digits")
    train, valid, test = (content(split) for split in (task.train, task.valid, task.test))
    assert not train & valid
    assert not (train | valid) & test


def test_full_is_train_and_valid():
    task = image_classification("digits")
    assert len(task.full) == len(task.train) + len(task.valid)
    assert content(task.full) == content(task.train) | content(task.valid)


def test_a_subset_keeps_the_test_split_and_the_balance():
    task, whole = image_classification("digits", max_train=200), image_classification("digits")
    assert abs(len(task.full) - 200) <= 10
    assert torch.equal(task.test.images, whole.test.images)
    assert np.bincount(task.full.labels).min() >= 18
    assert content(task.full) <= content(whole.full)


def test_normalised_training_images_have_mean_0_and_standard_deviation_1():
    task = image_classification("digits")
    x = task.normalisation(task.train.images)
    assert abs(float(x.mean())) < 1e-5
    assert abs(float(x.std(correction=0)) - 1) < 1e-5
    values = task.train.images.double() / 255
    assert task.mean == pytest.approx([float(values.mean())])
    assert task.std == pytest.approx([float(values.std(correction=0))])


def test_normalisation_leaves_the_stored_images_alone():
    split = Split(torch.rand(4, 3, 5, 5), torch.zeros(4, dtype=torch.int64))
    before = split.images.clone()
    x = Normalisation((0.1, 0.2, 0.3), (1.0, 2.0, 4.0), 1.0)(split.images, torch.channels_last)
    assert torch.equal(split.images, before)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(x[:, 2], (before[:, 2] - 0.3) / 4)


def test_a_description_is_complete_and_repeats():
    described = image_classification("digits").describe()
    assert described == image_classification("digits").describe()
    assert described["images"] == {"train": 1151, "valid": 287, "test": 359}
    assert described["licence"].startswith("CC BY 4.0")
    assert len(described["digest"]) == 32


@pytest.mark.parametrize(
    ("source", "said"),
    [("digit", "did you mean 'digits'"), ("folders:x", "folder:PATH"), ("mnist", "known: cifar10, digits")],
)
def test_an_unknown_source_is_told_with_those_that_exist(source, said):
    with pytest.raises(UnknownName) as problem:
        image_classification(source)
    assert said in str(problem.value)


def test_the_sources_that_an_error_lists_are_those_that_are_documented():
    with pytest.raises(UnknownName) as problem:
        image_classification("folder")
    assert f"known: {', '.join(sorted(SOURCES))}" in str(problem.value)
    assert "text:FILE" in SOURCES


def test_a_source_without_its_path_is_told():
    with pytest.raises(DataError, match="names no data; write for example folder:PATH"):
        image_classification("folder:")


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid_fraction": 0.0},
        {"valid_fraction": 1.0},
        {"test_fraction": -1},
        {"max_train": 1},
        {"image_size": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        image_classification("digits", **wrong)


def test_importing_tasks_and_evaluate_loads_no_torch():
    import subprocess
    import sys

    code = "import sys, nasturtium.tasks, nasturtium.evaluate; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
