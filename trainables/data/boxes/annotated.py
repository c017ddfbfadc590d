"""Images with boxes as they are read, before any image is decoded, and what is checked about them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from trainables.data.parts import PartName
from trainables.errors import DataError

__all__ = ["Annotated", "Annotations", "BoxForm", "check_boxes", "numbered"]

Corners = tuple[float, ...]
_OUTSIDE = 1.0
"""The pixels by which a box may lie outside its image; it is cut off there."""
_PIXELS = 2
"""The greatest number in boxes that are shares of the image."""


class BoxForm(Enum):
    """What the four numbers of a box are in the files, in words."""

    CORNERS = "left, top, right, bottom in pixels"
    SIDES = "x, y, width, height in pixels"
    VOC = "xmin, ymin, xmax, ymax in pixels from 1"
    YOLO = "the middle x, middle y, width and height as shares of the image"


_MISTAKEN = {BoxForm.CORNERS: "x, y, width, height", BoxForm.SIDES: "left, top, right, bottom"}
"""What the numbers of a form may be by mistake. The others have names in their files, or are below 1."""


@dataclass(frozen=True)
class Annotated:
    """An image with its boxes.

    Attributes:
        name: names the image in messages.
        source: the encoded image, or its file.
        boxes: left, top, right and bottom of each box, in pixels.
        labels: the class of each box, a number or a name.
        group: what the image belongs to, such as a patient; None where it is not known.
    """

    name: str
    source: bytes | Path
    boxes: Sequence[Corners]
    labels: Sequence[int | str]
    group: object = None


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """All images of a data set with their boxes.

    Attributes:
        name: the path of the data.
        parts: the images by part, "train" among them; data without parts are all "train".
        form: what the numbers of boxes are in the files.
        remedy: what helps where boxes have another form.
        classes: the names of the classes; empty where only the boxes name them.
        notes: for people.
    """

    name: str
    parts: Mapping[PartName, Sequence[Annotated]]
    form: BoxForm
    remedy: str
    classes: tuple[str, ...] = ()
    notes: Sequence[str] = ()


Sizes = Mapping[PartName, Sequence[tuple[int, int]]]


def numbered(found: Annotations) -> tuple[tuple[str, ...], dict[PartName, list[list[int]]]]:
    """Number the classes of boxes.

    Args:
        found: the images with boxes.

    Returns:
        The names of the classes, and for each image of a part the numbers of the classes of its boxes.

    Raises:
        DataError: no training image has a box, an image has more boxes than labels or fewer, a label is none, or two
            classes have one name.
    """
    for some in found.parts.values():
        for one in some:
            _check_counts(one)
    used = [label for one in found.parts["train"] for label in one.labels]
    if not used:
        raise DataError(f"{found.name}: no image for training has a box, so nothing can be learned; add boxes")
    classes = found.classes or _named(found, used)
    twice = [name for name, times in Counter(classes).items() if times > 1]
    if twice:
        raise DataError(f"{found.name}: two classes are called {twice[0]!r}; give each a name of its own")
    places: dict[int | str, int] = {name: number for number, name in enumerate(classes)}
    numbers: dict[PartName, list[list[int]]] = {}
    for part, some in found.parts.items():
        numbers[part] = [[_number(one, box, places, classes) for box in range(len(one.labels))] for one in some]
    return classes, numbers


def _check_counts(one: Annotated) -> None:
    boxes, labels = len(one.boxes), len(one.labels)
    if boxes == labels:
        return
    if not boxes:
        raise DataError(f"{one.name}: {labels} labels and no box; each label needs a box: left, top, right, bottom")
    raise DataError(f"{one.name}: {boxes} boxes have {labels} labels; give each box one")


def _named(found: Annotations, used: Sequence[int | str]) -> tuple[str, ...]:
    """The classes that the labels of training name: names in their order, or numbers from 0."""
    if any(isinstance(label, str) for label in used):
        return tuple(sorted({str(label) for label in used}))
    every = [label for some in found.parts.values() for one in some for label in one.labels]
    most = max(label for label in every if isinstance(label, int))
    return tuple(str(number) for number in range(most + 1))


def _number(one: Annotated, box: int, places: Mapping[int | str, int], classes: Sequence[str]) -> int:
    label = one.labels[box]
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(classes):
        return label
    if isinstance(label, str) and label in places:
        return places[label]
    known = ", ".join(classes[:20])
    if isinstance(label, int):
        raise DataError(
            f"{one.name}, box {box}: the label {label} is none of the {len(classes)} classes ({known}); labels are "
            f"numbers from 0 to {len(classes) - 1}: correct it"
        )
    raise DataError(f"{one.name}, box {box}: the label {label!r} is none of the classes {known}; correct it")


def check_boxes(found: Annotations, sizes: Sizes) -> None:
    """Check every box against its image.

    Args:
        found: the images with boxes.
        sizes: the height and width of each image, by the part.

    Raises:
        DataError: a box has no four finite numbers, has no area in its image or lies outside it. The message names the
            image, the box, the rule and what the numbers look like.
    """
    if found.form is not BoxForm.YOLO and _are_shares(found, sizes):
        raise DataError(
            f"{found.name}: all boxes lie between 0 and {_PIXELS}; they look like shares of the image, and boxes "
            "are in pixels; multiply them by its width and height"
        )
    for part, some in found.parts.items():
        for one, size in zip(some, sizes[part], strict=True):
            for number, box in enumerate(one.boxes):
                problem = _problem(box, size)
                if problem:
                    looks = _cause(found, sizes, box, size)
                    raise DataError(
                        f"{one.name}, box {number}: {_written(box, found.form, size)} {problem}; boxes are "
                        f"{found.form.value}{looks}; {found.remedy}"
                    )


def _are_shares(found: Annotations, sizes: Sizes) -> bool:
    """Whether no number of any box is above that of a tiny image, and images are larger."""
    numbers = [number for some in found.parts.values() for one in some for box in one.boxes for number in box]
    least = min((min(size) for some in sizes.values() for size in some), default=0)
    return bool(numbers) and least > 2 * _PIXELS and all(0 <= number <= _PIXELS for number in numbers)


def _problem(box: Corners, size: tuple[int, int]) -> str:
    """What is wrong with a box; empty where nothing is."""
    if len(box) != 4 or not all(math.isfinite(number) for number in box):
        return "is not four finite numbers"
    left, top, right, bottom = box
    if right < left or bottom < top:
        return "has its right side before its left one, or its bottom above its top"
    if _is_flat(box):
        return "has no area"
    height, width = size
    if left < -_OUTSIDE or top < -_OUTSIDE or right > width + _OUTSIDE or bottom > height + _OUTSIDE:
        return f"lies outside its image of {width} x {height} pixels"
    if _is_flat((max(left, 0), max(top, 0), min(right, width), min(bottom, height))):
        return f"has no area inside its image of {width} x {height} pixels"
    return ""


def _is_flat(box: Corners) -> bool:
    """Whether a box has no area in the numbers that it is stored in."""
    left, top, right, bottom = np.array(box, dtype=np.float32).tolist()
    return bool(right <= left or bottom <= top)


def _cause(found: Annotations, sizes: Sizes, box: Corners, size: tuple[int, int]) -> str:
    """What the numbers of a bad box look like, judged by this box and by all of them."""
    if found.form not in _MISTAKEN or not _fits_otherwise(box, found.form, size):
        return ""
    for part, some in found.parts.items():
        for one, its in zip(some, sizes[part], strict=True):
            if not all(_fits_otherwise(other, found.form, its) for other in one.boxes):
                return ""
    return f"; these look like {_MISTAKEN[found.form]}"


def _fits_otherwise(box: Corners, form: BoxForm, size: tuple[int, int]) -> bool:
    """Whether the numbers of the file are a box of the image if they are read as the other form."""
    if len(box) != 4 or not all(math.isfinite(number) for number in box):
        return False
    left, top, right, bottom = box
    other = (left + right, top + bottom) if form is BoxForm.CORNERS else (right - left, bottom - top)
    return not _problem((left, top, *other), size)


def _written(box: Corners, form: BoxForm, size: tuple[int, int]) -> str:
    """A box as its file has it."""
    numbers = box
    if len(box) == 4:
        left, top, right, bottom = box
        height, width = size
        numbers = {
            BoxForm.CORNERS: box,
            BoxForm.SIDES: (left, top, right - left, bottom - top),
            BoxForm.VOC: (left + 1, top + 1, right, bottom),
            BoxForm.YOLO: (
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            ),
        }[form]
    return "[" + ", ".join(f"{number:g}" for number in numbers) + "]"
