"""The part of a data set that a name means (training, validation or test), and names to ignore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from trainables.errors import DataError

__all__ = ["PARTS", "PartName", "part_named", "part_of", "part_of_file", "parts_of_files", "usual_names", "visible"]

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = get_args(PartName)

_NAMES: dict[PartName, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev", "development"),
    "test": ("test", "testing", "tst", "eval", "evaluation"),
}
_PART_OF: dict[str, PartName] = {name: part for part in PARTS for name in _NAMES[part]}
_ENDINGS = ("set", "data", "split", "images")
_LEFT_BEHIND = frozenset(
    ["__macosx", "__pycache__", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir"]
)
"""Names that operating systems create in folders, in lower case. Names with a leading dot are hidden as well."""


def part_named(data: Any, name: str, example: str) -> Any:
    """Look up a part of the data of a task by its name.

    Args:
        data: has the attributes `train`, `validation` and `test`.
        name: one of these.
        example: what one of the data is called in messages, such as "image".

    Returns:
        The part, with at least one example.

    Raises:
        DataError: there is no such part, or it has no example.
    """
    if name not in PARTS:
        raise DataError(f"there is no part {name!r} of the data; the splits are train, validation and test")
    part = getattr(data, name)
    if not len(part):
        raise DataError(
            f"no {example} is for {name}: this training learns from them too (whole=true); evaluate on the test "
            f"{example}s, or train without whole=true"
        )
    return part


def part_of(name: str) -> PartName | None:
    """Read the part of a data set from a name, such as `Train`, `training_set`, `val-data`, `split=test`, `TestSet`.

    Args:
        name: a name in any case.

    Returns:
        The part; None where the name means none.
    """
    words = _words(name.rpartition("=")[2])
    if len(words) > 1 and words[-1] in _ENDINGS:
        words = words[:-1]
    if len(words) != 1:
        return None
    word = words[0]
    for ending in _ENDINGS:
        if word.endswith(ending) and word != ending:
            return _PART_OF.get(word.removesuffix(ending))
    return _PART_OF.get(word)


def part_of_file(file: Path, root: Path) -> PartName | Literal["unclear"] | None:
    """Read the part of a data set from a word in the name of a file, else from the nearest folder that names one.

    Args:
        file: the file, at or below `root`.
        root: the folder above which no name is read; `file` itself where no folder is read.

    Returns:
        The part; None where no name means one; "unclear" where the name of the file has words of two parts, as in
        `train_val.parquet`.
    """
    found = {part_of(word) for word in _words(file.stem)} - {None}
    if len(found) > 1:
        return "unclear"
    if found:
        return found.pop()
    folders = () if file == root else file.relative_to(root).parts[:-1]
    for folder in reversed(folders):
        part = part_of(folder)
        if part is not None:
            return part
    return None


def parts_of_files(path: Path, files: Sequence[Path], notes: list[str]) -> Mapping[Path, PartName | None]:
    """Read the parts of several files from their names. Where some name a part but none names training, the others are
    training.

    Args:
        path: the file or folder that was given.
        files: the files at or below it.
        notes: gets a line where files are taken for training.

    Returns:
        The part of each file; None for each where no name means one.

    Raises:
        DataError: a name means two parts, or none beside files of training.
    """
    found: dict[Path, PartName | None] = {}
    for file in files:
        part = part_of_file(file, path)
        if part == "unclear":
            raise DataError(f"{file} has the names of two splits; give it that of one ({usual_names()})")
        found[file] = part
    nameless = [file for file in files if found[file] is None]
    if not nameless or len(nameless) == len(files):
        return found
    if "train" in found.values():
        raise DataError(
            f"{path} holds files of splits, and {nameless[0].relative_to(path)}, which is of none; move it, or "
            f"name it as one ({usual_names()})"
        )
    notes.append(f"taken for training, because no other file is: {', '.join(file.name for file in nameless[:5])}")
    return {file: part or "train" for file, part in found.items()}


def usual_names() -> str:
    """List the names that mean a part, for messages.

    Returns:
        One text.
    """
    return "; ".join(f"{part}: {', '.join(_NAMES[part])}" for part in PARTS)


def visible(paths: Iterable[Path], root: Path) -> list[Path]:
    """Leave out paths that are hidden at any level below a folder.

    Args:
        paths: paths below `root`.
        root: the folder; its own name does not count.

    Returns:
        The other paths, sorted.
    """
    return sorted(path for path in paths if not any(map(_is_hidden, path.relative_to(root).parts)))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower())
