"""Decoding of images (PNG, JPEG, TIFF, ...) into one tensor; grey only if every image is grey.

Images of 8 bits per channel stay uint8. Deeper images (16 or 32 bits, float) become float32 with unchanged values. A
photograph is turned upright by its EXIF orientation. Alpha channels are left out.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from trainables.data.numbers import as_float32
from trainables.errors import DataError

__all__ = [
    "EIGHT",
    "IMAGE_SUFFIXES",
    "Array",
    "Decoded",
    "DecodedOne",
    "Encoded",
    "check_alike",
    "decode_all",
    "decode_one",
    "size_of",
    "squared",
    "stacked",
]

Array = np.ndarray[Any, Any]

Encoded = tuple[str, bytes | Path]
"""A name for messages, and the encoded image or its file."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_GREY = ("1", "L", "LA")
_DEEP = {"I;16": "16 bits", "I;16B": "16 bits", "I;16L": "16 bits", "I": "32 bits", "F": "float"}
_ALPHA = ("LA", "PA", "RGBA")
EIGHT = "8 bits"
"""The depth of most images."""
_ORIENTATION = 0x0112
_PART = 256
"""Images that a thread decodes at a time."""
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded images of one size.

    Attributes:
        images: (n, c, h, w), c being 1 or 3; uint8, or float32 where `depth` is not "8 bits".
        depth: bits per channel: "8 bits", "16 bits", "32 bits" or "float".
        turned: number of images that were turned by their EXIF orientation.
        with_alpha: number of images whose alpha channel was left out.
    """

    images: Tensor
    depth: str
    turned: int
    with_alpha: int


@dataclass(frozen=True, slots=True)
class DecodedOne:
    """A decoded image.

    Attributes:
        array: (h, w) of a grey image, (h, w, 3) in colour; uint8, or float32 where `depth` is not "8 bits".
        depth: as of `Decoded`.
        turned: whether it was turned by its EXIF orientation.
        has_alpha: whether an alpha channel was left out.
    """

    array: Array
    depth: str
    turned: bool
    has_alpha: bool


def decode_all(encoded: Sequence[Encoded], *, resize: int | None) -> Decoded:
    """Decode images in four threads.

    Args:
        encoded: the images, at least one.
        resize: side in pixels. The shorter side is scaled to it and the centre square is kept. With None all images
            must
            have one size.

    Returns:
        The images in the same order.

    Raises:
        DataError: a file is damaged, or images differ in size or in depth; the message names the file.
    """

    def decode(start: int) -> list[DecodedOne]:
        return [decode_one(name, source, resize) for name, source in encoded[start : start + _PART]]

    found: list[DecodedOne] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for images_of_part in pool.map(decode, range(0, len(encoded), _PART)):
            found.extend(images_of_part)
    check_alike([name for name, _ in encoded], [one.array.shape[:2] for one in found], [one.depth for one in found])
    arrays = [one.array for one in found]
    images = torch.from_numpy(stacked(arrays, 3 if any(array.ndim == 3 for array in arrays) else 1))
    return Decoded(images, found[0].depth, sum(one.turned for one in found), sum(one.has_alpha for one in found))


def stacked(arrays: Sequence[Array], channels: int) -> Array:
    """Stack decoded images.

    Args:
        arrays: (h, w) or (h, w, 3), of one size; at least one.
        channels: 1 or 3; grey images get three equal channels.

    Returns:
        (n, channels, h, w).
    """
    if channels == 1:
        return np.stack(arrays)[:, None]
    alike = [array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2) for array in arrays]
    return np.ascontiguousarray(np.stack(alike).transpose(0, 3, 1, 2))


def size_of(name: str, source: bytes | Path) -> tuple[int, int, int, int]:
    """Read the size of an image from its header.

    Args:
        name: names it in messages.
        source: the encoded image, or its file.

    Returns:
        Height, width, channels, and the bytes of a value, as it would be decoded.

    Raises:
        DataError: it is not an image.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            deep = image.mode in _DEEP
            width, height = image.size
            return height, width, 1 if deep or image.mode in _GREY else 3, 4 if deep else 1
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _damaged(name, error) from error


