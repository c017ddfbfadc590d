"""Data sets from an `.npz` file of arrays: images and labels, with a validation and a test set where it has them."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.file_sizes import check_arrays
from trainables.data.grouped import numbered_groups
from trainables.data.images import Raw, Split, raw_images
from trainables.data.multi_label import multi_labels, raw_multi
from trainables.data.numbers import as_float32, check_float32
from trainables.data.parts import PARTS, PartName, part_of, usual_names
from trainables.data.pixels import Images
from trainables.data.streaming import MappedArray, MappedRows, by_threads, why_streamed
from trainables.data.targets import raw_numbers, target_numbers
from trainables.errors import DataError

__all__ = ["DAMAGE", "load_npz", "mapped_arrays", "placed_arrays", "target_array"]

_IMAGES = ("x", "image", "images")
_LABELS = ("y", "label", "labels")
DAMAGE = (
    *(OSError, ValueError, EOFError, TypeError, AttributeError, KeyError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile raise for a damaged file."""
_Array = np.ndarray[Any, Any]


def load_npz(
    path: Path,
    *,
    target: str | None = None,
    numbers: bool = False,
    multi: bool = False,
    title: str | None = None,
    groups: str | None = None,
    stream: bool | None = None,
    loaders: int = 2,
) -> Raw:
    """Read arrays `x` (images) and `y` (labels), and `x_val`, `y_val`, `x_test` and `y_test` where they exist.

    Other usual names are recognised too: `x_train`, `train_images`, `Y_valid`, ... Images have the shape (n, h, w),
    (n, c, h, w) or (n, h, w, c), volumes (n, c, d, h, w). They hold numbers of any kind or bool. Integers between 0
    and 255 become uint8, all other numbers float32. Labels have the shape (n,) or (n, 1) and are integers from 0, or
    texts, which name the classes.

    Args:
        path: the file.
        target: the name of the array of labels, as in `height`, `height_val` and `height_test`; None for the usual
            names.
        numbers: whether labels are numbers with a unit, (n,) or (n, k).
        multi: whether labels are 0 or 1 for each class, (n, k). An array `classes` may have the names, (k,).
        title: names the data set in messages; by default the path does.
        groups: the name of the array of groups, as in `speaker`, `speaker_val` and `speaker_test`; None for no groups.
        stream: whether images are read from the file while the network trains; None decides by the free memory.
        loaders: the number of threads that do so.

    Returns:
        The images, with a note on arrays that were not read.

    Raises:
        DataError: the file is damaged, or an array is missing, ambiguous or of a wrong shape or type.
    """
    name = title or str(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = placed_arrays(name, list(archive.files), target)
            of_images = [one for (kind, _), one in names.items() if kind == "x"]
            mapped, why = mapped_arrays(path, of_images, stream, loaders, name)
            if not mapped:
                check_arrays(path)
            arrays = {place: archive[one] for place, one in names.items() if one not in mapped}
            parts = [part for part in PARTS if ("x", part) in names]
            of_groups = (
                {} if groups is None else {part: _group_name(name, archive.files, groups, part) for part in parts}
            )
            grouped = {part: archive[one].tolist() for part, one in of_groups.items()}
            names_of_classes = archive["classes"] if multi and "classes" in archive.files else None
            unread = sorted(set(archive.files) - set(names.values()) - set(of_groups.values()))
            unread = [one for one in unread if names_of_classes is None or one != "classes"]
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            f"{name} is not a complete .npz file of plain arrays ({error}); write it with numpy.savez"
        ) from error
    images: Mapping[PartName, Images]
    if mapped:
        images = _mapped_images({part: mapped[names["x", part]] for part in parts}, name, names, loaders)
    else:
        images = _images({part: arrays["x", part] for part in parts}, name, names)
    splits: dict[PartName, Split] = {}
    classes = () if numbers else _classes(arrays["y", "train"])
    if names_of_classes is not None:
        classes = tuple(map(str, names_of_classes.ravel()))
    for part, found in images.items():
        place, values = f"{name}: {names['y', part]}", arrays["y", part]
        if multi:
            splits[part] = Split(found, multi_labels(values, place))
        else:
            splits[part] = Split(found, target_numbers(values, place) if numbers else _labels(values, place, classes))
    codes = numbered_groups(grouped, groups or "", name)
    for part in of_groups:
        some = codes[part]
        if len(some) != len(splits[part]):
            raise DataError(
                f"{name}: {of_groups[part]} has {len(some)} groups and {names['x', part]} {len(splits[part])} images; "
                "give one for each"
            )
    notes = [f"not read: {', '.join(unread)}"] if unread else []
    notes += [why] if why else []
    if numbers:
        held = splits.get("validation")
        raw = raw_numbers(name, splits["train"], splits.get("test"), validation=held, notes=notes)
    elif multi:
        held = splits.get("validation")
        raw = raw_multi(name, splits["train"], splits.get("test"), classes, validation=held, notes=notes)
    else:
        held = splits.get("validation")
        raw = raw_images(name, splits["train"], splits.get("test"), classes, validation=held, notes=notes)
    return replace(raw, groups=codes)


