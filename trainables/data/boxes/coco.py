"""Boxes in the form of COCO: a JSON file with `images`, `annotations` and `categories` for each part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from trainables.data.boxes.annotated import Annotated, Annotations, BoxForm
from trainables.data.boxes.files import below, images_below
from trainables.data.boxes.grouping import GROUP
from trainables.data.parts import PartName, parts_of_files
from trainables.errors import DataError

__all__ = ["coco_files", "read_coco"]

_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_SHOWN = 20


def coco_files(path: Path) -> list[Path]:
    """Find the files in the form of COCO.

    Args:
        path: such a file, or a folder that is searched at any depth.

    Returns:
        The files, sorted; empty where there are none.
    """
    files = below(path, "**/*") if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() == ".json" and _is_coco(file)]


def _is_coco(file: Path) -> bool:
    content = file.read_bytes()
    return all(key in content for key in _KEYS)


def read_coco(path: Path, groups: str | None = None) -> Annotations:
    """Read images with boxes in the form of COCO.

    Args:
        path: a JSON file whose images are beside or below it, or a folder with several of them and the images.
        groups: the name in each entry of `images` that has its group; None for no groups.

    Returns:
        The images, by the part that the name of the JSON file or its folder says. The ids of categories may have gaps;
        the order of the classes is that of the first file. Boxes of crowds are left out, and files without images.

    Raises:
        DataError: a file is damaged, names an image that does not exist or an id that is not declared or declared
            twice, or two files declare different categories.
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
        if not held.images:
            notes.append(f"{file.name} is left out, because its list of images is empty")
            continue
        own = _categories(file, held)
        if classes and own != classes:
            raise DataError(f"{file} declares other categories than the files before it; give all files the same ones")
        classes = classes or own
        _check_groups(file, held, groups)
        images, left_out = _images(file, held, known, list(classes), groups)
        crowds += left_out
        found.setdefault(parts[file] or "train", []).extend(images)
    if "train" not in found:
        raise DataError(f"{path} has no file for training; name one train, as in instances_train.json")
    if crowds:
        notes.append(f"{crowds} boxes of crowds are left out")
    return Annotations(
        name=str(path),
        parts=found,
        form=BoxForm.SIDES,
        remedy="correct bbox",
        classes=tuple(classes.values()),
        notes=tuple(notes),
    )


Entry = Mapping[str, Any]


@dataclass(frozen=True)
class _Held:
    """The lists of a file."""

    images: Sequence[Entry]
    annotations: Sequence[Entry]
    categories: Sequence[Entry]


def _loaded(file: Path) -> _Held:
    try:
        held: Any = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is no complete JSON file ({error}); fetch or write it again") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(held, dict) or not isinstance(held.get(key), list):
            raise DataError(
                f"{file} has no list {key!r}; a file in the form of COCO has images, annotations, categories"
            )
        for number, one in enumerate(held[key]):
            if not isinstance(one, dict):
                raise DataError(f"{file}, {key}, entry {number}: {one!r:.60} is no object with names; correct it")
    return _Held(held["images"], held["annotations"], held["categories"])


def _categories(file: Path, held: _Held) -> dict[int, str]:
    """The names of the categories by their ids."""
    found: dict[int, str] = {}
    for number, one in enumerate(held.categories):
        category, name = one.get("id"), one.get("name")
        if not isinstance(category, int) or isinstance(category, bool) or not isinstance(name, str) or not name.strip():
            raise DataError(f"{file}, category {number}: {dict(one)!r:.80} needs an id, a whole number, and a name")
        if category in found:
            raise DataError(
                f"{file}, category {number}: the id {category} is declared twice, for {found[category]!r} and "
                f"{name!r}; give each category one of its own"
            )
        found[category] = name.strip()
    return found


def _check_groups(file: Path, held: _Held, groups: str | None) -> None:
    names = sorted({name for one in held.images for name in one})
    if groups is not None and groups not in names:
        raise DataError(
            f"{file}: no image has {groups!r}; validation_groups names what each has as its group, and they have "
            f"{', '.join(names)}; or give a pattern of the names of files, such as '{GROUP}_*'"
        )


