"""Texts as tasks."""

import gzip
import math

import pytest

from nasturtium.errors import ConfigError, DataError, UnknownName
from nasturtium.tasks import language_modelling
from nasturtium.tasks.text import OTHER

TEXT = "abcdefghij" * 40  # 400 characters: 320 to train on, 40 to validate, 40 to test


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(TEXT[:320] + "zz" + TEXT[322:], encoding="utf-8")
    return path


def read(task, numbers):
    return "".join(task.vocabulary[int(one)] for one in numbers.flatten())


def test_windows_follow_one_another_and_labels_are_the_characters_behind(file):
    task = language_modelling(f"text:{file}", tokens=8)
    assert (task.input_shape, task.outputs) == ((1, 8), 11)
    assert read(task, task.train.images) == TEXT[: 39 * 8]
    assert read(task, task.train.labels) == TEXT[1 : 39 * 8 + 1]
    assert read(task, task.test.images) == TEXT[360:392]
    assert len(task.full) == len(task.train) + len(task.valid)
    assert len(language_modelling(f"text:{file}", tokens=8, max_train=5).train) == 5


def test_what_the_training_text_does_not_have_is_one_character(file):
    task = language_modelling(f"text:{file}", tokens=8)
    assert task.vocabulary == (*"abcdefghij", OTHER)
    assert read(task, task.valid.images)[:3] == OTHER * 2 + "c"


def test_a_vocabulary_has_256_characters_at_most(tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 400))) * 5 + "ab" * 1000, encoding="utf-8")
    task = language_modelling(f"text:{path}")
    assert task.outputs == 256
    assert {"a", "b"} <= set(task.vocabulary)


def test_a_gzipped_file_is_the_same_task(file):
    packed = file.with_suffix(".txt.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    one, other = (language_modelling(f"text:{path}", tokens=8) for path in (file, packed))
    assert one.digest == other.digest


def test_networks_read_the_numbers_themselves_and_perplexity_is_e_to_the_loss(file):
    task = language_modelling(f"text:{file}", tokens=8)
    assert (task.normalisation(task.train.images) == task.train.images).all()
    assert task.metrics(0.5, math.log(7)) == {
        "error": 0.5,
        "loss": math.log(7),
        "perplexity": pytest.approx(7),
    }
    assert task.describe()["characters"] == {"train": 312, "valid": 32, "test": 32}


def test_what_cannot_be_used_says_why(tmp_path, file, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"tiny_shakespeare\.txt\.gz does not exist"):
        language_modelling("shakespeare")
    with pytest.raises(UnknownName, match="shakespear"):
        language_modelling("shakespear")
    with pytest.raises(DataError, match="has 40 characters; train, valid and test need more than 128"):
        language_modelling(f"text:{file}")
    with pytest.raises(ConfigError, match="tokens is 1"):
        language_modelling(f"text:{file}", tokens=1)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match=r"bad\.txt is no text in UTF-8"):
        language_modelling(f"text:{tmp_path / 'bad.txt'}")


def test_tiny_shakespeare_has_1115394_characters(data_root, monkeypatch):
    """As its source says; 65 of them are different (karpathy/char-rnn)."""
    monkeypatch.setenv("NASTURTIUM_DATA", str(data_root))
    task = language_modelling("shakespeare")
    assert task.outputs == 65 + 1
    lost = 3 * 64  # of every part, what fills no window
    assert 0 <= 1_115_394 - sum(task.describe()["characters"].values()) <= lost + 3
