"""A small file of the official form: no copy of the real one (500 MB) is kept for tests."""

import base64
import json
import struct

import pytest

from nasturtium.errors import ConfigError, DataError
from nasturtium.evaluate.tables.nasbench101 import nasbench101
from nasturtium.protocols import Candidate
from nasturtium.space.zoo.nasbench101 import from_matrix, module_hash, spec_of
from nasturtium.space.zoo.nasbench101 import nasbench101 as space_of

PLAIN = ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
SKIPPED = ([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"])


def field(number, value):
    if isinstance(value, bytes):
        return bytes([number << 3 | 2, len(value)]) + value
    return bytes([number << 3 | 1]) + struct.pack("<d", value)


def varint(number, value):
    encoded = bytearray([number << 3])
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def metrics(params, seconds, valid, test):
    """Three evaluations: at the start, half-way and at the end."""
    parts = [(0.0, 0.1, 0.1), (seconds / 2, 0.5, 0.5), (seconds, valid, test)]
    evaluations = [field(2, s) + field(3, 1.0) + field(4, v) + field(5, t) for s, v, t in parts]
    return b"".join(field(1, one) for one in evaluations) + varint(2, params) + field(3, 2 * seconds)


def record(cell, epochs, *results):
    matrix, ops = cell
    space = space_of()
    name = module_hash(spec_of(space, from_matrix(space, matrix, ops)))
    raw = "".join(str(value) for row in matrix for value in row)
    encoded = base64.b64encode(metrics(*results)).decode()
    data = json.dumps([name, epochs, raw, ",".join(ops), encoded]).encode()
    return struct.pack("<Q4x", len(data)) + data + b"\0\0\0\0"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "nasbench101" / "nasbench_only108.tfrecord"
    path.parent.mkdir()
    rows = [
        record(PLAIN, 108, 8_555_530, 1000.0, 0.90, 0.89),
        record(SKIPPED, 108, 500, 900.0, 0.80, 0.79),
        record(PLAIN, 108, 8_555_530, 1100.0, 0.92, 0.91),
        record(PLAIN, 12, 8_555_530, 100.0, 0.60, 0.61),
    ]
    path.write_bytes(b"".join(rows))
    return path


def test_the_official_file_is_a_table(path):
    table = nasbench101(path=path)
    plain, skipped = (from_matrix(table.space, *cell) for cell in (PLAIN, SKIPPED))
    truth = table.truth(plain)
    assert truth == pytest.approx(
        {"params": 8_555_530, "error": 0.09, "test_error": 0.10, "train_seconds": 1050}
    )
    assert table.truth(skipped)["error"] == pytest.approx(0.2)
    assert table.optimum() == pytest.approx(0.09)
    seen = {nasbench101(path=path, seed=i).trial(Candidate(plain)).metrics["train_seconds"] for i in range(5)}
    assert seen == {1000.0, 1100.0}
    assert table.trial(Candidate(plain, fidelity=12)).metrics["error"] == pytest.approx(0.4)
    lost = table.trial(Candidate(skipped, fidelity=12))
    assert lost.error == "the recorded training of 12 epochs has no error"
    assert "the table has no training of" in str(table.trial(Candidate(table.space.unrank(12345))).error)
    with pytest.raises(ConfigError, match="no training of 36 epochs"):
        nasbench101(36, path=path)


def test_it_is_found_in_the_data_folder(path, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(path.parent.parent))
    assert nasbench101(12).epochs == 12
    path.unlink()
    with pytest.raises(DataError, match=r"own file is needed .*nasbench101.nasbench_only108\.tfrecord"):
        nasbench101()
    monkeypatch.delenv("NASTURTIUM_DATA")
    with pytest.raises(DataError, match=r"NASTURTIUM_DATA is not set\): get nasbench_only108"):
        nasbench101()


@pytest.mark.parametrize("data", [b"", b"\x03" + 11 * b"\0" + b"abc\0\0\0\0", b"\x03\0"])
def test_another_file_is_refused(tmp_path, data):
    path = tmp_path / "other.tfrecord"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"other\.tfrecord.*get it anew"):
        nasbench101(path=path)
