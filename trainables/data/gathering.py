"""From encoded images and labels of several parts to a data set, with notes on what the decoder changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from trainables.data.decode import Encoded, decode_all
from trainables.data.images import Raw, Split, raw_images
from trainables.data.multi_label import raw_multi
from trainables.data.parts import PartName
from trainables.data.pixels import Images
from trainables.data.settings import DataSettings
from trainables.data.streaming import StreamedImages, by_threads, decoded_bytes, why_streamed
from trainables.data.targets import raw_numbers
from trainables.errors import DataError

__all__ = ["Decoding", "GatheredImages", "gathered"]


@dataclass(frozen=True, slots=True)
class Decoding:
    """How and when images of files are decoded; see the settings of the same names.

    Attributes:
        resize: side of the images in pixels; None keeps them, see `decode_all`.
        stream: whether they are decoded while the network trains; None decides by the free memory.
        loaders: the number of threads that do so.
        data: the setting `data`; None for images that are of no run.
    """

    resize: int | None = None
    stream: bool | None = None
    loaders: int = 2
    data: str | None = None

    @classmethod
    def of(cls, settings: DataSettings) -> Decoding:
        """Take the settings of a data set.

        Args:
            settings: the data set.

        Returns:
            Those that say how images are decoded.
        """
        return cls(settings.resize, settings.stream, settings.loaders, settings.data)


@dataclass(frozen=True, slots=True)
class _Found:
    """Images, and what the decoder did to them."""

    images: Images
    depth: str
    turned: int
    with_alpha: int


@dataclass(frozen=True, slots=True)
class GatheredImages:
    """Encoded images of one part, and their labels.

    Attributes:
        images: the encoded images.
        labels: (n,), int64; or numbers, (n, k), float32; or 0 and 1 for each class, (n, k), uint8.
        place: names the part in messages.
    """

    images: Sequence[Encoded]
    labels: Tensor
    place: str


def gathered(
    name: str,
    parts: Mapping[PartName, GatheredImages],
    classes: tuple[str, ...],
    decoding: Decoding,
    *,
    notes: Sequence[str] = (),
) -> Raw:
    """Decode all parts of a data set, or read them once where they are to be streamed.

    Args:
        name: names the data set in messages.
        parts: the images by part, of which "train" is one.
        classes: names of the classes in the order of their labels; empty names them "0", "1", ...
        decoding: how and when images are decoded.
        notes: notes of the reader, to which those of the decoder are added.

    Returns:
        The data set on the CPU.

    Raises:
        DataError: an image is damaged, images differ in size, colours or depth, or labels do not fit.
    """
    needed = sum(decoded_bytes(some.images, decoding.resize) for some in parts.values())
    how, otherwise = by_threads(decoding.loaders, "decode"), "stream = false decodes them before"
    why = why_streamed(needed, decoding.stream, how, "decoded they", otherwise)
    decoded = {part: _streamed(some, decoding) if why else _decoded(some, decoding) for part, some in parts.items()}
    if len({found.depth for found in decoded.values()}) > 1:
        said = ", ".join(f"{parts[part].place}: {found.depth}" for part, found in decoded.items())
        raise DataError(f"{name}: the splits differ in bits per channel ({said}); save all of them with the same depth")
    splits = {part: Split(found.images, parts[part].labels) for part, found in decoded.items()}
    train, validation, test = splits["train"], splits.get("validation"), splits.get("test")
    notes = [*notes, *_notes(list(decoded.values())), *([why] if why else [])]
    if train.labels.is_floating_point():
        return raw_numbers(name, train, test, validation=validation, notes=notes)
    if train.labels.dim() == 2:
        return raw_multi(name, train, test, classes, validation=validation, notes=notes)
    return raw_images(name, train, test, classes, validation=validation, notes=notes)


def _decoded(some: GatheredImages, decoding: Decoding) -> _Found:
    found = decode_all(some.images, resize=decoding.resize)
    return _Found(found.images, found.depth, found.turned, found.with_alpha)


def _streamed(some: GatheredImages, decoding: Decoding) -> _Found:
    images = StreamedImages.of(some.images, resize=decoding.resize, loaders=decoding.loaders, data=decoding.data)
    return _Found(images, images.facts.depth, images.facts.turned, images.facts.with_alpha)


def _notes(found: Sequence[_Found]) -> list[str]:
    """Describe what the decoder did to the images."""
    turned, alpha = sum(one.turned for one in found), sum(one.with_alpha for one in found)
    notes = [] if found[0].depth == "8 bits" else [f"{found[0].depth} a channel, with the values that they have"]
    if turned:
        notes.append(f"{turned} turned upright, as their EXIF orientation says")
    if alpha:
        notes.append(f"the alpha channel of {alpha} left out")
    return notes
