"""The files of pictures that are drawn: checked before anything is computed for them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from trainables.errors import DataError

__all__ = ["check_picture_file"]


def check_picture_file(target: Path) -> None:
    """Check that a picture can be written to a file.

    Args:
        target: the file.

    Raises:
        DataError: its folder does not exist, it is a folder, or its ending is none of a picture.
    """
    if not target.parent.is_dir():
        raise DataError(f"{target} lies in {target.parent}, which is no folder; make the folder, or name another file")
    if target.is_dir():
        raise DataError(f"{target} is a folder; name a file in it, such as {target / 'found.png'}")
    if Image.registered_extensions().get(target.suffix.lower()) not in Image.SAVE:
        raise DataError(f"{target} has the ending {target.suffix!r}, which is none of a picture; give .png")
