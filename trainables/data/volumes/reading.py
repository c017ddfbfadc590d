"""Reading of scans with masks: `.npz` files, folders of NIfTI files, and those that a seed draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.npz import DAMAGE, placed_arrays
from trainables.data.parts import PartName, part_of, usual_names
from trainables.data.volumes.blobs import BLOBS, CLASSES, drawn_blobs
from trainables.data.volumes.cases import Cases, Scans, plain_mask
from trainables.data.volumes.nifti import is_nifti_folder, read_nifti_folder
from trainables.data.volumes.settings import VolumeSettings
from trainables.errors import DataError

__all__ = ["read_scans"]

Array = np.ndarray[Any, Any]
_SHORT: Mapping[PartName, str] = {"train": "", "validation": "_val", "test": "_test"}
_GROUPS = "groups"
_MOST_AXES = 5
_SPACINGS = ("spacing_mm", "spacing")


def read_scans(settings: VolumeSettings, path: Path | None) -> Scans:
    """Read scans in their parts.

    Args:
        settings: the data, and the name of their groups.
        path: the file or folder; None for data that are drawn.

    Returns:
        The scans.

    Raises:
        DataError: a file is damaged or of no known kind, or an array or file is missing.
    """
    if path is None:
        return _drawn(str(settings.data), settings.validation_groups)
    if path.suffix.lower() == ".npz":
        return _read_npz(path, settings.validation_groups)
    if is_nifti_folder(path):
        if settings.validation_groups is not None:
            raise DataError(
                f"validation_groups is {settings.validation_groups!r}, and {path} is a folder, which has no groups; "
                "leave it out, or write the scans into an .npz file with an array of groups"
            )
        return read_nifti_folder(path)
    raise DataError(
        f"{path} holds no scans with masks; .npz files with x and y are read, and folders with imagesTr and labelsTr "
        f"of NIfTI files; {' and '.join(BLOBS)} are drawn"
    )


def _drawn(name: str, groups: str | None) -> Scans:
    blobs = drawn_blobs(BLOBS[name])
    if groups not in (None, "patient"):
        raise DataError(f"{name} has no groups {groups!r}; those of {name} are called 'patient'")
    names = [f"scan {number}" for number in range(len(blobs.images))]
    patients = blobs.patients.tolist()
    cases = Cases(list(blobs.images), list(blobs.masks), names, patients)
    return Scans(name, {"train": cases}, CLASSES, groups="patient")


def _read_npz(path: Path, groups: str | None) -> Scans:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            placed = placed_arrays(str(path), names, None, "scans")
            arrays = {}
            for name in names:
                array = _member(path, archive, name)
                if name in placed.values() or array.ndim <= 2:
                    arrays[name] = array
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete .npz file of plain arrays ({error}); write it with numpy.savez"
        ) from error
    title = _title_of_groups(path, groups, names)
    notes: list[str] = []
    parts: dict[PartName, Cases] = {}
    for kind, part in placed:
        if kind == "x":
            found = _cases(path, arrays, placed["x", part], placed["y", part], title, part)
            parts[part] = found
    if "split" in arrays and set(parts) == {"train"}:
        parts = _by_split(path, parts["train"], arrays["split"])
    dimensions = parts["train"].images[0].ndim - 1
    return Scans(
        str(path),
        parts,
        tuple(str(one) for one in arrays["classes"].ravel()) if "classes" in arrays else (),
        _spacing(path, arrays, dimensions, notes),
        groups=title,
        notes=notes,
    )


def _member(path: Path, archive: Any, name: str) -> Array:
    """An array of a file; one of objects would have to be unpickled, which can run code."""
    try:
        found: Array = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            f"{path}: the array {name} holds Python objects, such as scans of several sizes; write numbers, or texts "
            "as numpy.array(names, dtype=str), and scans of several sizes as NIfTI files"
        ) from error
    return found


def _title_of_groups(path: Path, groups: str | None, names: list[str]) -> str:
    if groups is not None and groups not in names:
        raise DataError(
            f"{path} has no array {groups}; validation_groups names one with the group of each scan; the arrays are "
            f"{', '.join(names)}"
        )
    return groups or (_GROUPS if _GROUPS in names else "")


def _cases(path: Path, arrays: Mapping[str, Array], of_x: str, of_y: str, groups: str, part: PartName) -> Cases:
    x, y = arrays[of_x], arrays[of_y]
    if x.ndim not in (3, 4, 5) or x.dtype.kind not in "uifb":
        raise DataError(
            f"{path}: {of_x} is {x.dtype} of shape {x.shape}; scans are numbers (n, c, d, h, w) or (n, c, h, w)"
        )
    if len(x) != len(y):
        raise DataError(f"{path}: {of_x} has {len(x)} scans and {of_y} {len(y)} masks; give one for each")
    if not len(x):
        raise DataError(f"{path}: {of_x} has no scan; give at least one")
    if x.ndim == y.ndim:
        y = _without_channel(x, y, f"{path}: {of_y}")
    if x.ndim == y.ndim:
        x = x[:, None]  # scans without an axis of channels
    if y.ndim != x.ndim - 1 or x.ndim > _MOST_AXES:
        given = arrays[of_x]
        raise DataError(
            f"{path}: {of_x} has the shape {given.shape} and {of_y} {y.shape}; masks have the sides of the scans, as "
            f"in {(len(x), *given.shape[2:])}; of a mask for each class (one-hot) write numpy.argmax over the axis of "
            "the classes"
        )
    masks = plain_mask(y, f"{path}: {of_y}")
    names = [f"scan {number}" for number in range(len(x))]
    if part == "train" and "case" in arrays and arrays["case"].shape == (len(x),):
        names = [str(one) for one in arrays["case"].tolist()]
    found = Cases(list(x), list(masks), names)
    if groups:
        short = f"{groups}{_SHORT[part]}"
        values = arrays.get(short, arrays.get(f"{groups}_{part}"))
        if values is None or values.shape != (len(x),):
            said = "missing" if values is None else f"of shape {values.shape}"
            raise DataError(f"{path}: the array {short} is {said}; it has the group of each of the {len(x)} scans")
        lacking = next((row for row, one in enumerate(values.tolist()) if one != one), None)
        if lacking is not None:
            raise DataError(
                f"{path}: {short}, scan {lacking} is nan; give each scan its group, or drop the scan: scans without "
                "a group may be of one patient"
            )
        found.groups.extend(str(one) for one in values.tolist())
    return found


def _without_channel(x: Array, y: Array, place: str) -> Array:
    """Masks without an axis of one channel, such as those of medical libraries; masks for each class are refused.

    Args:
        x: scans with as many axes as the masks.
        y: masks.
        place: names the masks in messages.

    Returns:
        The masks; as they are where the axis after the first is a side.
    """
    same = y.shape[2:] == x.shape[2:]
    if same and y.shape[1] == 1 and y.ndim > 3:
        return y[:, 0]
    if same and y.ndim > 3 and y.dtype.kind in "uifb" and np.allclose(y.sum(1, dtype=float), 1):
        raise DataError(
            f"{place} has the shape {y.shape}, a mask for each of {y.shape[1]} classes; a mask holds the number of the "
            "class of each position: write y.argmax(1), with the background first"
        )
    return y


def _by_split(path: Path, cases: Cases, splits: Array) -> dict[PartName, Cases]:
    if splits.shape != (len(cases),):
        raise DataError(
            f"{path}: split has the shape {splits.shape}, and there are {len(cases)} scans; it names the part of each"
        )
    parts: dict[PartName, Cases] = {}
    for number, name in enumerate(splits.tolist()):
        part = part_of(str(name))
        if part is None:
            raise DataError(
                f"{path}: split, scan {number} is {name!r}, which is not a part; name one ({usual_names()})"
            )
        one = parts.setdefault(part, Cases())
        one.images.append(cases.images[number])
        one.masks.append(cases.masks[number])
        one.names.append(cases.names[number])
        if cases.groups:
            one.groups.append(cases.groups[number])
    if "train" not in parts:
        raise DataError(f"{path}: split names no scan for training; name some ({usual_names()})")
    return parts


def _spacing(path: Path, arrays: Mapping[str, Array], dimensions: int, notes: list[str]) -> tuple[float, ...] | None:
    name = next((one for one in _SPACINGS if one in arrays), None)
    if name is None:
        return None
    values = np.atleast_2d(arrays[name])
    if (
        values.shape[-1] != dimensions
        or values.dtype.kind not in "uif"
        or not (np.isfinite(values) & (values > 0)).all()
    ):
        raise DataError(
            f"{path}: {name} has the shape {arrays[name].shape}; it holds the {dimensions} distances of two voxels in "
            "mm, for all scans or for each, above 0 and finite"
        )
    if not np.allclose(values, values[0], rtol=0.05):
        low, high = values.min(0), values.max(0)
        notes.append(
            f"spacings differ from scan to scan, {' x '.join(f'{one:.3g}' for one in low)} to "
            f"{' x '.join(f'{one:.3g}' for one in high)} mm; resample them to one, since kernels are in voxels"
        )
    return tuple(float(one) for one in np.median(values, 0))
