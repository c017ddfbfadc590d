"""Parquet files of encoded images and labels: the layout of Hugging Face and plain binary columns.

A folder is read file by file; files whose name starts with "test" (or, failing that, "val") are the test set.
The image column holds bytes, or a struct with a field `bytes`; the label column integers from 0 or class
names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trainables.data.decode import decode_all
from trainables.data.images import Raw, Split, raw_images
from trainables.errors import DataError

__all__ = ["load_parquet", "parquet_files"]

IMAGE_NAMES = ("image", "img", "jpeg", "jpg", "png", "bytes", "image_bytes")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "target", "y")
TEST_NAMES = ("test", "val")


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files that `path` is or holds (at any depth), sorted; empty where there are none."""
    if path.is_dir():
        return sorted(path.glob("**/*.parquet"))
    return [path] if path.suffix == ".parquet" else []


def load_parquet(path: Path, *, image_column: str | None, label_column: str | None, resize: int | None) -> Raw:
    """Read the files of `path`; columns that are not given are recognised by type and name."""
    files = parquet_files(path)
    held = next((found for name in TEST_NAMES if (found := _starting(files, name))), [])
    trained = [file for file in files if file not in held]
    if not trained:
        raise DataError(f"{path} holds only test files ({', '.join(f.name for f in held)}); add train-*.parquet")
    columns = _columns(trained[0], image_column, label_column)
    train_images, train_labels = _read(trained, *columns)
    names = _class_names(train_labels)
    train = Split(decode_all(train_images, resize=resize), _numbers(train_labels, names, path))
    test = None
    if held:
        images, labels = _read(held, *columns)
        test = Split(decode_all(images, resize=resize), _numbers(labels, names, path))
    return raw_images(str(path), train, test, names)


def _starting(files: Sequence[Path], name: str) -> list[Path]:
    return [file for file in files if file.name.lower().startswith(name)]


def _open(path: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} is no whole Parquet file ({error}); fetch or write it again") from error


def _columns(path: Path, image: str | None, label: str | None) -> tuple[str, str]:
    with _open(path) as file:
        schema = file.schema_arrow
    images = [field.name for field in schema if _holds_bytes(field.type)]
    labels = [field.name for field in schema if _holds_labels(field.type)]
    return (
        _column(path, "image_column", image, images, IMAGE_NAMES, schema.names),
        _column(path, "label_column", label, labels, LABEL_NAMES, schema.names),
    )


def _column(
    path: Path, setting: str, given: str | None, fitting: list[str], usual: tuple[str, ...], every: list[str]
) -> str:
    """The column that was given, or else the only one of a fitting type, or the one with a usual name."""
    if given is not None:
        if given not in every:
            raise DataError(f"{path} has no column {given!r}; its columns are {', '.join(every)}")
        return given
    if len(fitting) == 1:
        return fitting[0]
    named = [name for name in usual if name in fitting]
    if not named:
        raise DataError(f"{path}: none of the columns {', '.join(every)} is clearly the one; give {setting}=<column>")
    return named[0]


def _holds_bytes(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    text = types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)
    return bool(types.is_integer(kind) or text)


def _read(files: Sequence[Path], image: str, label: str) -> tuple[list[tuple[str, bytes | Path]], list[Any]]:
    images: list[tuple[str, bytes | Path]] = []
    labels: list[Any] = []
    for path in files:
        table = _table(path, image, label)
        for row, cell in enumerate(table[image].to_pylist()):
            content = cell.get("bytes") if isinstance(cell, dict) else cell
            if not isinstance(content, bytes):
                raise DataError(f"{path}, row {row}: {image!r} holds no bytes; the encoded image itself is needed")
            images.append((f"{path}, row {row}", content))
        labels.extend(table[label].to_pylist())
    if not images:
        raise DataError(f"{', '.join(f.name for f in files)}: no rows; a data set needs images")
    return images, labels


def _table(path: Path, image: str, label: str) -> Any:
    import pyarrow

    with _open(path) as file:
        lacking = [name for name in (image, label) if name not in file.schema_arrow.names]
        if lacking:
            raise DataError(f"{path} has no column {lacking[0]!r}, which the other files have")
        try:
            return file.read(columns=[image, label])
        except (OSError, pyarrow.ArrowException) as error:
            raise DataError(f"{path} is damaged ({error}); fetch or write it again") from error


def _class_names(labels: list[Any]) -> tuple[str, ...]:
    texts = {label for label in labels if isinstance(label, str)}
    return tuple(sorted(texts))


def _numbers(labels: list[Any], names: tuple[str, ...], path: Path) -> torch.Tensor:
    index: dict[Any, int] = {name: number for number, name in enumerate(names)}
    numbers = [index.get(label) if names else label for label in labels]
    for row, number in enumerate(numbers):
        if not isinstance(number, int):
            raise DataError(
                f"{path}, row {row}: the label {labels[row]!r} is none of training's; labels are never empty"
            )
    return torch.tensor(numbers)