def _images(
    file: Path, held: _Held, known: Mapping[str, Sequence[Path]], categories: Sequence[int], groups: str | None
) -> tuple[list[Annotated], int]:
    """The images of a file, and the number of boxes of crowds."""
    sources = _sources(file, held, known)
    numbers = {category: number for number, category in enumerate(categories)}
    boxes: dict[int | str, list[tuple[float, ...]]] = {image: [] for image in sources}
    labels: dict[int | str, list[int]] = {image: [] for image in sources}
    crowds = 0
    seen: set[int | str] = set()
    for number, one in enumerate(held.annotations):
        place = f"{file}, annotation {number}"
        image, category, own = one.get("image_id"), one.get("category_id"), one.get("id")
        if not isinstance(image, int | str) or image not in boxes:
            raise DataError(f"{place}: there is no image with the id {image!r}; correct image_id")
        if not isinstance(category, int) or category not in numbers:
            raise DataError(
                f"{place}: the category {category!r} is not declared; it must be one of "
                f"{', '.join(map(str, categories[:_SHOWN]))}: correct category_id"
            )
        if isinstance(own, int | str):
            if own in seen:
                raise DataError(f"{place}: the id {own!r} is given twice; remove the copy, or give it another id")
            seen.add(own)
        if one.get("iscrowd"):
            crowds += 1
            continue
        boxes[image].append(_corners(place, one.get("bbox")))
        labels[image].append(numbers[category])
    of_image = {} if groups is None else {one["id"]: one.get(groups) for one in held.images}
    found = []
    for image, (name, source) in sources.items():
        found.append(Annotated(name, source, boxes[image], labels[image], of_image.get(image)))
    return found, crowds


def _sources(file: Path, held: _Held, known: Mapping[str, Sequence[Path]]) -> Mapping[int | str, tuple[str, Path]]:
    """The name and the file of each image by its id."""
    found: dict[int | str, tuple[str, Path]] = {}
    names: set[str] = set()
    for number, one in enumerate(held.images):
        place = f"{file}, image {number}"
        image, name = one.get("id"), one.get("file_name")
        if not isinstance(image, int | str) or not isinstance(name, str) or not name:
            raise DataError(f"{place}: {dict(one)!r:.80} needs an id and a file_name; add what is missing")
        if image in found:
            raise DataError(
                f"{place}: the id {image!r} is given twice, to {found[image][0]!r} and {name!r}; give each image one "
                "of its own"
            )
        if name in names:
            raise DataError(f"{place}: the image {name!r} is listed twice; list it once, with all its boxes")
        names.add(name)
        found[image] = name, _file(file, name, known)
    return found


def _corners(place: str, box: object) -> tuple[float, ...]:
    is_box = isinstance(box, list) and len(box) == 4
    if not is_box or any(not isinstance(side, int | float) or isinstance(side, bool) for side in box):  # type: ignore[attr-defined]
        raise DataError(f"{place}: bbox is {box!r:.60}; it must be x, y, width and height")
    left, top, width, height = map(float, box)  # type: ignore[call-overload]
    return left, top, left + width, top + height


def _file(file: Path, name: str, known: Mapping[str, Sequence[Path]]) -> Path:
    """The image of a name: beside the file, or the one below the folder of the data that has it."""
    given = PurePosixPath(name.replace("\\", "/"))
    if given.is_absolute() or ".." in given.parts:
        raise DataError(
            f"{file} names the image {name!r}; names are relative to the folder of the data and do not leave it: "
            "write them so"
        )
    beside = file.parent / given
    if beside.is_file():
        return beside
    same = [one for one in known.get(given.name, ()) if one.parts[-len(given.parts) :] == given.parts]
    if len(same) > 1:
        words = [one for one in same if one.parent.name in file.stem or one.parent.name == file.parent.name]
        same = words if len(words) == 1 else same
    if len(same) != 1:
        what = "does not exist" if not same else f"is there {len(same)} times"
        raise DataError(f"{file} names the image {name!r}, which {what} beside or below it; put it there once")
    return same[0]
