"""What each image is like, found in one pass over all: its sums, extremes and digest. A few hundred bytes an image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.data.decode import EIGHT, Array, DecodedOne, Encoded, check_alike
from trainables.data.streaming.ahead import prepared_ahead
from trainables.data.streaming.framing import Resize, decoded_in_frame

__all__ = ["Facts", "facts_of"]

_PART = 64
"""Images that a thread reads at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What images are like that are not kept.

    Attributes:
        shape: channels, height and width, which all images have.
        depth: bits per channel, as of `Decoded`.
        turned: the number of images that are turned by their EXIF orientation.
        with_alpha: the number of images whose alpha channel is left out.
        totals: (2, n, c), float64, the sum of the values of each channel, and that of their squares.
        extremes: (2, n), float64, the least and the greatest value of each image.
        finite: (n,), whether all values are finite.
        digests: one for each image, equal for equal images.
        sizes: (n, 2), int64, the height and width of each image before it is put into a frame.
    """

    shape: tuple[int, int, int]
    depth: str
    turned: int
    with_alpha: int
    totals: Tensor
    extremes: Tensor
    finite: Tensor
    digests: tuple[bytes, ...]
    sizes: Tensor

    def joined(self, other: Facts) -> Facts:
        """Concatenate the facts of two sets of images of one shape and depth.

        Args:
            other: facts of the images that follow.

        Returns:
            The facts of all.
        """
        return Facts(
            self.shape,
            self.depth,
            self.turned + other.turned,
            self.with_alpha + other.with_alpha,
            torch.cat((self.totals, other.totals), 1),
            torch.cat((self.extremes, other.extremes), 1),
            torch.cat((self.finite, other.finite)),
            self.digests + other.digests,
            torch.cat((self.sizes, other.sizes)),
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    height: int
    width: int
    channels: int
    depth: str
    turned: bool
    has_alpha: bool
    totals: Array
    low: float
    high: float
    digest: bytes
    size: tuple[int, int]


def facts_of(encoded: Sequence[Encoded], *, resize: Resize, loaders: int) -> Facts:
    """Read every image once.

    Args:
        encoded: the images, at least one.
        resize: the size to which they are brought.
        loaders: the number of threads.

    Returns:
        The facts.

    Raises:
        DataError: as for `decode_all`.
    """

    def seen(numbers: Sequence[int]) -> list[_Seen]:
        return [_seen(*decoded_in_frame(encoded[number], resize)) for number in numbers]

    batches = [range(start, min(start + _PART, len(encoded))) for start in range(0, len(encoded), _PART)]
    found = [one for parts in prepared_ahead(seen, batches, loaders) for part in parts for one in part]
    check_alike([name for name, _ in encoded], [(one.height, one.width) for one in found], [one.depth for one in found])
    channels = max(one.channels for one in found)
    totals = [np.repeat(one.totals, channels // one.channels, axis=1) for one in found]
    extremes = torch.tensor([[one.low for one in found], [one.high for one in found]], dtype=torch.float64)
    return Facts(
        (channels, found[0].height, found[0].width),
        found[0].depth,
        sum(one.turned for one in found),
        sum(one.has_alpha for one in found),
        torch.from_numpy(np.stack(totals, axis=1)),
        extremes,
        torch.isfinite(extremes).all(0),
        tuple(one.digest for one in found),
        torch.tensor([one.size for one in found], dtype=torch.int64),
    )


def _seen(one: DecodedOne, size: tuple[int, int]) -> _Seen:
    array = one.array if one.array.ndim == 3 else one.array[..., None]
    height, width, channels = array.shape
    values = array.reshape(-1, channels).astype(np.float64)
    # A grey image among images in colour equals one whose three channels are equal.
    content = np.ascontiguousarray(np.broadcast_to(array, (height, width, 3)) if one.depth == EIGHT else array)
    return _Seen(
        height,
        width,
        channels,
        one.depth,
        one.turned,
        one.has_alpha,
        np.stack((values.sum(0), np.square(values).sum(0))),
        float(array.min()),
        float(array.max()),
        hashlib.blake2b(content.data, digest_size=16).digest(),
        size,
    )
