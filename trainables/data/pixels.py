"""The values of images, whether they are in memory, shared by folds or streamed, a part at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from trainables.data.chosen import ChosenRows, as_tensor
from trainables.data.streaming.images import StreamedImages
from trainables.data.streaming.rows import MappedRows

__all__ = ["Images", "chosen_images", "chunks", "constant_images", "digests", "joined", "not_finite", "value_range"]

Images: TypeAlias = Tensor | ChosenRows | StreamedImages | MappedRows
"""(n, c, h, w), uint8 or float32."""
_VALUES = 2**24
"""The most values of a chunk, where it has several images."""
_IMAGES = 4096


def chunks(images: Images) -> Iterator[Tensor]:
    """Go through images in order.

    Args:
        images: (n, c, h, w).

    Yields:
        Parts of them, (k, c, h, w).
    """
    size = max(1, min(_IMAGES, _VALUES // max(1, images.shape[1:].numel())))
    starts = range(0, len(images), size)
    if isinstance(images, StreamedImages | MappedRows):
        yield from images.ahead(torch.arange(start, min(start + size, len(images))) for start in starts)
        return
    for start in starts:
        yield as_tensor(images[start : start + size])


def chosen_images(images: Images, rows: Tensor) -> Images:
    """Choose images without a copy of them.

    Args:
        images: (n, c, h, w).
        rows: (k,), their numbers in any order.

    Returns:
        (k, c, h, w), which share the memory of `images`.
    """
    if isinstance(images, Tensor):
        return ChosenRows(images, rows.to(images.device))
    return images[rows]


def joined(one: Images, other: Images) -> Images:
    """Concatenate images.

    Args:
        one: (n, c, h, w).
        other: images of the same shape and type; streamed ones where the former are.

    Returns:
        (n + m, c, h, w).
    """
    if isinstance(one, StreamedImages) and isinstance(other, StreamedImages):
        return one.joined(other)
    if isinstance(one, MappedRows) and isinstance(other, MappedRows):
        return one.joined(other)
    return torch.cat([as_tensor(images) for images in (one, other) if isinstance(images, Tensor | ChosenRows)])


def value_range(images: Images) -> tuple[float, float]:
    """Find the least and the greatest value.

    Args:
        images: at least one.

    Returns:
        Both.
    """
    if isinstance(images, StreamedImages):
        low, high = images.facts.extremes[:, images.numbers]
        return float(low.min()), float(high.max())
    extremes = [part.aminmax() for part in chunks(images)]
    return min(float(part.min) for part in extremes), max(float(part.max) for part in extremes)


def not_finite(images: Images) -> list[int]:
    """Find images with NaN or infinite values.

    Args:
        images: (n, c, h, w).

    Returns:
        Their numbers.
    """
    if isinstance(images, StreamedImages):
        finite = images.facts.finite[images.numbers]
    elif not images.dtype.is_floating_point or not len(images):
        return []
    else:
        finite = torch.cat([torch.isfinite(part).flatten(1).all(1) for part in chunks(images)])
    found: list[int] = (~finite).nonzero().flatten().tolist()
    return found


def digests(images: Images) -> list[bytes]:
    """Digest each image, to compare images of one data set.

    Args:
        images: (n, c, h, w).

    Returns:
        A digest for each, equal for equal images.
    """
    if isinstance(images, StreamedImages):
        return [images.facts.digests[number] for number in images.numbers.tolist()]
    found = []
    for part in chunks(images):
        found += [hashlib.blake2b(image.data, digest_size=16).digest() for image in part.contiguous().cpu().numpy()]
    return found


def constant_images(images: Images) -> int:
    """Count the images of one value.

    Args:
        images: (n, c, h, w).

    Returns:
        The number of images whose pixels are all equal, in all channels.
    """
    if isinstance(images, StreamedImages):
        low, high = images.facts.extremes[:, images.numbers]
        return int((low == high).sum())
    count = 0
    for part in chunks(images):
        rows = part.flatten(1)
        count += int((rows == rows[:, :1]).all(1).sum())
    return count
