"""Parquet files of images with boxes: a column of encoded images, one of lists of boxes, one of lists of labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainables.data.boxes.annotated import Annotated, Annotations
from trainables.data.boxes.settings import BoxSettings
from trainables.data.parquet import parquet_files
from trainables.data.parquet_columns import IMAGE_NAMES, holds_bytes, opened
from trainables.data.parts import PartName, part_of, parts_of_files
from trainables.errors import DataError

__all__ = ["has_boxes", "read_parquet"]

_SPLITS = ("split", "part", "subset", "partition")


def has_boxes(path: Path) -> bool:
    """Check whether Parquet files hold images with boxes; reads names and types alone.

    Args:
        path: a file or folder.

    Returns:
        True for a column of images beside one called "boxes" that has lists of lists.
    """
    files = parquet_files(path)
    if not files:
        return False
    with opened(files[0]) as file:
        types = {one.name: one.type for one in file.schema_arrow}
    nested = "boxes" in types and "list" in str(getattr(types["boxes"], "value_type", ""))
    return nested and any(holds_bytes(kind) for kind in types.values())


def read_parquet(path: Path, settings: BoxSettings) -> Annotations:
    """Read Parquet files of images with boxes.

    Args:
        path: a file or folder.
        settings: the columns, and what the numbers of a box are.

    Returns:
        The images, by the part that the name of a file or a column says. The classes are those of the metadata
        `classes` of the schema, a list of names as JSON, where there are any.

    Raises:
        DataError: a file is damaged, or lacks a column.
    """
    notes: list[str] = []
    files = parquet_files(path)
    parts = parts_of_files(path, files, notes)
    found: dict[PartName, list[Annotated]] = {}
    classes: tuple[str, ...] = ()
    for file in files:
        with opened(file) as held:
            columns = held.schema_arrow.names
            image = _image_column(held, settings.image_column, file)
            for name in (settings.box_column, settings.label_column):
                if name not in columns:
                    raise DataError(
                        f"{file} has no column {name!r}; it has {', '.join(columns)}: set box_column and label_column"
                    )
            classes = classes or _classes(held.schema_arrow.metadata, file)
            split = next((name for name in columns if name.lower() in _SPLITS), None)
            wanted = [image, settings.box_column, settings.label_column, *([split] if split else [])]
            rows = held.read(columns=wanted).to_pylist()
        for number, row in enumerate(rows):
            place = f"{file.name}, row {number}"
            part = parts[file] or (part_of(str(row[split])) if split else None) or "train"
            boxes = _boxes(row[settings.box_column], place, form=settings.box_format)
            labels = list(row[settings.label_column] or ())
            source = row[image].get("bytes") if isinstance(row[image], dict) else row[image]
            if not isinstance(source, bytes):
                raise DataError(f"{place}: {image!r} holds no bytes; the encoded image itself is needed")
            found.setdefault(part, []).append(Annotated(place, source, boxes, labels))
    if "train" not in found:
        raise DataError(f"{path} has no rows for training; add train.parquet, or name the split of a file train")
    remedy = 'correct it, or set box_format = "xywh"' if settings.box_format == "xyxy" else "correct it"
    return Annotations(str(path), found, classes, tuple(notes), remedy)


def _image_column(file: Any, given: str | None, path: Path) -> str:
    known = [field.name for field in file.schema_arrow if holds_bytes(field.type)]
    usual = [name for name in known if name.lower() in IMAGE_NAMES]
    column = given or (known[0] if len(known) == 1 else usual[0] if len(usual) == 1 else None)
    if column not in known:
        raise DataError(f"{path} has the columns of images {known}; give image_column = the name of one")
    return str(column)


def _classes(metadata: Any, path: Path) -> tuple[str, ...]:
    held = (metadata or {}).get(b"classes")
    if held is None:
        return ()
    try:
        names = json.loads(held)
    except ValueError as error:
        raise DataError(f"{path}: the metadata `classes` are not JSON ({error}); write a list of names") from error
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: the metadata `classes` are {names!r:.80}; write a list of names")
    return tuple(names)


def _boxes(cell: Any, place: str, *, form: str) -> list[tuple[float, ...]]:
    found: list[tuple[float, ...]] = []
    for number, box in enumerate(cell or ()):
        if not isinstance(box, Sequence) or any(not isinstance(one, int | float) for one in box):
            raise DataError(f"{place}, box {number}: {box!r:.60} is no list of numbers; give left, top, right, bottom")
        numbers = tuple(float(one) for one in box)
        if form == "xywh" and len(numbers) == 4:
            left, top, width, height = numbers
            numbers = (left, top, left + width, top + height)
        found.append(numbers)
    return found
