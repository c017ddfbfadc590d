"""Boxes in the form of COCO: a JSON file with `images`, `annotations` and `categories` for each part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.data.boxes.annotated import Annotated, Annotations
from trainables.data.boxes.files import images_below
from trainables.data.parts import PartName, parts_of_files, visible
from trainables.errors import DataError

__all__ = ["coco_files", "read_coco"]

_KEYS = (b'"images"', b'"annotations"', b'"categories"')


def coco_files(path: Path) -> list[Path]:
    """Find the files in the form of COCO.

    Args:
        path: such a file, or a folder that is searched at any depth.

    Returns:
        The files, sorted; empty where there are none.
    """
    files = visible(path.glob("**/*.json"), path) if path.is_dir() else [path] if path.suffix.lower() == ".json" else []
    return [file for file in files if _is_coco(file)]


def _is_coco(file: Path) -> bool:
    content = file.read_bytes()
    return all(key in content for key in _KEYS)


def read_coco(path: Path) -> Annotations:
    """Read images with boxes in the form of COCO.

    Args:
        path: a JSON file whose images are beside or below it, or a folder with several of them and the images.

    Returns:
        The images, by the part that the name of the JSON file or its folder says. The ids of categories may have gaps.
        Boxes of crowds are left out.

    Raises:
        DataError: a file is damaged, names an image that does not exist or an id that is not declared, or two files
            declare different categories.
    """
    root = path if path.is_dir() else path.parent
    files = coco_files(path)
    notes: list[str] = []
    parts = parts_of_files(path, files, notes)
    known = images_below(root)
    found: dict[PartName, list[Annotated]] = {}
    classes: dict[int, str] = {}
    crowds = 0
    for file in files:
        held = _loaded(file)
        own = {int(one["id"]): str(one["name"]) for one in held["categories"]}
        if classes and own != classes:
            raise DataError(f"{file} declares other categories than the files before it; give all files the same ones")
        classes = own
        images, left_out = _images(file, held, known, list(own))
        crowds += left_out
        found.setdefault(parts[file] or "train", []).extend(images)
    if "train" not in found:
        raise DataError(f"{path} has no file for training; name one train, as in instances_train.json")
    if crowds:
        notes.append(f"{crowds} boxes of crowds are left out")
    names = tuple(classes.values())
    return Annotations(str(path), found, names, tuple(notes), "correct it")


def _loaded(file: Path) -> dict[str, Any]:
    try:
        held: Any = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is no complete JSON file ({error}); fetch or write it again") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(held, dict) or not isinstance(held.get(key), list):
            raise DataError(
                f"{file} has no list {key!r}; a file in the form of COCO has images, annotations, categories"
            )
    found: dict[str, Any] = held
    return found


def _images(
    file: Path, held: Mapping[str, Any], known: Mapping[str, Sequence[Path]], categories: Sequence[int]
) -> tuple[list[Annotated], int]:
    """The images of a file, and the number of boxes of crowds."""
    numbers = {category: number for number, category in enumerate(categories)}
    boxes: dict[Any, list[tuple[float, ...]]] = {one.get("id"): [] for one in held["images"]}
    labels: dict[Any, list[int]] = {image: [] for image in boxes}
    crowds = 0
    for number, one in enumerate(held["annotations"]):
        image, category, box = one.get("image_id"), one.get("category_id"), one.get("bbox")
        if image not in boxes:
            raise DataError(f"{file}, annotation {number}: there is no image with the id {image!r}; correct image_id")
        if category not in numbers:
            raise DataError(
                f"{file}, annotation {number}: the category {category!r} is not declared; it must be one of "
                f"{', '.join(map(str, categories[:20]))}: correct category_id"
            )
        if one.get("iscrowd"):
            crowds += 1
            continue
        if not isinstance(box, list) or len(box) != 4 or any(not isinstance(side, int | float) for side in box):
            raise DataError(f"{file}, annotation {number}: bbox is {box!r:.60}; it must be x, y, width and height")
        left, top, width, height = map(float, box)
        boxes[image].append((left, top, left + width, top + height))
        labels[image].append(numbers[category])
    found = []
    for one in held["images"]:
        name = str(one.get("file_name"))
        found.append(Annotated(name, _file(file, name, known), boxes[one.get("id")], labels[one.get("id")]))
    return found, crowds


def _file(file: Path, name: str, known: Mapping[str, Sequence[Path]]) -> Path:
    """The image of a name: beside the file, or the one below the folder of the data that has it."""
    beside = file.parent / name
    if beside.is_file():
        return beside
    same = [one for one in known.get(Path(name).name, ()) if one.as_posix().endswith(Path(name).as_posix())]
    if len(same) > 1:
        words = [one for one in same if one.parent.name in file.stem or one.parent.name == file.parent.name]
        same = words if len(words) == 1 else same
    if len(same) != 1:
        what = "does not exist" if not same else f"is there {len(same)} times"
        raise DataError(f"{file} names the image {name!r}, which {what} beside or below it; put it there once")
    return same[0]