def decode_one(name: str, source: bytes | Path, resize: int | None) -> DecodedOne:
    """Decode an image.

    Args:
        name: names it in messages.
        source: the encoded image, or its file.
        resize: as in `decode_all`.

    Returns:
        The image.

    Raises:
        DataError: it is damaged.
    """
    try:
        # Pillow maps a TIFF file into memory when it is given a path, and then turns the wrong pixels.
        with Image.open(io.BytesIO(source if isinstance(source, bytes) else source.read_bytes())) as image:
            _check_depth(name, image)
            # Pillow turns TIFF images itself in load() and drops their orientation, so it is read before.
            turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
            image.load()
            upright = ImageOps.exif_transpose(image)
            if image.mode in _DEEP:
                return DecodedOne(_deep(name, upright, resize), _DEEP[image.mode], turned, has_alpha=False)
            return DecodedOne(_plain(name, upright, resize), EIGHT, turned, image.mode in _ALPHA)
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> DataError:
    # The message of Pillow would name the address of a buffer.
    unknown = isinstance(error, UnidentifiedImageError)
    why = "of a format that Pillow reads" if unknown else f"({error})"
    return DataError(f"{name} is not a complete image {why}; replace or remove it")


def _check_depth(name: str, image: Image.Image) -> None:
    """Refuse colour images of 16 bits per channel, of which Pillow keeps the upper 8."""
    if image.mode not in _DEEP and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        raise DataError(
            f"{name} has 16 bits a colour, of which 8 would be lost; save it with 8 bits, or all images as arrays in "
            "an .npz file"
        )


def _plain(name: str, image: Image.Image, resize: int | None) -> np.ndarray[Any, Any]:
    plain = image.convert("L" if image.mode in _GREY else "RGB")
    if image.mode in _ALPHA and _is_flat(plain) and not _is_flat(image.getchannel("A")):
        raise DataError(f"{name} has its picture in the alpha channel alone, which is left out; put it on a background")
    return np.asarray(plain if resize is None else squared(plain, resize))


def _deep(name: str, image: Image.Image, resize: int | None) -> np.ndarray[Any, Any]:
    if resize is None:
        return as_float32(np.asarray(image), name)
    exact = Image.fromarray(as_float32(np.asarray(image), name))
    return np.asarray(squared(exact, resize))


def _is_flat(image: Image.Image) -> bool:
    extrema: Any = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high for low, high in bands)


def squared(image: Image.Image, side: int) -> Image.Image:
    """Scale the shorter side of an image, and cut out the square in its middle.

    Args:
        image: of any size.
        side: of the square, in pixels.

    Returns:
        The square.
    """
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


def check_alike(names: Sequence[str], sizes: Sequence[tuple[int, ...]], depths: Sequence[str]) -> None:
    """Refuse images that differ in size or depth.

    Args:
        names: of the images, at least one.
        sizes: the height and the width of each.
        depths: the depth of each.

    Raises:
        DataError: two differ; the message names the file.
    """
    first = sizes[0]
    for name, size in zip(names, sizes, strict=True):
        if size != first:
            raise DataError(
                f"{name} is of {size[1]}x{size[0]} pixels, the first of {first[1]}x{first[0]}; "
                "images must be of one size: give resize=<side in pixels>"
            )
    counts = Counter(depths)
    if len(counts) > 1:
        rare = min(counts, key=lambda depth: counts[depth])
        name = next(name for name, depth in zip(names, depths, strict=True) if depth == rare)
        said = ", ".join(f"{count} of {depth}" for depth, count in counts.most_common())
        raise DataError(
            f"{name} has {rare} per channel, and there are {said}; all images must have the same depth: convert them"
        )
