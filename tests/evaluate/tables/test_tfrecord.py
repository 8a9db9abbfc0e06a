import struct

import pytest

from nasturtium.errors import DataError
from nasturtium.evaluate.tables.tfrecord import message_fields, records


def test_records_are_what_is_between_the_checksums(tmp_path):
    path = tmp_path / "mine.tfrecord"
    path.write_bytes(b"".join(struct.pack("<Q4x", len(d)) + d + b"\0\0\0\0" for d in (b"one", b"", b"three")))
    assert list(records(path)) == [b"one", b"", b"three"]
    whole = path.read_bytes()
    for cut in (1, 6, len(whole) - 5):
        path.write_bytes(whole[:-cut])
        with pytest.raises(DataError, match="ends within a record"):
            list(records(path))


def test_fields_are_numbers_and_bytes():
    """The encoding of the protocol buffers' own documentation: field 1 is 150, field 2 is "testing"."""
    message = bytes.fromhex("089601") + bytes.fromhex("120774657374696e67")
    message += b"\x19" + struct.pack("<d", 0.5) + b"\x25" + struct.pack("<f", 0.25)
    assert list(message_fields(message)) == [(1, 150), (2, b"testing"), (3, 0.5), (4, 0.25)]


@pytest.mark.parametrize("message", ["08", "0896", "120774", "19ff", "0b", "25ff"])
def test_what_is_no_message_is_refused(message):
    with pytest.raises(ValueError, match=r"field|number"):
        list(message_fields(bytes.fromhex(message)))
