"""Boxes in the form of YOLO: beside `images` a folder `labels` with a text file for each image.

A line is the number of a class, and the middle, width and height of a box as shares of the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from trainables.data.boxes.annotated import Annotated, Annotations, BoxForm
from trainables.data.boxes.files import below, images_below, text_of
from trainables.data.decode import size_of
from trainables.data.parts import PartName, part_of_file
from trainables.errors import DataError

__all__ = ["read_yolo", "yolo_files"]

_LABELS, _IMAGES = "labels", "images"
_CLASSES = "classes.txt"


def yolo_files(path: Path) -> list[Path]:
    """Find the text files of boxes.

    Args:
        path: a folder, searched at any depth.

    Returns:
        The files below folders called "labels", sorted; empty where there are none. `classes.txt`, which programs that
        draw boxes write there, is none of them.
    """
    files = below(path, f"**/{_LABELS}/**/*.txt") if path.is_dir() else []
    return [file for file in files if file.name.lower() != _CLASSES]


def read_yolo(path: Path) -> Annotations:
    """Read images with boxes in the form of YOLO.

    Args:
        path: the folder, with `images` and `labels`, and the names of the classes in `classes.txt`, a file that ends in
            `.names`, or `data.yaml`.

    Returns:
        The images, by the folder that names a part. Images without a text file have no box.

    Raises:
        DataError: a line is none of a box, a text file has no image, two images have one name, there are no images, or
            the names of the classes are damaged.
    """
    by_stem: dict[tuple[str, ...], Path] = {}
    for some in images_below(path).values():
        for image in some:
            stem = _without(image.relative_to(path), _IMAGES)
            if stem in by_stem:
                raise DataError(
                    f"{path}: {by_stem[stem].relative_to(path)} and {image.relative_to(path)} would have the same file "
                    "of labels; give each image a name of its own"
                )
            by_stem[stem] = image
    texts = {_without(file.relative_to(path), _LABELS): file for file in yolo_files(path)}
    for stem, file in texts.items():
        if stem not in by_stem:
            raise DataError(f"{file.relative_to(path)} has boxes, and no image of its name is below {path}; add it")
    found: dict[PartName, list[Annotated]] = {}
    for stem, image in sorted(by_stem.items()):
        part = part_of_file(image, path)
        one = _read(image, texts.get(stem), path)
        found.setdefault("train" if part is None or part == "unclear" else part, []).append(one)
    if "train" not in found:
        raise DataError(f"{path} has no images for training; put them into images/train")
    lacking = len(set(by_stem) - set(texts))
    notes = [f"{lacking} images have no file of labels, and so no box"] if lacking else []
    return Annotations(
        name=str(path),
        parts=found,
        form=BoxForm.YOLO,
        remedy="correct it",
        classes=_classes(path),
        notes=tuple(notes),
    )


def _without(file: Path, folder: str) -> tuple[str, ...]:
    """The path of a file without its ending and without the innermost folder of this name."""
    parts = [*file.parts[:-1], file.stem]
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == folder:
            del parts[place]
            break
    return tuple(parts)


def _read(image: Path, text: Path | None, root: Path) -> Annotated:
    name = str(image.relative_to(root))
    boxes: list[tuple[float, ...]] = []
    labels: list[int | str] = []
    lines = text_of(text).splitlines() if text is not None else []
    for number, line in enumerate(one for one in lines if one.strip()):
        label, corners = _box(line, f"{name}, box {number}", size_of(name, image)[:2])
        boxes.append(corners)
        labels.append(label)
    return Annotated(name, image, boxes, labels)


def _box(line: str, place: str, size: tuple[int, int]) -> tuple[int, tuple[float, ...]]:
    words = line.split()
    rule = "a line is the number of a class, and middle x, middle y, width and height as shares of the image"
    try:
        label, numbers = int(words[0]), [float(word) for word in words[1:]]
    except ValueError as error:
        raise DataError(f"{place}: {line!r:.80} is no line of a box; {rule}") from error
    if len(numbers) != 4 or not all(0 <= number <= 1 + 1e-6 for number in numbers):
        raise DataError(f"{place}: {line!r:.80} has other numbers than four shares from 0 to 1; {rule}")
    height, width = size
    x, y, wide, high = numbers
    left, top = (x - wide / 2) * width, (y - high / 2) * height
    return label, (left, top, left + wide * width, top + high * height)


def _classes(path: Path) -> tuple[str, ...]:
    """The names of the classes; empty where no file has them."""
    for file in (*below(path, f"**/{_CLASSES}"), *below(path, "**/*.names")):
        return tuple(line.strip() for line in text_of(file).splitlines() if line.strip())
    for file in (*below(path, "*.yaml"), *below(path, "*.yml")):
        if names := _of_yaml(file):
            return names
    return ()


def _of_yaml(file: Path) -> tuple[str, ...]:
    """The entry `names`: a list, or a name for each number from 0."""
    try:
        held: Any = yaml.safe_load(text_of(file))
    except yaml.YAMLError as error:
        raise DataError(f"{file} is no complete YAML file ({error}); fetch or write it again") from error
    names = held.get("names") if isinstance(held, dict) else None
    if names is None:
        return ()
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list):
        raise DataError(f"{file}: names is {names!r:.80}; give a list, or a name for each number from 0 without gaps")
    for number, name in enumerate(names):
        if isinstance(name, bool) or not isinstance(name, str | int | float) or not str(name).strip():
            raise DataError(f"{file}: the name {number} of names is {name!r:.60}; write it in quotes")
    return tuple(str(name).strip() for name in names)
