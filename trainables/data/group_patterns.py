"""Groups of files by a pattern of their names, such as "{group}_*" or "{group}/*"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trainables.data.decode import IMAGE_SUFFIXES
from trainables.errors import DataError

__all__ = ["groups_by_name"]

_GROUP = "{group}"


def groups_by_name(files: Sequence[Path], folder: Path, pattern: str) -> list[str]:
    """Read the group of each file from its path below a folder.

    Args:
        files: at any depth below `folder`.
        folder: that of their class.
        pattern: with one `{group}`, which stands for as few characters as possible within one name; `*` stands for
            anything, `?` for one character. It need not have the ending of the files.

    Returns:
        The group of each.

    Raises:
        DataError: the pattern has no `{group}`, or a file does not fit it.
    """
    if pattern.count(_GROUP) != 1:
        raise DataError(
            f"validation_groups is {pattern!r}; for a folder of images it is a pattern of the file names below the "
            f"folder of a class with one {_GROUP}, such as '{_GROUP}_*' for patient7_01.png, or '{_GROUP}/*' for a "
            "sub-folder of each patient"
        )
    expression = re.compile(_expression(f"{pattern}*" if pattern.endswith("/") else pattern), re.DOTALL)
    ends = pattern.lower().endswith(IMAGE_SUFFIXES)
    found = []
    for file in files:
        name = file.relative_to(folder)
        match = expression.fullmatch((name if ends else name.with_suffix("")).as_posix())
        if match is None:
            raise DataError(
                f"{file} does not fit validation_groups, {pattern!r}; rename it, or give a pattern that all files fit"
            )
        found.append(match["group"])
    return found


def _expression(pattern: str) -> str:
    parts = re.split(r"(\{group\}|\*|\?)", pattern)
    known = {_GROUP: "(?P<group>[^/]+?)", "*": ".*", "?": "[^/]"}
    return "".join(known.get(part, re.escape(part)) for part in parts)
