"""Which columns of Parquet files hold the images, the labels and the names of splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.data.parts import part_of
from trainables.errors import DataError

__all__ = ["Columns", "columns_of", "opened", "split_cells"]

IMAGE_NAMES = ("image", "img", "jpeg", "jpg", "png", "bytes", "image_bytes")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "target", "y")
SPLIT_NAMES = ("split", "splits", "data_split", "dataset_split")
"""Columns of these names are those of splits, whatever they hold; others only if all that they hold are splits."""
_MOST_SPLITS = 30
"""Distinct texts of a column, above which it is none of splits."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns; `split` where there is one."""

    image: str
    label: str
    split: str | None

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [name for name in (self.image, self.label, self.split) if name is not None]


def opened(path: Path) -> Any:
    """The file; `DataError` for one that is not whole."""
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} is no whole Parquet file ({error}); fetch or write it again") from error


def columns_of(files: Sequence[Path], image: str | None, label: str | None) -> Columns:
    """The columns that are given, or else recognised in the first file.

    Raises:
        DataError: one is not there, or of a type that it cannot have; or it is not clear which is meant.
    """
    with opened(files[0]) as file:
        types = {field.name: field.type for field in file.schema_arrow}
    images = _column(files[0], "image_column", image, types, _holds_bytes, IMAGE_NAMES)
    splits = [name for name in types if name not in (images, label) and _is_of_splits(files, name)]
    if len(splits) > 1:
        raise DataError(f"{files[0]}: the columns {', '.join(splits)} all name splits; keep one of them")
    others = {name: kind for name, kind in types.items() if name not in splits}
    labels = _column(files[0], "label_column", label, others, _holds_labels, LABEL_NAMES)
    return Columns(images, labels, splits[0] if splits else None)


def split_cells(file: Any, column: str | None) -> list[Any] | None:
    """The cells of the column of splits of an open file; None without one."""
    if column is None:
        return None
    cells: list[Any] = file.read(columns=[column])[column].to_pylist()
    return cells


def _column(
    path: Path,
    setting: str,
    given: str | None,
    types: dict[str, Any],
    fits: Callable[[Any], bool],
    usual: tuple[str, ...],
) -> str:
    """The column that was given, or else the only one of a fitting type, or the one with a usual name."""
    if given is not None:
        if given not in types:
            raise DataError(f"{path} has no column {given!r}; its columns are {', '.join(types)}")
        if not fits(types[given]):
            needed = "encoded images as bytes" if fits is _holds_bytes else "integers from 0, or class names"
            raise DataError(f"{path}: {setting} is {given!r}, which holds {types[given]}; {needed} are needed")
        return given
    fitting = [name for name, kind in types.items() if fits(kind)]
    if len(fitting) == 1:
        return fitting[0]
    named = [name for name in usual if name in fitting]
    if not named:
        raise DataError(f"{path}: none of the columns {', '.join(types)} is clearly the one; give {setting}=<column>")
    return named[0]


def _is_of_splits(files: Sequence[Path], name: str) -> bool:
    """Whether a column is called so, or holds nothing but names of splits in all files."""
    if name.lower() in SPLIT_NAMES:
        return True
    for path in files:
        with opened(path) as file:
            texts = _texts(file, name)
        if not texts or not all(isinstance(text, str) and part_of(text) for text in texts):
            return False
    return True


def _texts(file: Any, name: str) -> set[Any]:
    """The distinct texts of a column; holds None where it is none of a few texts."""
    import pyarrow
    from pyarrow import types

    names = file.schema_arrow.names
    kind = file.schema_arrow.field(name).type if name in names else None
    if kind is not None and types.is_dictionary(kind):
        kind = kind.value_type
    if kind is None or not (types.is_string(kind) or types.is_large_string(kind)):
        return {None}
    try:
        # A column of captions is given up after its first group of rows.
        unique: set[Any] = set()
        for group in range(file.num_row_groups):
            unique |= set(file.read_row_group(group, columns=[name])[name].unique().to_pylist())
            if len(unique) > _MOST_SPLITS:
                return {None}
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"a Parquet file is damaged in its column {name!r} ({error}); write it again") from error
    return unique


def _holds_bytes(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    text = types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)
    return bool(types.is_integer(kind) or text)
