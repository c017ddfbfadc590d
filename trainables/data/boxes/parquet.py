"""Parquet files of images with boxes: a column of encoded images, one of lists of boxes, one of lists of labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainables.data.boxes.annotated import Annotated, Annotations, BoxForm
from trainables.data.boxes.settings import BoxSettings
from trainables.data.parquet import parquet_files
from trainables.data.parquet_columns import IMAGE_NAMES, holds_bytes, is_of_splits, opened, part_of_row
from trainables.data.parts import PartName, parts_of_files
from trainables.errors import DataError

__all__ = ["has_boxes", "read_parquet"]


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
    parts = parts_of_files(path, files, notes) if path.is_dir() else dict.fromkeys(files)
    split = _split_column(path, files, settings)
    found: dict[PartName, list[Annotated]] = {}
    classes: tuple[str, ...] = ()
    for file in files:
        rows, image, own = _rows(file, settings, split)
        classes = classes or own
        for number, row in enumerate(rows):
            place = f"{file.name}, row {number}"
            part = part_of_row(place, split, row[split], parts[file]) if split else parts[file] or "train"
            boxes = _boxes(row[settings.box_column], place, form=settings.box_format)
            labels = _labels(row[settings.label_column], place)
            source = row[image].get("bytes") if isinstance(row[image], dict) else row[image]
            if not isinstance(source, bytes):
                raise DataError(f"{place}: {image!r} holds no bytes; the encoded image itself is needed")
            group = row[settings.validation_groups] if settings.validation_groups is not None else None
            found.setdefault(part, []).append(Annotated(place, source, boxes, labels, group))
    if "train" not in found:
        raise DataError(f"{path} has no rows for training; add train.parquet, or name the split of a file train")
    if split:
        notes.append(f"split by the column {split}")
    is_corners = settings.box_format == "xyxy"
    return Annotations(
        name=str(path),
        parts=found,
        form=BoxForm.CORNERS if is_corners else BoxForm.SIDES,
        remedy=f'correct it, or set box_format = "{"xywh" if is_corners else "xyxy"}"',
        classes=classes,
        notes=tuple(notes),
    )


def _split_column(path: Path, files: Sequence[Path], settings: BoxSettings) -> str | None:
    with opened(files[0]) as file:
        names = file.schema_arrow.names
    others = (settings.image_column, settings.box_column, settings.label_column, settings.validation_groups)
    splits = [name for name in names if name not in others and is_of_splits(files, name)]
    if len(splits) > 1:
        raise DataError(f"{path}: the columns {', '.join(splits)} all name splits; keep one of them")
    return splits[0] if splits else None


def _rows(file: Path, settings: BoxSettings, split: str | None) -> tuple[list[dict[str, Any]], str, tuple[str, ...]]:
    """The rows of a file, its column of images, and the names of the classes in its schema."""
    import pyarrow

    with opened(file) as held:
        columns = held.schema_arrow.names
        image = _image_column(held, settings.image_column, file)
        for name in (settings.box_column, settings.label_column):
            if name not in columns:
                raise DataError(
                    f"{file} has no column {name!r}; it has {', '.join(columns)}: set box_column and label_column"
                )
        groups = settings.validation_groups
        if groups is not None and groups not in columns:
            raise DataError(
                f"{file} has no column {groups!r}; validation_groups names one with the group of each image, and it "
                f"has {', '.join(columns)}"
            )
        if split and split not in columns:
            raise DataError(f"{file} has no column {split!r}, which the first file has; add it, or remove it there")
        classes = _classes(held.schema_arrow.metadata, file)
        wanted = [image, settings.box_column, settings.label_column, *filter(None, (split, groups))]
        try:
            rows: list[dict[str, Any]] = held.read(columns=wanted).to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            raise DataError(f"{file} is damaged ({error}); fetch or write it again") from error
    return rows, image, classes


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
    if not isinstance(cell, list | None):
        raise DataError(f"{place}: the boxes are {cell!r:.60}; give a list of boxes, each a list of four numbers")
    found: list[tuple[float, ...]] = []
    for number, box in enumerate(cell or ()):
        if not isinstance(box, list) or any(not isinstance(one, int | float) for one in box):
            raise DataError(f"{place}, box {number}: {box!r:.60} is no list of numbers; give left, top, right, bottom")
        numbers = tuple(float(one) for one in box)
        if form == "xywh" and len(numbers) == 4:
            left, top, width, height = numbers
            numbers = (left, top, left + width, top + height)
        found.append(numbers)
    return found


def _labels(cell: Any, place: str) -> list[int | str]:
    if not isinstance(cell, list | None):
        raise DataError(f"{place}: the labels are {cell!r:.60}; give a list with a class for each box")
    for number, label in enumerate(cell or ()):
        if isinstance(label, bool) or not isinstance(label, int | str):
            raise DataError(
                f"{place}, box {number}: the label is {label!r:.60}; give a whole number from 0, or the name of a class"
            )
    return list(cell or ())
