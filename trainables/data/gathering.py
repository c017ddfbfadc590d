"""From encoded images and labels of several parts to a data set, with notes on what the decoder changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from trainables.data.decode import Decoded, Encoded, decode_all
from trainables.data.images import Raw, Split, raw_images
from trainables.data.parts import Part
from trainables.data.targets import raw_numbers
from trainables.errors import DataError

__all__ = ["GatheredImages", "gathered"]


@dataclass(frozen=True, slots=True)
class GatheredImages:
    """Encoded images of one part, and their labels.

    Attributes:
        images: the encoded images.
        labels: (n,), int64; or numbers, (n, k), float32.
        place: names the part in messages.
    """

    images: Sequence[Encoded]
    labels: Tensor
    place: str


def gathered(
    name: str,
    parts: Mapping[Part, GatheredImages],
    classes: tuple[str, ...],
    *,
    resize: int | None,
    notes: Sequence[str] = (),
) -> Raw:
    """Decode all parts of a data set.

    Args:
        name: names the data set in messages.
        parts: the images by part, of which "train" is one.
        classes: names of the classes in the order of their labels; empty names them "0", "1", ...
        resize: side of the images in pixels; None keeps them, see `decode_all`.
        notes: notes of the reader, to which those of the decoder are added.

    Returns:
        The data set on the CPU.

    Raises:
        DataError: an image is damaged, images differ in size, colours or depth, or labels do not fit.
    """
    decoded = {part: decode_all(some.images, resize=resize) for part, some in parts.items()}
    if len({found.depth for found in decoded.values()}) > 1:
        said = ", ".join(f"{parts[part].place}: {found.depth}" for part, found in decoded.items())
        raise DataError(f"{name}: the splits differ in bits per channel ({said}); save all of them with the same depth")
    splits = {part: Split(found.images, parts[part].labels) for part, found in decoded.items()}
    train, validation, test = splits["train"], splits.get("validation"), splits.get("test")
    notes = [*notes, *_notes(list(decoded.values()))]
    if train.labels.is_floating_point():
        return raw_numbers(name, train, test, validation=validation, notes=notes)
    return raw_images(name, train, test, classes, validation=validation, notes=notes)


def _notes(found: Sequence[Decoded]) -> list[str]:
    """Describe what the decoder did to the images."""
    turned, alpha = sum(one.turned for one in found), sum(one.with_alpha for one in found)
    notes = [] if found[0].depth == "8 bits" else [f"{found[0].depth} a channel, with the values that they have"]
    if turned:
        notes.append(f"{turned} turned upright, as their EXIF orientation says")
    if alpha:
        notes.append(f"the alpha channel of {alpha} left out")
    return notes
