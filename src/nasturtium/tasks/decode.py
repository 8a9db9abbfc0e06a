"""Image files of any size and colour, decoded to one array."""

import io
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from nasturtium.errors import DataError
from nasturtium.tasks import cache

log = logging.getLogger(__name__)

_MOST_BYTES = 8 << 30
_MOST_PIXELS = 64
_NAMED = 5
_SLICE = 256
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class File:
    """An encoded image.

    Attributes:
        name: What an error calls it, for example its path.
        read: Gives its bytes, again at every call.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Images of one size.

    Attributes:
        images: [n, channels, height, width], uint8; 3 channels as soon as one image has colours, else 1.
        preparation: What was done to them, in words.
        digest: Digest of the encoded files, hexadecimal.
    """

    images: NDArray[np.uint8]
    preparation: str
    digest: str

    @property
    def colour(self) -> bool:
        """Whether there are three channels."""
        return int(self.images.shape[1]) == 3


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    grey: bool


def decode(files: Sequence[File], *, image_size: int | None, keep: bool) -> Decoded:
    """Returns the images in `files`, all in one size and one colour mode.

    Grey images become RGB where any of the others has colours; transparent ones are laid on white; the
    rotation that a camera noted is applied. Images of other sizes are scaled to cover a square and cropped to
    its centre.

    Args:
        files: The encoded images, 1 or more.
        image_size: Side in pixels; None decides by `common_size`.
        keep: Whether to keep the result in the user's cache folder, and take it from there.

    Raises:
        DataError: A file is empty or cannot be decoded (the first few are named), or all would not fit in
            memory.
    """
    digest = _digest(files)
    key = f"{digest}-{image_size or 'auto'}"
    found = cache.load(key) if keep else None
    if found is not None:
        return Decoded(found[0], found[1], digest)
    headers = _each(files, _header)
    height, width = common_size([(h.height, h.width) for h in headers], image_size)
    mode = "L" if all(h.grey for h in headers) else "RGB"
    _check_memory(len(files), height * width * len(mode))
    arrays = _each(files, lambda data: _pixels(data, (width, height), mode))
    images = np.ascontiguousarray(
        np.stack(arrays).reshape(len(files), height, width, -1).transpose(0, 3, 1, 2)
    )
    preparation = _words(headers, height, width, mode)
    log.info("%d images: %s", len(files), preparation)
    if keep:
        cache.store(key, images, preparation)
    return Decoded(images, preparation, digest)


def common_size(sizes: Sequence[tuple[int, int]], image_size: int | None) -> tuple[int, int]:
    """Returns the (height, width) to which images of these sizes are brought.

    Without an `image_size`, images that all have one size of at most 64 pixels stay as they are. Others
    become squares of the smallest side seen, rounded down to a multiple of 8 within 8..64: nothing is scaled
    up beyond need, and a first search on photos ends in minutes. Ask for more pixels with `image_size`.
    """
    if image_size is not None:
        return image_size, image_size
    if len(set(sizes)) == 1 and max(sizes[0]) <= _MOST_PIXELS:
        return sizes[0]
    smallest = min(min(size) for size in sizes)
    side = max(8, min(_MOST_PIXELS, smallest // 8 * 8))
    return side, side


def _digest(files: Sequence[File]) -> str:
    total = blake2b(digest_size=16)
    empty: list[str] = []
    for file in files:
        data = _read(file)
        if not data:
            empty.append(f"{file.name} is empty (0 bytes)")
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    _refuse(empty, len(files))
    return total.hexdigest()


def _read(file: File) -> bytes:
    try:
        return file.read()
    except OSError as problem:
        raise DataError(
            f"{file.name} cannot be read ({problem.strerror}); check the file's permissions"
        ) from problem


def _each(files: Sequence[File], act: Callable[[bytes], Any]) -> list[Any]:
    """Returns act(bytes) of every file, in order; threads help, as Pillow decodes without the lock."""

    def some(part: Sequence[File]) -> list[Any]:
        return [_attempt(file, act) for file in part]

    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(some, [files[i : i + _SLICE] for i in range(0, len(files), _SLICE)]))
    results = [result for part in parts for result in part]
    _refuse([str(result) for result in results if isinstance(result, DataError)], len(files))
    return results


def _attempt(file: File, act: Callable[[bytes], Any]) -> Any:
    try:
        return act(_read(file))
    except DataError as problem:
        return problem
    except Exception as problem:  # Pillow's decoders raise whatever their format makes them stumble over.
        return DataError(f"{file.name} cannot be decoded ({type(problem).__name__})")


def _refuse(problems: list[str], total: int) -> None:
    if problems:
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise DataError(
            f"{len(problems)} of {total} images cannot be used: {'; '.join(problems[:_NAMED])}{more}. "
            "Remove or replace them, then start again"
        )


def _header(data: bytes) -> _Header:
    with Image.open(io.BytesIO(data)) as image:
        grey = image.mode in {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}
        # Orientations 5 to 8 lie on their side (EXIF 2.3, tag 0x0112).
        lying = image.getexif().get(_ORIENTATION, 1) >= 5
        width, height = image.size[::-1] if lying else image.size
        return _Header(width, height, grey)


def _pixels(data: bytes, size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as opened:
        opened.draft(None, size)  # a large JPEG is decoded at the smallest scale that still covers `size`
        image = _in_mode(ImageOps.exif_transpose(opened), mode)
        if image.size != size:
            image = ImageOps.fit(image, size, Image.Resampling.BICUBIC)
        return np.asarray(image)


def _in_mode(image: Any, mode: str) -> Any:
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits to 8; Pillow's own conversion would clip everything above 255 to white.
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert(mode)


def _check_memory(count: int, bytes_each: int) -> None:
    if count * bytes_each > _MOST_BYTES:
        raise DataError(
            f"{count} images of {bytes_each} bytes would take {count * bytes_each / 2**30:.0f} GiB, and at "
            f"most {_MOST_BYTES >> 30} GiB are kept in memory; give a smaller image_size"
        )


def _words(headers: Sequence[_Header], height: int, width: int, mode: str) -> str:
    sizes = {(h.height, h.width) for h in headers}
    words = [f"{width} x {height} pixels"]
    if sizes != {(height, width)}:
        low, high = min(min(s) for s in sizes), max(max(s) for s in sizes)
        words.append(
            f"scaled and centre-cropped from sides of {low} to {high}; image_size asks for another size"
        )
    greys = sum(h.grey for h in headers)
    words.append("grey" if mode == "L" else "RGB" + (f", {greys} grey images converted" if greys else ""))
    return ", ".join(words)
