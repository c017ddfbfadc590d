"""Which part of a data set a name means (training, validation or test), and which names nobody gave on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

__all__ = ["PARTS", "Part", "part_of", "part_of_file", "usual_names", "visible"]

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev", "development"),
    "test": ("test", "testing", "tst", "eval", "evaluation"),
}
_PART_OF: dict[str, Part] = {name: part for part in PARTS for name in _NAMES[part]}
_ENDINGS = ("set", "data", "split", "images")
_LEFT_BEHIND = frozenset(
    ["__macosx", "__pycache__", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir"]
)
"""What systems leave in folders, in lower case; names with a dot in front are hidden as well."""


def part_of(name: str) -> Part | None:
    """The part that a whole name means, in any case: `Train`, `training_set`, `val-data`, `split=test`, `TestSet`."""
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


def part_of_file(file: Path, root: Path) -> Part | Literal["unclear"] | None:
    """The part that a file belongs to by a word of its name, else by the nearest of its folders below `root`.

    "unclear" where the name has words of two parts, as in `train_val.parquet`.
    """
    found = {part for word in _words(file.stem) if (part := part_of(word))}
    if len(found) > 1:
        return "unclear"
    if found:
        return found.pop()
    folders = () if file == root else file.relative_to(root).parts[:-1]
    return next((part for folder in reversed(folders) if (part := part_of(folder))), None)


def usual_names() -> str:
    """The names by which parts are known, for messages."""
    return "; ".join(f"{part}: {', '.join(_NAMES[part])}" for part in PARTS)


def visible(paths: Iterable[Path], root: Path) -> list[Path]:
    """Those of the paths below `root` that are not hidden at any level below it, sorted."""
    return sorted(path for path in paths if not any(map(_is_hidden, path.relative_to(root).parts)))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower())
