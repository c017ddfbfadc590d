"""Parquet files of encoded images and labels: the layout of Hugging Face and plain binary columns.

A folder is read file by file. The part that a row belongs to is named by its file or a folder, as in
`validation-00000-of-00001.parquet`, or in a column. The image column holds bytes, or a struct with a field `bytes`. The
label column holds integers from 0, or class names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch

from trainables.data.decode import Encoded
from trainables.data.gathering import Decoding, GatheredImages, gathered
from trainables.data.grouped import numbered_groups
from trainables.data.images import Raw
from trainables.data.multi_label import labels_of_rows, named_classes
from trainables.data.parquet_columns import (
    PARQUET_ENDINGS,
    Columns,
    LabelKind,
    columns_of,
    opened,
    part_of_row,
    split_cells,
)
from trainables.data.parts import PARTS, PartName, parts_of_files, visible
from trainables.data.targets import target_numbers
from trainables.errors import DataError

__all__ = ["load_parquet", "parquet_files"]


def parquet_files(path: Path) -> list[Path]:
    """Find the visible Parquet files of a path.

    Args:
        path: a file, or a folder that is searched at any depth.

    Returns:
        The files, sorted; empty where there are none.
    """
    files = visible(path.glob("**/*"), path) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() in PARQUET_ENDINGS]


_CELLS = 256
"""Cells of images that are converted at a time."""


@dataclass(slots=True)
class _Rows:
    images: list[Encoded] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)


def load_parquet(
    path: Path,
    decoding: Decoding,
    *,
    image_column: str | None,
    label_column: str | None,
    numbers: bool = False,
    multi: bool = False,
    label_columns: Sequence[str] = (),
    groups: str | None = None,
) -> Raw:
    """Read the Parquet files of a path.

    Args:
        path: a file or folder.
        decoding: how and when images are decoded.
        image_column: name of the column of images; None recognises it by type and name.
        label_column: name of the column of labels; None recognises it by type and name.
        numbers: whether labels are numbers with a unit.
        multi: whether an image may have several classes: a column of lists of names, or of 0 or 1 for each class.
        label_columns: with `multi`, a column of 0 and 1 for each class in the place of `label_column`.
        groups: the column of groups; None for no groups.

    Returns:
        The images, with notes on how they were split.

    Raises:
        DataError: a file is damaged, a column or split is missing or ambiguous, or an image or label is damaged.
    """
    files = parquet_files(path)
    notes: list[str] = []
    by_file = parts_of_files(path, files, notes)
    kind: LabelKind = "flags" if label_columns else "lists" if multi else "numbers" if numbers else "classes"
    columns = columns_of(files, image_column, label_columns[0] if label_columns else label_column, kind=kind)
    columns = replace(columns, more=tuple(label_columns[1:]))
    rows: dict[PartName, _Rows] = {}
    for file in files:
        _read(file, columns, by_file[file], rows, groups)
    if "train" not in rows:
        held = f"only {' and '.join(sorted(rows))} files" if len(files) > 1 or by_file[files[0]] else "no training rows"
        raise DataError(f"{path} holds {held} ({', '.join(f.name for f in files)}); add train-*.parquet")
    if multi:
        names = tuple(label_columns) or named_classes(rows["train"].labels)
    else:
        names = tuple(sorted({label for label in rows["train"].labels if isinstance(label, str)}))
    parts: dict[PartName, GatheredImages] = {}
    for part in PARTS:
        if part in rows:
            if numbers:
                plain = [float(one) if isinstance(one, Decimal) else one for one in rows[part].labels]
                labels = target_numbers(plain, f"{path}, {part} rows")
            elif multi:
                labels = labels_of_rows(rows[part].labels, () if label_columns else names, f"{path}, {part} rows")
            else:
                labels = _numbers(rows[part].labels, names, path)
            parts[part] = GatheredImages(rows[part].images, labels, f"{part} rows")
    if columns.split:
        notes.append(f"split by the column {columns.split}")
    raw = gathered(str(path), parts, names, decoding, notes=notes)
    if groups is None:
        return raw
    return replace(raw, groups=numbered_groups({part: rows[part].groups for part in parts}, groups, str(path)))


def _read(
    path: Path, columns: Columns, of_file: PartName | None, rows: dict[PartName, _Rows], groups: str | None
) -> None:
    """Append the rows of a file to `rows` by their part."""
    import pyarrow

    with opened(path) as file:
        if groups is not None and groups not in file.schema_arrow.names:
            raise DataError(
                f"{path} has no column {groups!r}, which validation_groups names; it has "
                f"{', '.join(file.schema_arrow.names)}"
            )
        lacking = [name for name in columns.names if name not in file.schema_arrow.names]
        if lacking:
            raise DataError(f"{path} has no column {lacking[0]!r}, which the other files have")
        try:
            images = _images(file, columns.image)
            table = file.read(columns=[columns.label, *columns.more])
            of_rows = None if groups is None else file.read(columns=[groups])[groups].to_pylist()
            splits = split_cells(file, columns.split)
        except (OSError, pyarrow.ArrowException) as error:
            raise DataError(f"{path} is damaged ({error}); fetch or write it again") from error
    if not len(table):
        raise DataError(f"{path.name}: no rows; a data set needs images")
    labels = table[columns.label].to_pylist()
    if columns.more:
        labels = list(zip(labels, *(table[name].to_pylist() for name in columns.more), strict=True))
    for row, cell in enumerate(images):
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes):
            raise DataError(f"{path}, row {row}: {columns.image!r} holds no bytes; the encoded image itself is needed")
        part = of_file or "train"
        if splits is not None:
            part = part_of_row(f"{path}, row {row}", columns.split, splits[row], of_file)
        some = rows.setdefault(part, _Rows())
        some.images.append((f"{path}, row {row}", content))
        some.labels.append(labels[row])
        some.groups.append(None if of_rows is None else of_rows[row])


def _images(file: Any, column: str) -> list[Any]:
    """The cells of the column of images, a few at a time: the whole column would take as much memory again."""
    found: list[Any] = []
    for batch in file.iter_batches(_CELLS, columns=[column]):
        found.extend(batch.column(0).to_pylist())
    return found


def _numbers(labels: list[Any], names: tuple[str, ...], path: Path) -> torch.Tensor:
    index: dict[Any, int] = {name: number for number, name in enumerate(names)}
    numbers = [index.get(label) if names else label for label in labels]
    for row, number in enumerate(numbers):
        if not isinstance(number, int):
            raise DataError(
                f"{path}, row {row}: the label {labels[row]!r} does not occur in training; correct it, "
                "or fill it in if it is empty"
            )
    return torch.tensor(numbers)
