"""Recognition of the columns of Parquet files that hold images, labels and the names of splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from trainables.data.parts import PartName, part_of, usual_names
from trainables.errors import DataError

__all__ = [
    "PARQUET_ENDINGS",
    "Columns",
    "LabelKind",
    "columns_of",
    "holds_bytes",
    "is_of_splits",
    "opened",
    "part_of_row",
    "split_cells",
]

LabelKind: TypeAlias = Literal["classes", "numbers", "lists", "flags"]
"""What a column of labels holds: classes, numbers with a unit, lists of classes, or 0 and 1 of one class."""
PARQUET_ENDINGS = (".parquet", ".pq")
"""The endings of Parquet files, in small letters."""
IMAGE_NAMES = ("image", "img", "jpeg", "jpg", "png", "bytes", "image_bytes")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "target", "y")
SPLIT_NAMES = ("split", "splits", "data_split", "dataset_split")
"""A column with one of these names holds splits. Another column does so only if every cell names a split."""
_MOST_SPLITS = 30
"""Distinct texts above which a column does not hold splits."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns that are read.

    Attributes:
        image: the column of images.
        label: the column of labels.
        split: the column of the names of splits; None where there is none.
        more: further columns of labels, where each class has one.
    """

    image: str
    label: str
    split: str | None
    more: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of all columns that exist."""
        return [name for name in (self.image, self.label, *self.more, self.split) if name is not None]


def opened(path: Path) -> Any:
    """Open a Parquet file.

    Args:
        path: the file.

    Returns:
        A `pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: the file is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        # Without it the bytes of all columns that are read would be in memory at once, beside what is made of them.
        return parquet.ParquetFile(path, pre_buffer=False)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} is not a complete Parquet file ({error}); fetch or write it again") from error


def columns_of(
    files: Sequence[Path],
    image: str | None,
    label: str | None,
    *,
    kind: LabelKind = "classes",
) -> Columns:
    """Find the columns of images, labels and splits.

    Args:
        files: the Parquet files; the first one is searched, and columns of splits are checked in all.
        image: name of the column of images; None recognises it.
        label: name of the column of labels; None recognises it.
        kind: what labels are.

    Returns:
        The names.

    Raises:
        DataError: a column is missing, has an unfitting type, or cannot be recognised; or several columns name splits.
    """
    with opened(files[0]) as file:
        types = {field.name: field.type for field in file.schema_arrow}
    images = _column(files[0], "image_column", image, types, holds_bytes, IMAGE_NAMES)
    splits = [name for name in types if name not in (images, label) and is_of_splits(files, name)]
    if len(splits) > 1:
        raise DataError(f"{files[0]}: the columns {', '.join(splits)} all name splits; keep one of them")
    others = {name: one for name, one in types.items() if name not in splits}
    fits = _FITS[kind]
    labels = _column(files[0], "label_column", label, others, fits, LABEL_NAMES)
    return Columns(images, labels, splits[0] if splits else None)


def split_cells(file: Any, column: str | None) -> list[Any] | None:
    """Read the column of splits.

    Args:
        file: an open `pyarrow.parquet.ParquetFile`.
        column: its name; None where there is no such column.

    Returns:
        One cell for each row; None without a column.
    """
    if column is None:
        return None
    cells: list[Any] = file.read(columns=[column])[column].to_pylist()
    return cells


def part_of_row(place: str, column: str | None, cell: object, of_file: PartName | None) -> PartName:
    """Read the part that a row belongs to.

    Args:
        place: names the row in messages.
        column: the column of splits.
        cell: what the row has there.
        of_file: the part that the name of the file says; None where it says none.

    Returns:
        The part.

    Raises:
        DataError: the cell names no part, or another one than the name of the file.
    """
    part = part_of(cell) if isinstance(cell, str) else None
    if part is None:
        raise DataError(
            f"{place}: the column {column!r} holds {cell!r}, which is of no known split; name it as one "
            f"({usual_names()}), or give the column another name if it means something else"
        )
    if of_file is not None and of_file != part:
        raise DataError(f"{place}: the column {column!r} says {cell!r}, and the name of the file {of_file}; mend one")
    return part


def _column(
    path: Path,
    setting: str,
    given: str | None,
    types: dict[str, Any],
    fits: Callable[[Any], bool],
    usual: tuple[str, ...],
) -> str:
    """Choose the given column, else the only one of a fitting type, else the one with a usual name."""
    if given is not None:
        if given not in types:
            raise DataError(f"{path} has no column {given!r}; its columns are {', '.join(types)}")
        if not fits(types[given]):
            needed = _NEEDED[fits]
            raise DataError(f"{path}: {setting} is {given!r}, which holds {types[given]}; {needed} are needed")
        return given
    fitting = [name for name, kind in types.items() if fits(kind)]
    if len(fitting) == 1:
        return fitting[0]
    named = [name for name in usual if name in fitting]
    if not named:
        raise DataError(f"{path}: none of the columns {', '.join(types)} is clearly the one; give {setting}=<column>")
    return named[0]


def is_of_splits(files: Sequence[Path], name: str) -> bool:
    """Check whether a column names the parts of the data.

    Args:
        files: the Parquet files.
        name: the column.

    Returns:
        True where it has a usual name of splits, or holds nothing but names of splits in all files.
    """
    if name.lower() in SPLIT_NAMES:
        return True
    for path in files:
        with opened(path) as file:
            texts = _texts(file, name)
        if not texts or not all(isinstance(text, str) and part_of(text) for text in texts):
            return False
    return True


def _texts(file: Any, name: str) -> set[Any]:
    """Collect the distinct texts of a column; {None} for a column of another type or of too many texts."""
    import pyarrow
    from pyarrow import types

    names = file.schema_arrow.names
    kind = file.schema_arrow.field(name).type if name in names else None
    if kind is not None and types.is_dictionary(kind):
        kind = kind.value_type
    if kind is None or not (types.is_string(kind) or types.is_large_string(kind)):
        return {None}
    try:
        # Reading by groups of rows stops early at a column of captions.
        unique: set[Any] = set()
        for group in range(file.num_row_groups):
            unique |= set(file.read_row_group(group, columns=[name])[name].unique().to_pylist())
            if len(unique) > _MOST_SPLITS:
                return {None}
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"a Parquet file is damaged in its column {name!r} ({error}); write it again") from error
    return unique


def holds_bytes(kind: Any) -> bool:
    """Check whether a column holds bytes, as encoded images are.

    Args:
        kind: the type of the column, of pyarrow.

    Returns:
        True for binary columns, and for structs with a field `bytes` of that type.
    """
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and holds_bytes(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    text = types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)
    return bool(types.is_integer(kind) or text)


def _holds_numbers(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _holds_lists(kind: Any) -> bool:
    from pyarrow import types

    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists and (_holds_labels(kind.value_type) or _holds_flags(kind.value_type)))


def _holds_flags(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind))


_FITS: dict[str, Callable[[Any], bool]] = {
    "classes": _holds_labels,
    "numbers": _holds_numbers,
    "lists": _holds_lists,
    "flags": _holds_flags,
}
_NEEDED: dict[Callable[[Any], bool], str] = {
    holds_bytes: "encoded images as bytes",
    _holds_labels: "integers from 0, or class names",
    _holds_numbers: "numbers",
    _holds_lists: "lists of the names of classes, or of 0 and 1 for each class,",
    _holds_flags: "0 and 1",
}
