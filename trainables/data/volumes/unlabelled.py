"""Scans without masks, as a trained network is asked about them: arrays, `.npy`, `.npz` and NIfTI files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.array_files import array_of
from trainables.data.parts import visible
from trainables.data.volumes.nifti import is_nifti, read_nifti
from trainables.errors import DataError

__all__ = ["centred", "nifti_files", "read_volumes"]

Array = np.ndarray[Any, Any]
_NAMES = ("x", "images", "image", "volumes", "scans")


def read_volumes(x: Any, channels: int | None, dimensions: int, dtype: torch.dtype) -> tuple[Tensor, list[str]]:
    """Read scans. Those of several sizes are centred in the greatest one.

    Args:
        x: an array or tensor (n, channels, ...), or (n, ...) of one channel; or the path of an `.npy` or `.npz` file
            with such an array, of a NIfTI file, or of a folder of them.
        channels: of the scans of the training; None for any.
        dimensions: 2 for images, 3 for volumes.
        dtype: of the scans of the training.

    Returns:
        The scans (n, channels, ...), and the name of each where they have names.

    Raises:
        DataError: there are none, they are damaged, or unlike those of the training.
    """
    names: list[str] = []
    if isinstance(x, str | Path):
        path = Path(x)
        if not path.exists():
            raise DataError(f"there is no {path}; correct the path")
        files = nifti_files(path)
        if files:
            names = [one.name for one in files]
            found = _stacked([read_nifti(one).values for one in files], names)
        elif path.suffix.lower() in (".npy", ".npz"):
            found = array_of(path, _NAMES, "scans")
        else:
            raise DataError(
                f"{path} holds no scans; .npy, .npz and NIfTI files (.nii, .nii.gz) and folders of these are read"
            )
        place = str(path)
    else:
        found, place = _plain(x), "x"
    if found.ndim == dimensions + 1 and channels in (1, None):
        found = found[:, None]
    if found.ndim != dimensions + 2 or channels not in (None, found.shape[1]):
        wanted = "(n, c, d, h, w)" if dimensions == 3 else "(n, c, h, w)"
        raise DataError(
            f"{place} has the shape {found.shape}; the network takes scans {wanted} of {channels} channels; a single "
            "scan is given as x[None]"
        )
    if not len(found):
        raise DataError(f"{place} holds no scan; give at least one")
    if found.dtype.kind not in "uifb":
        raise DataError(f"{place} is {found.dtype}; scans are numbers")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise DataError(f"{place} holds NaN or infinite values; replace them, such as by the least value")
    given = torch.from_numpy(np.ascontiguousarray(found if found.dtype.kind != "f" else found.astype(np.float32)))
    if dtype.is_floating_point:
        return given.to(dtype), names
    held = given.to(dtype)
    if not torch.equal(held.to(torch.float64), given.to(torch.float64)):
        raise DataError(
            f"{place} has values that {str(dtype).removeprefix('torch.')} cannot hold, the type of the scans of the "
            "training; scale them as those were, and round them"
        )
    return held, names


def nifti_files(path: Path) -> list[Path]:
    """List the NIfTI files of a path.

    Args:
        path: a file or a folder.

    Returns:
        The file itself, or those directly in the folder, sorted; none where there are none.
    """
    if path.is_dir():
        return [one for one in visible(path.iterdir(), path) if is_nifti(one)]
    return [path] if is_nifti(path) else []


def centred(mask: Array, sides: Sequence[int]) -> Array:
    """Cut what was centred in a greater field.

    Args:
        mask: (...), of the field.
        sides: of what lies in its middle.

    Returns:
        (*sides).
    """
    places = [slice((whole - own) // 2, (whole - own) // 2 + own) for whole, own in zip(mask.shape, sides, strict=True)]
    return mask[tuple(places)]


def _stacked(arrays: Sequence[Array], names: Sequence[str]) -> Array:
    for array, name in zip(arrays, names, strict=True):
        if len(array) != len(arrays[0]):
            raise DataError(f"{name} has {len(array)} channels and {names[0]} {len(arrays[0])}; give as many in each")
    sides = tuple(int(one) for one in np.max([array.shape[1:] for array in arrays], 0))
    whole = np.zeros((len(arrays), len(arrays[0]), *sides), dtype=np.result_type(*arrays))
    for number, array in enumerate(arrays):
        whole[number] = array.min()
        centred(whole[number], array.shape)[...] = array
    return whole


def _plain(x: Any) -> Array:
    given = x.detach().cpu().numpy() if isinstance(x, Tensor) else x
    try:
        found = np.asarray(given)
    except ValueError as error:
        raise DataError(f"x holds scans of several shapes ({error}); give one shape, or NIfTI files") from error
    if found.dtype.kind not in "uifb" or not found.ndim:
        raise DataError(f"x is a {type(x).__name__}; give an array of scans, or a path")
    return found
