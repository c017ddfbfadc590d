"""Files in the folders of data with boxes: images, and texts beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.data.decode import IMAGE_SUFFIXES
from trainables.data.parts import visible
from trainables.errors import DataError

__all__ = ["below", "images_below", "text_of"]


def below(root: Path, pattern: str) -> list[Path]:
    """Find files of a folder.

    Args:
        root: the folder.
        pattern: of the paths, such as "**/*.names".

    Returns:
        The files, sorted; folders of such names and what is hidden are left out.
    """
    return visible((one for one in root.glob(pattern) if one.is_file()), root)


def images_below(root: Path) -> Mapping[str, Sequence[Path]]:
    """Find the image files of a folder, at any depth.

    Args:
        root: the folder.

    Returns:
        The files by their name without folders.
    """
    found: dict[str, list[Path]] = {}
    for file in below(root, "**/*"):
        if file.suffix.lower() in IMAGE_SUFFIXES:
            found.setdefault(file.name, []).append(file)
    return found


def text_of(file: Path) -> str:
    """Read a text, with or without a byte order mark.

    Args:
        file: the file.

    Returns:
        The text.

    Raises:
        DataError: it is no text in UTF-8, or cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is no text in UTF-8 ({error}); write it again in that encoding") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error}); fetch it again, or change its rights") from error
