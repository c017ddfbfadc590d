"""The images of files decoded and brought into frames of one size, with their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import torch

from trainables.data.boxes.annotated import Annotated, Annotations, check_boxes
from trainables.data.boxes.box_data import BoxPart
from trainables.data.boxes.settings import BoxSettings
from trainables.data.boxes.shapes import drawn_shapes
from trainables.data.decode import EIGHT, decode_one, size_of
from trainables.data.letterbox import letterbox, placed
from trainables.data.parts import PartName
from trainables.data.pixels import Images
from trainables.data.streaming import StreamedImages, by_threads, decoded_bytes, why_streamed
from trainables.errors import DataError

__all__ = ["Numbers", "decoded_parts", "frame_of", "shapes_in_frames"]

Array = np.ndarray[Any, Any]
Numbers: TypeAlias = Mapping[PartName, Sequence[Sequence[int]]]
_THREADS = 4
_STEP, _MOST = 32, 320
"""What the sides of a frame are multiples of, as the strides of detectors are, and the longest that is proposed."""


def frame_of(found: Annotations) -> tuple[int, int] | None:
    """Propose the height and width to which images are brought; reads headers alone.

    Args:
        found: the images.

    Returns:
        About those of most images, at most 320 pixels; None where all images have one size that is no larger.
    """
    sizes = {size_of(one.name, one.source)[:2] for some in found.parts.values() for one in some}
    if len(sizes) == 1 and max(max(size) for size in sizes) <= _MOST:
        return None
    high, wide = (float(np.median([size[side] for size in sizes])) for side in (0, 1))
    scale = min(1.0, _MOST / max(high, wide))
    return _stepped(scale * high), _stepped(scale * wide)


def _stepped(side: float) -> int:
    return max(_STEP, _STEP * round(side / _STEP))


def shapes_in_frames(frame: tuple[int, int] | None) -> dict[PartName, BoxPart]:
    """Draw the images of `shapes`.

    Args:
        frame: the height and width to which they are brought; None keeps those that they have.

    Returns:
        All of them, as the part for training.
    """
    images, boxes, labels = drawn_shapes()
    places = [placed((images.shape[2], images.shape[3]), frame)] * len(images)
    frames = np.stack([letterbox(image.transpose(1, 2, 0), frame).transpose(2, 0, 1) for image in images])
    return {"train": _part(torch.from_numpy(frames), boxes, labels, places)}


def decoded_parts(
    found: Annotations, numbers: Numbers, settings: BoxSettings, notes: list[str]
) -> dict[PartName, BoxPart]:
    """Decode all images, or read them once where they are streamed, bring them to one size, and check every box.

    Args:
        found: the images with their boxes.
        numbers: the numbers of the classes of the boxes of each image, by the part.
        settings: the size of the frames, and when images are decoded.
        notes: gets a line for what was done to images.

    Returns:
        The parts that the data have.

    Raises:
        DataError: an image is damaged or of another size, or a box breaks a rule.
    """
    every = [(one.name, one.source) for some in found.parts.values() for one in some]
    how, otherwise = by_threads(settings.loaders, "decode"), "stream = false decodes them before"
    why = why_streamed(decoded_bytes(every, settings.frame), settings.stream, how, "decoded they", otherwise)
    if not why:
        return _in_memory(found, numbers, settings, notes)
    notes.append(why)
    return _streamed(found, numbers, settings, notes)


def _streamed(found: Annotations, numbers: Numbers, settings: BoxSettings, notes: list[str]) -> dict[PartName, BoxPart]:
    every = [one for some in found.parts.values() for one in some]
    if settings.frame is None:
        _check_headers(found, every)
    encoded = [(one.name, one.source) for one in every]
    images = StreamedImages.of(encoded, resize=settings.frame, loaders=settings.loaders, data=settings.data)
    if images.facts.depth != EIGHT:
        raise _too_deep(every[0].name, images.facts.depth)
    sizes: dict[PartName, list[tuple[int, int]]] = {}
    rows: dict[PartName, slice] = {}
    start = 0
    for part, some in found.parts.items():
        rows[part] = slice(start, start + len(some))
        sizes[part] = [(high, wide) for high, wide in images.facts.sizes[rows[part]].tolist()]
        start += len(some)
    check_boxes(found, sizes)
    _note_turned(images.facts.turned, notes)
    made: dict[PartName, BoxPart] = {}
    for part, some in found.parts.items():
        places = [placed(size, settings.frame) for size in sizes[part]]
        made[part] = _part(images[rows[part]], [one.boxes for one in some], numbers[part], places)
    return made


def _in_memory(
    found: Annotations, numbers: Numbers, settings: BoxSettings, notes: list[str]
) -> dict[PartName, BoxPart]:
    frame = settings.frame
    framed: dict[PartName, list[Array]] = {}
    sizes: dict[PartName, list[tuple[int, int]]] = {}
    turned = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for part, some in found.parts.items():
            framed[part], sizes[part] = [], []
            for one, (image, size, is_turned) in zip(some, pool.map(lambda one: _image(one, frame), some), strict=True):
                turned += is_turned
                first = next(iter(framed.values()))
                if first and first[0].shape[:2] != image.shape[:2]:
                    raise _of_another_size(found, one, size, first[0].shape[:2])
                framed[part].append(image)
                sizes[part].append(size)
    check_boxes(found, sizes)
    _note_turned(turned, notes)
    is_colour = any(image.ndim == 3 for some in framed.values() for image in some)
    made: dict[PartName, BoxPart] = {}
    for part, some in found.parts.items():
        images = np.stack([_channels_first(image, is_colour=is_colour) for image in framed[part]])
        places = [placed(size, frame) for size in sizes[part]]
        made[part] = _part(torch.from_numpy(images), [one.boxes for one in some], numbers[part], places)
    return made


def _check_headers(found: Annotations, every: Sequence[Annotated]) -> None:
    """Refuse images of several sizes by their headers, before all of them are decoded."""
    first = size_of(every[0].name, every[0].source)[:2]
    for one in every:
        size = size_of(one.name, one.source)[:2]
        if size not in (first, first[::-1]):  # which may be turned by their EXIF orientation
            raise _of_another_size(found, one, size, first)


def _of_another_size(found: Annotations, one: Annotated, size: tuple[int, int], first: tuple[int, int]) -> DataError:
    return DataError(
        f"{one.name} is of {size[1]} x {size[0]} pixels, and images before it of {first[1]} x {first[0]}; set "
        f"resize = {list(frame_of(found) or ())} or another height and width, to which all are brought without "
        "distortion"
    )


def _too_deep(name: str, depth: str) -> DataError:
    return DataError(f"{name} has {depth} a channel, and 8 bits are needed; convert it")


def _note_turned(turned: int, notes: list[str]) -> None:
    if turned:
        notes.append(f"{turned} images were turned by their EXIF orientation; boxes are taken to be of upright images")


def _image(one: Annotated, frame: tuple[int, int] | None) -> tuple[Array, tuple[int, int], bool]:
    """An image in its frame, its size before, and whether it was turned."""
    decoded = decode_one(one.name, one.source, None)
    if decoded.depth != EIGHT:
        raise _too_deep(one.name, decoded.depth)
    height, width = decoded.array.shape[:2]
    return letterbox(decoded.array, frame), (height, width), decoded.turned


def _channels_first(image: Array, *, is_colour: bool) -> Array:
    if image.ndim == 3:
        return image.transpose(2, 0, 1)
    return np.repeat(image[None], 3 if is_colour else 1, axis=0)


def _part(images: Images, boxes: Sequence[Any], labels: Sequence[Sequence[int]], places: Sequence[Any]) -> BoxPart:
    """Pad the boxes of all images to one number, and bring them into the frames."""
    most = max(1, *(len(one) for one in labels)) if labels else 1
    corners = np.zeros((len(images), most, 4), dtype=np.float32)
    classes = np.full((len(images), most), -1, dtype=np.int64)
    for number, (some, its, place) in enumerate(zip(boxes, labels, places, strict=True)):
        if len(its):
            limits = np.array([place.width, place.height] * 2)
            inside = np.clip(np.array(some, dtype=np.float64), 0, limits)
            corners[number, : len(its)] = place.into(inside)
            classes[number, : len(its)] = its
    return BoxPart(images, torch.from_numpy(corners), torch.from_numpy(classes))
