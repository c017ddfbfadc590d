"""From encoded images and labels of several parts to a data set, with a word on what decoding them came across."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from trainables.data.decode import Decoded, Encoded, decode_all
from trainables.data.images import Raw, Split, raw_images
from trainables.data.parts import Part
from trainables.errors import DataError

__all__ = ["Gathered", "gathered"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Images as files have them, and their labels (n,); `place` names the part in messages."""

    images: Sequence[Encoded]
    labels: Tensor
    place: str


def gathered(
    name: str,
    parts: Mapping[Part, Gathered],
    classes: tuple[str, ...],
    *,
    resize: int | None,
    notes: Sequence[str] = (),
) -> Raw:
    """Decode all parts, of which training is one.

    Raises:
        DataError: an image is damaged, or images differ in size, colours or depth.
    """
    decoded = {part: decode_all(some.images, resize=resize) for part, some in parts.items()}
    _check_depths(name, decoded, parts)
    splits = {part: Split(found.images, parts[part].labels) for part, found in decoded.items()}
    said = [*notes, *_said(decoded.values())]
    return raw_images(
        name, splits["train"], splits.get("test"), classes, validation=splits.get("validation"), notes=said
    )


def _check_depths(name: str, decoded: Mapping[Part, Decoded], parts: Mapping[Part, Gathered]) -> None:
    if len({found.depth for found in decoded.values()}) > 1:
        said = ", ".join(f"{parts[part].place}: {found.depth}" for part, found in decoded.items())
        raise DataError(f"{name}: the splits differ in depth a channel ({said}); save all of them alike")


def _said(decoded: Iterable[Decoded]) -> list[str]:
    found = list(decoded)
    turned, alpha = sum(one.turned for one in found), sum(one.with_alpha for one in found)
    notes = [] if found[0].depth == "8 bits" else [f"{found[0].depth} a channel, with the values that they have"]
    if turned:
        notes.append(f"{turned} turned upright, as their EXIF orientation says")
    if alpha:
        notes.append(f"the alpha channel of {alpha} left out")
    return notes
