"""Encoded images (PNG, JPEG, ...) to one uint8 tensor; grey only if every image is grey."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainables.errors import DataError

__all__ = ["SUFFIXES", "decode_all"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_GREY = ("1", "L")
_PART = 256
_THREADS = 4


def decode_all(encoded: Sequence[tuple[str, bytes | Path]], *, resize: int | None) -> Tensor:
    """(n, c, h, w) uint8 from (name, bytes or file) pairs; c is 1 or 3.

    With `resize` the shorter side is scaled to it and the centre square kept; without, all images must be of
    one size. A file that is no whole image is named (`DataError`).
    """
    parts = [encoded[start : start + _PART] for start in range(0, len(encoded), _PART)]
    with ThreadPoolExecutor(_THREADS) as pool:
        arrays = [image for part in pool.map(lambda part: _decode(part, resize), parts) for image in part]
    _check_sizes(encoded, arrays)
    if any(array.ndim == 3 for array in arrays):
        arrays = [array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2) for array in arrays]
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
    return torch.from_numpy(np.stack(arrays)).unsqueeze(1)


def _decode(part: Sequence[tuple[str, bytes | Path]], resize: int | None) -> list[np.ndarray[Any, Any]]:
    return [_decode_one(name, source, resize) for name, source in part]


def _decode_one(name: str, source: bytes | Path, resize: int | None) -> np.ndarray[Any, Any]:
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            plain = image.convert("L" if image.mode in _GREY else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is no whole image ({error}); replace or remove it") from error
    return np.asarray(plain if resize is None else _square(plain, resize))


def _square(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _check_sizes(encoded: Sequence[tuple[str, bytes | Path]], arrays: list[np.ndarray[Any, Any]]) -> None:
    first = arrays[0].shape[:2]
    for (name, _), array in zip(encoded, arrays, strict=True):
        if array.shape[:2] != first:
            raise DataError(
                f"{name} is of {array.shape[1]}x{array.shape[0]} pixels, the first of {first[1]}x{first[0]}; "
                "images must be of one size: give resize=<side in pixels>"
            )
