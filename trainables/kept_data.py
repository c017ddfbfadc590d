"""Data that a search was given as an object in memory, and where their files are.

A configuration and a ledger hold plain values. So `trainables.data.objects` writes an object into a file that is named
by the checksum of its content, as in "data/0123456789abcdef.npz", and that name takes the place of the object. The
file is in a folder of this process first, and in the folder of the run as soon as the run begins. The name is relative
to that folder, so that a run that was moved still finds it. A process finds the file below each folder that was added
of by `add_place`; since the name tells the content, it does not matter which. A retraining is a run in the folder of
another one, and has the data of that.

What a process has found out about data in a long time, such as the statistics of a large folder of images, is kept in
the same way (`keep_beside`): the other processes of the run, and those that come later, read it there.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from trainables.drafts import draft_file

__all__ = ["DATA_FOLDER", "add_place", "bring", "is_kept", "keep_beside", "kept_beside", "kept_file", "new_file"]

DATA_FOLDER = "data"
"""The folder of such files, below that of a run."""
_NAME = re.compile(rf"{DATA_FOLDER}/[0-9a-f]{{16}}\.(npz|npy|parquet)")
_places: list[Path] = []
"""Folders that may hold such files; the latest is the last."""
_own: list[Path] = []
"""The folder of this process, once it is made. It is removed when the process ends."""
_beside: dict[str, list[Path]] = {}
"""Files of what this process knows about data, by the setting `data`."""


def is_kept(data: object) -> bool:
    """Check whether the data of a task are the name of such a file.

    Args:
        data: the setting `data` of a task.

    Returns:
        Whether it has the form of such a name; whether the file exists is not checked.
    """
    return isinstance(data, str) and _NAME.fullmatch(data) is not None


def add_place(folder: Path) -> None:
    """Look for such files in a folder, and in the one that holds it, from now on.

    Args:
        folder: of a run.
    """
    if folder in _places:
        _places.remove(folder)
    _places.append(folder)


def kept_file(data: object) -> Path | None:
    """Find the file of data that were an object.

    Args:
        data: the setting `data` of a task.

    Returns:
        The file; None where `data` is no such name, or none of the folders has the file.
    """
    return _found(str(data)) if is_kept(data) else None


def kept_beside(data: object, name: str) -> Path | None:
    """Find a file of what is known about data.

    Args:
        data: the setting `data` of a task.
        name: of the file, which tells the content of the data that it is about.

    Returns:
        The file; None where none of the folders has it.
    """
    file = _found(f"{DATA_FOLDER}/{name}")
    if file is not None:
        _note_beside(data, file)
    return file


def keep_beside(data: object, name: str) -> Path:
    """Choose where this process writes what it knows about data; a run that begins with these data takes it along.

    Args:
        data: the setting `data` of a task.
        name: as for `kept_beside`.

    Returns:
        The path in the folder of this process, which exists.
    """
    file = new_file(f"{DATA_FOLDER}/{name}")
    _note_beside(data, file)
    return file


def _note_beside(data: object, file: Path) -> None:
    files = _beside.setdefault(str(data), [])
    if file not in files:
        files.append(file)


def _found(name: str) -> Path | None:
    searched = [place for folder in reversed(_places) for place in (folder, folder.parent)]
    return next((file for folder in (*_own, *searched) if (file := folder / name).is_file()), None)


def new_file(name: str) -> Path:
    """Choose where this process writes such a file.

    Args:
        name: such as "data/0123456789abcdef.npz".

    Returns:
        The path in the folder of this process, which exists.
    """
    if not _own:
        _own.append(Path(tempfile.mkdtemp(prefix="nas_tune-")))
        atexit.register(shutil.rmtree, _own[0], ignore_errors=True)
    file = _own[0] / name
    file.parent.mkdir(exist_ok=True)
    return file


def bring(data: object, folder: Path) -> None:
    """Move the file of data that were an object into the folder of a run, and copy what is known about the data.

    Both are looked for there from now on.

    Args:
        data: the setting `data` of a task; nothing happens where there is no such file.
        folder: of the run, which exists.
    """
    for beside in _beside.get(str(data), []):
        if beside.is_file():
            _copy(beside, folder / DATA_FOLDER / beside.name)
            add_place(folder)
    file = kept_file(data)
    if file is None:
        return
    _copy(file, folder / str(data))
    add_place(folder)
    if file.parent.parent in _own:
        file.unlink()


def _copy(file: Path, target: Path) -> None:
    if target.is_file():
        return
    target.parent.mkdir(exist_ok=True)
    with draft_file(target) as draft:
        try:
            os.link(file, draft)  # on one disk it costs nothing; such files are replaced and never changed
        except OSError:
            shutil.copyfile(file, draft)
