"""How images are brought to one size when they are decoded: scaled and cut to a square, or put into a frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from trainables.data.decode import DecodedOne, Encoded, decode_one
from trainables.data.letterbox import letterbox

__all__ = ["Resize", "decoded_in_frame"]

Resize: TypeAlias = int | tuple[int, int] | None
"""The side of a square to which images are scaled and cut, the height and width of a frame around whole images, or None
for the size that they have.
"""


def decoded_in_frame(encoded: Encoded, resize: Resize) -> tuple[DecodedOne, tuple[int, int]]:
    """Decode an image and bring it to a size.

    Args:
        encoded: its name in messages, and the encoded image or its file.
        resize: the size.

    Returns:
        The image, and its height and width before it was put into a frame.

    Raises:
        DataError: it is damaged.
    """
    one = decode_one(*encoded, resize if isinstance(resize, int) else None)
    size = (one.array.shape[0], one.array.shape[1])
    return (replace(one, array=letterbox(one.array, resize)) if isinstance(resize, tuple) else one), size
