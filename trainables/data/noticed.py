"""What is odd about the images of a data set: copies between the parts, and images of one value."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.data.pixels import Images, constant_images, digests

__all__ = ["noticed_images"]


def noticed_images(parts: Mapping[str, Images]) -> list[str]:
    """Compare the images of the parts, byte by byte.

    Args:
        parts: the images (n, c, h, w) by the name of the part, "train" among them, on the CPU.

    Returns:
        A warning for each part with images that are training images too, and one on images of one value.
    """
    seen = set(digests(parts["train"]))
    notes = []
    for part, images in parts.items():
        copies = 0 if part == "train" else sum(digest in seen for digest in digests(images))
        if copies:
            notes.append(
                f"warning: {copies} of {len(images)} {part} images equal a training image; remove the copies, which "
                "flatter the score"
            )
    flat = sum(constant_images(images) for images in parts.values())
    if flat:
        count = sum(len(images) for images in parts.values())
        notes.append(
            f"warning: {flat} of {count} images have one value in all pixels; remove them, or check how they are read"
        )
    return notes
