"""Records of a TFRecord file, and the fields of a protocol-buffer message, without TensorFlow."""

import struct
from collections.abc import Iterator
from pathlib import Path

from nasturtium.errors import DataError


def records(path: Path) -> Iterator[bytes]:
    """Yields the records of a TFRecord file; checksums are not looked at.

    Each is its length (8 bytes), a checksum (4), the data, another checksum (4).

    Raises:
        DataError: The file ends within a record.
    """
    with path.open("rb") as file:
        while header := file.read(12):
            length = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else 0
            data = file.read(length)
            if len(header) < 12 or len(data) < length or len(file.read(4)) < 4:
                raise DataError(f"{path} ends within a record, at byte {file.tell()}; get it anew")
            yield data


def message_fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yields number and value of each field: an int, a float, or the bytes of a text or an inner message.

    Raises:
        ValueError: It is no such message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a field is longer than its message")
            yield key >> 3, message[at : at + length]
            at += length
        elif kind in (1, 5):
            form, size = ("<d", 8) if kind == 1 else ("<f", 4)
            if at + size > len(message):
                raise ValueError("a field is longer than its message")
            yield key >> 3, struct.unpack_from(form, message, at)[0]
            at += size
        else:
            raise ValueError(f"a field of kind {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Returns the number at a place, seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("a number has no end")
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 0x80:
            return value, at
