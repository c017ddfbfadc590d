"""Data sets from a folder with one sub-folder of images per class, with or without folders of splits above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from trainables.data.decode import IMAGE_SUFFIXES, Encoded
from trainables.data.gathering import Decoding, GatheredImages, gathered
from trainables.data.group_patterns import groups_by_name
from trainables.data.grouped import numbered_groups
from trainables.data.images import Raw
from trainables.data.parts import PARTS, PartName, part_of, usual_names, visible
from trainables.errors import DataError

__all__ = ["is_image_folder", "load_image_folder"]


def is_image_folder(path: Path) -> bool:
    """Check whether `load_image_folder` would find classes.

    Args:
        path: a file or folder.

    Returns:
        True for a folder with visible sub-folders.
    """
    return path.is_dir() and bool(_folders(path))


def load_image_folder(path: Path, decoding: Decoding, *, groups: str | None = None) -> Raw:
    """Read `path/<class>/<image>`, or `path/train/<class>/...` with `path/val`, `path/test` or both beside it.

    Splits are recognised by their usual names in any case (see `trainables.data.parts`). Hidden files and folders, and
    those that operating systems create, are ignored at every level.

    Args:
        path: the folder.
        decoding: how and when images are decoded.
        groups: a pattern of the file names below the folder of a class, see `groups_by_name`; None for no groups.

    Returns:
        The images, with notes on ignored files. The classes are the folders of training, sorted.

    Raises:
        DataError: training images are missing, a class or split is ambiguous, an image is damaged, or has no group.
    """
    notes: list[str] = []
    splits = _splits(path, notes)
    roots: Mapping[PartName, Path] = splits or {"train": path}
    if "train" not in roots:
        found = ", ".join(folder.name for folder in roots.values())
        raise DataError(f"{path} holds no training images, only {found}; add a folder train")
    classes = tuple(folder.name for folder in _folders(roots["train"]))
    _check_not_wrapped(roots["train"])
    parts: dict[PartName, GatheredImages] = {}
    of_files: dict[PartName, list[str]] = {}
    for part in PARTS:
        if part in roots:
            parts[part], files = _read(roots[part], classes if part != "train" else None, notes)
            if groups is not None:
                of_files[part] = [one for folder, names in files for one in groups_by_name(names, folder, groups)]
    codes = numbered_groups(of_files, groups or "", str(path))
    if of_files:
        known = sorted({one for names in of_files.values() for one in names})
        notes.append(f"{len(known)} groups by {groups}: {_some(known)}")
    return replace(gathered(str(path), parts, classes, decoding, notes=notes), groups=codes)


def _check_not_wrapped(path: Path) -> None:
    """Refuse a lone folder: it is the only class, or a wrapper around the folders of the classes."""
    folders = _folders(path)
    if len(folders) != 1:
        return
    lone, inside = folders[0], _folders(folders[0])
    if inside:
        names = _some([folder.name for folder in inside])
        raise DataError(
            f"{path} holds one folder, {lone.name}, which would be the only class; a classifier needs at least two. "
            f"{lone.name} holds folders itself ({names}): if these are the classes or splits, give {lone}"
        )
    raise DataError(f"{path} holds one folder, {lone.name}, so one class; a classifier needs at least two")


def _splits(path: Path, notes: list[str]) -> dict[PartName, Path]:
    """Find the folders of the splits; none where the folders are classes."""
    folders = _folders(path)
    named = [folder for folder in folders if part_of(folder.name)]
    # A class may be called "train" too: it holds images directly, while a split holds folders.
    above = [folder for folder in named if _folders(folder)]
    if not above:
        if named and len(named) == len(folders):
            names = ", ".join(folder.name for folder in named)
            raise DataError(f"{path}: {names} are names of splits, but hold no folder per class; put one there")
        return {}
    for folder in folders:
        if folder in above:
            continue
        if _images(folder):
            raise DataError(
                f"{path} holds folders of splits ({', '.join(f.name for f in above)}), and {folder.name}, which is of "
                f"none; move it, or name it as one ({usual_names()})"
            )
        notes.append(f"not read, because it holds no images: {folder.name}")
    found: dict[PartName, Path] = {}
    for folder in above:
        part = part_of(folder.name)
        if part is None:
            continue
        if part in found:
            raise DataError(f"{path} holds {found[part].name} and {folder.name}, which mean the same; join them")
        found[part] = _unwrapped(folder, part)
    return found


def _unwrapped(folder: Path, part: PartName) -> Path:
    """Enter a folder of the same split, which archives often wrap once more."""
    inside = _folders(folder)
    while len(inside) == 1 and part_of(inside[0].name) == part:
        folder = inside[0]
        inside = _folders(folder)
    return folder


def _read(
    path: Path, classes: tuple[str, ...] | None, notes: list[str]
) -> tuple[GatheredImages, list[tuple[Path, list[Path]]]]:
    """Find the images, and the files of each class. With `classes` (not for training), a class may lack images but not
    be new.
    """
    folders = _folders(path)
    if classes is not None and (extra := sorted({folder.name for folder in folders} - set(classes))):
        raise DataError(f"{path}: the classes {extra} do not occur in training; their folders must be equal")
    names = classes or tuple(folder.name for folder in folders)
    files: list[Encoded] = []
    labels: list[int] = []
    by_folder: list[tuple[Path, list[Path]]] = []
    for folder in folders:
        _check_no_split_below(folder)
        members = _images(folder)
        if not members and classes is None:
            raise DataError(f"{folder} holds no image, and each class needs some; fill it or remove it")
        files.extend((str(file), file) for file in members)
        labels.extend([names.index(folder.name)] * len(members))
        by_folder.append((folder, members))
    if not files:
        raise DataError(f"{path} holds no image below its sub-folders; known endings: {', '.join(IMAGE_SUFFIXES)}")
    if stray := [file.name for file in visible(path.iterdir(), path) if _is_image(file)]:
        notes.append(f"not read, because they are in no folder of a class: {_some(stray)} in {path}")
    return GatheredImages(files, torch.tensor(labels), path.name), by_folder


def _check_no_split_below(folder: Path) -> None:
    below = [inside.name for inside in _folders(folder) if part_of(inside.name)]
    if below:
        raise DataError(
            f"{folder} holds {', '.join(below)}: a split within a class would be read as one; put the folders of the "
            "splits above those of the classes"
        )


def _folders(path: Path) -> list[Path]:
    return [child for child in visible(path.iterdir(), path) if child.is_dir()]


def _images(folder: Path) -> list[Path]:
    return [file for file in visible(folder.glob("**/*"), folder) if _is_image(file)]


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
