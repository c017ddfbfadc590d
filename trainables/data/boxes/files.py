"""Image files in the folders of data with boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.data.decode import IMAGE_SUFFIXES
from trainables.data.parts import visible

__all__ = ["images_below"]


def images_below(root: Path) -> Mapping[str, Sequence[Path]]:
    """Find the image files of a folder, at any depth.

    Args:
        root: the folder.

    Returns:
        The files by their name without folders.
    """
    found: dict[str, list[Path]] = {}
    for file in visible(root.glob("**/*"), root):
        if file.suffix.lower() in IMAGE_SUFFIXES:
            found.setdefault(file.name, []).append(file)
    return found
