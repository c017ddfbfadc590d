"""The groups of images with boxes, such as patients or scenes: as the data name them, or by the names of the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from trainables.data.boxes.annotated import Annotated, Annotations
from trainables.data.group_patterns import groups_by_name
from trainables.data.grouped import numbered_groups
from trainables.data.parts import PARTS, PartName
from trainables.errors import DataError

__all__ = ["GROUP", "is_pattern", "numbers_of_groups"]

GROUP = "{group}"
"""What stands in a pattern for the name of the group."""


def is_pattern(groups: str | None) -> bool:
    """Check whether groups are those of the names of files.

    Args:
        groups: the setting `validation_groups`.

    Returns:
        True for a pattern.
    """
    return groups is not None and GROUP in groups


def numbers_of_groups(found: Annotations, groups: str | None) -> dict[str, Tensor]:
    """Number the groups over all parts.

    Args:
        found: the images; unless `groups` is a pattern, each has its group.
        groups: the setting `validation_groups`.

    Returns:
        The number of the group of each image, (n,), int64, by the part; empty without groups.

    Raises:
        DataError: an image has no group, a name does not fit the pattern, or a group is in two parts.
    """
    if groups is None:
        return {}
    of_parts: dict[PartName, Sequence[object]] = {}
    for part in PARTS:
        some = found.parts.get(part)
        if some is not None:
            of_parts[part] = _by_name(some, groups) if is_pattern(groups) else [one.group for one in some]
    return numbered_groups(of_parts, groups, found.name)


def _by_name(some: Sequence[Annotated], pattern: str) -> list[str]:
    """The group of each image by its name, with as many folders before it as the pattern has."""
    groups = []
    for one in some:
        if not isinstance(one.source, Path):
            raise DataError(
                f"validation_groups is {pattern!r}, and {one.name} is no file; give the column that has the groups"
            )
        folders = list(one.source.absolute().parents)
        groups += groups_by_name([one.source.absolute()], folders[min(pattern.count("/"), len(folders) - 1)], pattern)
    return groups
