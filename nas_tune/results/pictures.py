"""Pictures of predictions, which an evaluation keeps in the folder of a run, and a report shows.

They are PNG files below `pictures`. Whoever reads them decodes nothing: a report hands them to the browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Kept", "keep_pictures", "kept_pictures", "left_out"]

FOLDER = "pictures"
_MOST = 8
_LARGEST = 2_000_000
"""The most bytes of a picture that a report takes."""
_START = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture of a run.

    Attributes:
        title: in words.
        png: the file.
    """

    title: str
    png: bytes


def keep_pictures(run: Path, split: str, pictures: Mapping[str, bytes]) -> None:
    """Write the pictures of an evaluation in place of those of an earlier one of the same split.

    Args:
        run: the folder of the run; where it cannot be written, or `pictures` in it is a link, none are kept.
        split: the part of the data.
        pictures: PNG files by their titles.
    """
    if not pictures:
        return
    folder = run / FOLDER
    if folder.is_symlink():
        return  # what a run from elsewhere links to is none of its own
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.glob(f"{split} *.png"):
            old.unlink()
        for number, (title, png) in enumerate(pictures.items()):
            (folder / f"{split} {number:02d} {_plain(title)}.png").write_bytes(png)
    except OSError:
        return  # the run may lie where nothing can be written, and its numbers are still of use


def kept_pictures(run: Path) -> list[Kept]:
    """Read the pictures of a run.

    Args:
        run: the folder of the run.

    Returns:
        The first few, in the order of their names; what is no PNG file, a link or too large is left out.
    """
    if (run / FOLDER).is_symlink():
        return []
    found: list[Kept] = []
    for file in sorted((run / FOLDER).glob("*.png")):
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _LARGEST:
            continue
        png = file.read_bytes()
        if png.startswith(_START):
            split, _, title = file.stem.split(" ", 2) if file.stem.count(" ") > 1 else (file.stem, "", "")
            found.append(Kept(f"{split}, {title}".strip(", "), png))
        if len(found) == _MOST:
            break
    return found


def left_out(run: Path) -> str:
    """Say which pictures of a run a report does not show.

    Args:
        run: the folder of the run.

    Returns:
        A sentence with their number, why, and where they are; empty where all are shown.
    """
    if (run / FOLDER).is_symlink():
        return ""
    files = [file for file in (run / FOLDER).glob("*.png") if file.is_file() and not file.is_symlink()]
    large = sum(file.stat().st_size > _LARGEST for file in files)
    further = max(0, len(files) - large - _MOST)
    why = []
    if large:
        why.append(f"{large} of more than {_LARGEST / 1e6:g} MB")
    if further:
        why.append(f"{further} after the first {_MOST}")
    return f"Pictures that are not shown here: {' and '.join(why)}; they are in {FOLDER} below the run." if why else ""


def _plain(title: str) -> str:
    return re.sub(r"[^\w ,.-]+", "", title.replace(": ", ", "))[:80]
