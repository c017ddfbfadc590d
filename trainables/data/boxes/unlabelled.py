"""Pictures without boxes, as a trained network is asked about them, and the boxes that it finds in them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from trainables.data.decode import EIGHT, decode_one
from trainables.data.letterbox import letterbox, placed
from trainables.data.picture_files import check_picture_file
from trainables.data.unlabelled import encoded_images
from trainables.errors import DataError

__all__ = ["beside_truth", "drawn_boxes", "in_pixels_of", "read_pictures"]

Array = np.ndarray[Any, Any]
Boxes = Sequence[Mapping[str, Any]]
Predicted = Sequence[Boxes]
Corners = tuple[float, float, float, float]
_COLOURS = (
    "#e6194b",
    "#0b7d33",
    "#1f4fe0",
    "#b35900",
    "#911eb4",
    "#007a87",
    "#b30086",
    "#6b6b00",
    "#5a2d0c",
    "#3d3d3d",
)
_LEAST = 480
"""Smaller pictures are drawn larger, so that their labels can be read; in larger ones letters and lines are larger."""
_LETTERS, _GAP = 10, 8


def read_pictures(x: Any, shape: tuple[int, ...], image_column: str | None = None) -> tuple[Tensor, list[str]]:
    """Read pictures and bring them to the size that a network takes.

    Args:
        x: an array or tensor (n, c, h, w) or (n, h, w, c), or a list of arrays (h, w, c); or the path of an image, of a
            folder of images, or of Parquet files with a column of images.
        shape: channels, height and width that the network takes.
        image_column: the column of Parquet files; None recognises it.

    Returns:
        The pictures (n, c, h, w), uint8, and the name of each.

    Raises:
        DataError: there are none, or they are damaged.
    """
    frames, names = [], []
    for name, picture in _pictures(x, image_column):
        names.append(name)
        frames.append(_of_channels(letterbox(picture, (shape[1], shape[2])), shape[0]))
    return torch.from_numpy(np.stack(frames)), names


def in_pixels_of(
    values: Predicted, x: Any, frame: tuple[int, int], image_column: str | None
) -> list[list[dict[str, Any]]]:
    """Bring boxes from the size that a network takes to that of the pictures.

    Args:
        values: for each picture its boxes, each with a `box`.
        x: the pictures, as for `read_pictures`.
        frame: height and width that the network takes.
        image_column: the column of Parquet files; None recognises it.

    Returns:
        The same with other boxes.
    """
    found = []
    for some, (_, picture) in zip(values, _pictures(x, image_column), strict=True):
        place = placed((picture.shape[0], picture.shape[1]), frame)
        found.append([{**one, "box": place.out_of(np.array([one["box"]]))[0].tolist()} for one in some])
    return found


def drawn_boxes(
    values: Predicted, x: Any, target: Path, classes: Sequence[str], image_column: str | None
) -> list[Path]:
    """Draw boxes into pictures.

    Args:
        values: for each picture its boxes in its pixels, each with a `box`, a `label` and a `score`.
        x: the pictures, as for `read_pictures`.
        target: the file to write; of several pictures each has its number before the ending.
        classes: the names of all classes, each of which has a colour.
        image_column: the column of Parquet files; None recognises it.

    Returns:
        The files that were written.

    Raises:
        DataError: no picture can be written to the file.
    """
    check_picture_file(target)
    pictures = list(_pictures(x, image_column))
    written = []
    for number, (some, (_, picture)) in enumerate(zip(values, pictures, strict=True)):
        one = target if len(pictures) == 1 else target.with_stem(f"{target.stem}_{number}")
        _drawn(picture, some, classes).save(one)
        written.append(one)
    return written


def beside_truth(image: Tensor, true: Boxes, found: Boxes, classes: Sequence[str]) -> bytes:
    """Draw true and predicted boxes beside each other.

    Args:
        image: (c, h, w), from 0 to 255.
        true: its boxes, each with a `box` in its pixels and a `label`.
        found: those that were predicted, with a `score` too.
        classes: the names of all classes, each of which has a colour.

    Returns:
        A PNG file: the true ones on the left, the predicted ones on the right.
    """
    array = image.cpu().numpy().astype(np.uint8)
    picture = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    left, right = (_drawn(np.ascontiguousarray(picture), boxes, classes) for boxes in (true, found))
    both = Image.new("RGB", (left.width + right.width + _GAP, left.height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + _GAP, 0))
    memory = io.BytesIO()
    both.save(memory, "PNG")
    return memory.getvalue()


def _drawn(picture: Array, boxes: Boxes, classes: Sequence[str]) -> Image.Image:
    scale = max(1, round(_LEAST / min(picture.shape[:2])))
    image = Image.fromarray(picture).convert("RGB")
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    unit = max(1, round(min(image.size) / _LEAST))
    font = _font(_LETTERS * unit)
    labels = []
    for one in boxes:
        text = f"{one['label']} {one['score']:.2f}" if "score" in one else str(one["label"])
        colour = _COLOURS[list(classes).index(one["label"]) % len(_COLOURS)]
        labels.append((text, colour, [side * scale for side in one["box"]]))
    # The surest last, above the others; and all labels above all boxes, so that no line crosses one.
    for _, colour, corners in reversed(labels):
        draw.rectangle(corners, outline=colour, width=2 * unit)
    taken: list[Corners] = []
    for text, _, corners in labels:
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        size = (right - left + 4 * unit, bottom - top + 2 * unit)
        taken.append(_place(corners, size, image.size, unit, taken))
    for (text, colour, _), place in reversed(list(zip(labels, taken, strict=True))):
        draw.rectangle(place, fill=colour)
        middle = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2
        draw.text(middle, text, fill="white", font=font, anchor="mm")
    return image


def _place(
    box: Sequence[float], size: tuple[float, float], image: tuple[int, int], unit: int, taken: Sequence[Corners]
) -> Corners:
    """Where a label of a size is drawn: at the first corner of its box where it covers the labels there least."""
    width, height = size
    left, top, right, bottom = box
    rows = (top - height, top + 2 * unit, bottom, bottom - height - 2 * unit)
    places: list[Corners] = []
    for y in rows:
        for x in (left, right - width):
            x0 = min(max(x, 0.0), max(0.0, image[0] - width))
            y0 = min(max(y, 0.0), max(0.0, image[1] - height))
            places.append((x0, y0, x0 + width, y0 + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(one: Corners, other: Corners) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """A font that has the letters of most languages, which the default one of Pillow has not."""
    from matplotlib import get_data_path

    return ImageFont.truetype(Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def _pictures(x: Any, image_column: str | None) -> list[tuple[str, Array]]:
    """The names of pictures, and each as (h, w) or (h, w, 3), uint8."""
    if not isinstance(x, str | Path):
        return _of_arrays(x)
    found = []
    for name, source in encoded_images(Path(x), image_column):
        decoded = decode_one(name, source, None)
        if decoded.depth != EIGHT:
            raise DataError(f"{name} has {decoded.depth} a channel, and 8 bits are needed; convert it")
        found.append((name, decoded.array))
    return found


def _of_arrays(x: Any) -> list[tuple[str, Array]]:
    given = x.detach().cpu().numpy() if isinstance(x, Tensor) else x
    if not isinstance(given, np.ndarray | Sequence):
        raise DataError(f"x is {type(x).__name__}; give an array (n, h, w, c), a list of arrays (h, w, c), or a path")
    found = []
    for number, one in enumerate(given):
        picture = np.asarray(one)
        if picture.ndim == 3 and picture.shape[0] in (1, 3) and picture.shape[2] not in (1, 3):
            picture = picture.transpose(1, 2, 0)
        if picture.ndim == 3 and picture.shape[2] == 1:
            picture = picture[:, :, 0]
        is_picture = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
        if not is_picture or not 0 <= float(picture.min()) <= float(picture.max()) <= 255:
            raise DataError(
                f"picture {number} is {picture.dtype} of shape {picture.shape}; it is (h, w), (h, w, 3) or (3, h, w), "
                "with values from 0 to 255; one picture is given as x[None]"
            )
        found.append((f"picture {number}", np.ascontiguousarray(picture.astype(np.uint8))))
    if not found:
        raise DataError("x holds no picture; give at least one")
    return found


def _of_channels(picture: Array, channels: int) -> Array:
    """A picture (h, w) or (h, w, 3) as (channels, h, w)."""
    if channels == 1 and picture.ndim == 3:
        picture = np.asarray(Image.fromarray(picture).convert("L"))
    return np.repeat(picture[None], channels, 0) if picture.ndim == 2 else picture.transpose(2, 0, 1)