def mapped_arrays(
    path: Path, names: Sequence[str], stream: bool | None, loaders: int, title: str
) -> tuple[dict[str, MappedArray], str]:
    """Map arrays of an `.npz` file that are to be streamed.

    Args:
        path: the file.
        names: of the arrays.
        stream: as in `load_npz`.
        loaders: as in `load_npz`.
        title: names the file in messages.

    Returns:
        The arrays by name, and a note for a person. None and no note where they are read whole: because they fit, or
        because they are in the order of Fortran.

    Raises:
        DataError: they are in the order of Fortran, and `stream` is set; or the disk is too full to unpack them.
        OSError: or another error of `DAMAGE`: the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        needed = sum(archive.getinfo(f"{name}.npy").file_size for name in names)
    why = why_streamed(needed, stream, by_threads(loaders, "read"), "they", "stream = false reads them before")
    if not why:
        return {}, ""
    found = {name: MappedArray.of_npz(path, name) for name in names}
    whole = {name: array for name, array in found.items() if array is not None}
    if len(whole) == len(found):
        return whole, why
    if stream:
        lacking = next(name for name in names if name not in whole)
        raise DataError(
            f"{title}: {lacking} is in the order of Fortran, and stream is true; write it after "
            "numpy.ascontiguousarray, so that its rows can be read one by one"
        )
    return {}, ""


def _group_name(place: str, found: list[str], groups: str, part: PartName) -> str:
    short = {"train": "", "validation": "_val", "test": "_test"}[part]
    for name in (f"{groups}{short}", f"{groups}_{part}"):
        if name in found:
            return name
    raise DataError(
        f"{place} has no array {groups}{short}; validation_groups names one with the group of each image; there are "
        f"{', '.join(found)}"
    )


def target_array(path: Path, found: list[str], target: str | None) -> str:
    """Find the array of the training labels.

    Args:
        path: the file, for messages.
        found: the names of all arrays.
        target: as in `load_npz`.

    Returns:
        Its name.

    Raises:
        DataError: an array is missing or ambiguous.
    """
    return placed_arrays(str(path), found, target)["y", "train"]


def placed_arrays(
    path: str, found: list[str], target: str | None, what: str = "images"
) -> dict[tuple[str, PartName], str]:
    """Find the arrays of all parts by their names.

    Args:
        path: names the file in messages.
        found: the names of all arrays.
        target: as in `load_npz`.
        what: what the examples are called in messages.

    Returns:
        The name of the array by kind ("x" or "y") and part.

    Raises:
        DataError: an array is missing or ambiguous.
    """
    placed: dict[tuple[str, PartName], str] = {}
    for name in found:
        place = _place_of(path, name, target)
        if place is None:
            continue
        if place in placed:
            raise DataError(f"{path} holds {placed[place]} and {name}, which mean the same; leave one of them out")
        placed[place] = name
    if ("x", "train") not in placed or ("y", "train") not in placed:
        raise DataError(f"{path} holds the arrays {found}; it needs x ({what}) and {target or 'y'} (labels)")
    for part in PARTS:
        if (("x", part) in placed) != (("y", part) in placed):
            short = {"validation": "val"}.get(part, part)
            raise DataError(f"{path} holds one of x_{short} and y_{short}; give both or neither")
    return placed


def _place_of(path: str, name: str, target: str | None) -> tuple[str, PartName] | None:
    """Read kind and part from the name of an array; None for one that is neither images nor labels."""
    words = re.findall(r"[^\W_]+", name.lower())
    if target is not None:
        # The array that is asked for is called y, and what is called so otherwise is not read.
        asked = re.sub(rf"(?<![^\W_]){re.escape(target.lower())}(?![^\W_])", " y ", name.lower())
        if asked == name.lower() and any(word in _LABELS for word in words):
            return None
        words = re.findall(r"[^\W_]+", asked)
    kinds = ["x" if word in _IMAGES else "y" for word in words if word in _IMAGES + _LABELS]
    if len(kinds) != 1:
        return None
    rest = "_".join(word for word in words if word not in _IMAGES + _LABELS)
    if not rest:
        return (words[0], "train") if words[0] in ("x", "y") else None
    part = part_of(rest)
    if part is None:
        raise DataError(f"{path} holds {name}, which is of no known split; rename it ({usual_names()}) or leave it out")
    return kinds[0], part


def _images(
    arrays: Mapping[PartName, _Array], path: str, names: Mapping[tuple[str, PartName], str]
) -> dict[PartName, Tensor]:
    """Convert the images of all parts, (n, c, h, w), to one type: uint8 or float32."""
    places = {part: f"{path}: {names['x', part]}" for part in arrays}
    shaped = {part: _shaped(array, places[part]) for part, array in arrays.items()}
    real = _are_real(shaped, path, names)
    small = not real and all(map(_are_bytes, shaped.values()))
    if small:
        return {part: torch.from_numpy(np.ascontiguousarray(array, np.uint8)) for part, array in shaped.items()}
    return {part: torch.from_numpy(as_float32(array, places[part])) for part, array in shaped.items()}


def _mapped_images(
    arrays: Mapping[PartName, MappedArray], path: str, names: Mapping[tuple[str, PartName], str], loaders: int
) -> dict[PartName, MappedRows]:
    """The same of images that stay on the disk."""
    places = {part: f"{path}: {names['x', part]}" for part in arrays}
    for part, array in arrays.items():
        _shaped(array.rows([]), places[part])  # refuses another shape or type
    real = _are_real(arrays, path, names)
    small = not real and all(_are_bytes(chunk) for array in arrays.values() for chunk in array.chunks())
    kind = np.uint8 if small else np.float32
    if not small:
        for part, array in arrays.items():
            check_float32(array.dtype, array.chunks, places[part])
    return {
        part: MappedRows.of(array, partial(_as_images, kind=kind, place=places[part]), loaders=loaders)
        for part, array in arrays.items()
    }


def _as_images(rows: _Array, *, kind: type[np.generic], place: str) -> _Array:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(_shaped(rows, place), kind)


def _are_real(
    arrays: Mapping[PartName, _Array] | Mapping[PartName, MappedArray],
    path: str,
    names: Mapping[tuple[str, PartName], str],
) -> bool:
    """Whether the values are fractions; refuses those of which some are."""
    real = {part for part, array in arrays.items() if array.dtype.kind == "f"}
    if real and len(real) < len(arrays):
        said = ", ".join(f"{names['x', part]} is {array.dtype}" for part, array in arrays.items())
        raise DataError(f"{path}: {said}; the parts must be of one scale and type: divide all of them, or none")
    return bool(real)


def _are_bytes(array: _Array) -> bool:
    return not array.size or array.dtype == np.uint8 or bool(array.min() >= 0 and array.max() <= 255)


def _shaped(array: _Array, place: str) -> _Array:
    """Bring images to the shape (n, c, h, w); volumes (n, c, d, h, w) have it."""
    if array.dtype.kind not in "uifb" or array.ndim not in (3, 4, 5):
        raise DataError(
            f"{place} is {array.dtype} of shape {array.shape}; images are numbers of shape (n, h, w), "
            "(n, c, h, w) or (n, h, w, c), volumes of shape (n, c, d, h, w)"
        )
    if array.ndim == 5:
        return array
    if array.ndim == 3:
        return array[:, None]
    if array.shape[1] not in (1, 3, 4) and array.shape[3] in (1, 3, 4):
        return array.transpose(0, 3, 1, 2)
    return array


def _classes(labels: _Array) -> tuple[str, ...]:
    """The names of the classes where labels are texts, sorted; none where they are numbers."""
    return tuple(str(name) for name in np.unique(labels)) if labels.dtype.kind == "U" else ()


def _labels(array: _Array, place: str, classes: tuple[str, ...]) -> Tensor:
    """The numbers of the classes, (n,)."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or (array.dtype.kind != "U" and (classes or array.dtype.kind not in "ui")):
        raise DataError(
            f"{place} is {array.dtype} of shape {array.shape}; labels are integers of shape (n,), or texts in all parts"
        )
    if array.dtype.kind != "U":
        return torch.from_numpy(array.astype(np.int64))
    unknown = np.setdiff1d(array, classes)
    if len(unknown):
        known = ", ".join(map(repr, classes[:10])) or "none, since its labels are numbers"
        raise DataError(
            f"{place} has the label {str(unknown[0])!r}, which no training image has (it has {known}); add training "
            "images of it, or leave these images out"
        )
    return torch.from_numpy(np.searchsorted(classes, array).astype(np.int64))
