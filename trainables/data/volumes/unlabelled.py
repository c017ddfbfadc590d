"""Scans without masks, as a trained network is asked about them: arrays, `.npy`, `.npz` and NIfTI files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.array_files import array_of, arrays_of
from trainables.data.parts import visible
from trainables.data.volumes.nifti import (
    axes_order,
    is_nifti,
    nifti_stem,
    of_channels,
    read_nifti,
    read_nifti_channels,
    turned,
)
from trainables.errors import DataError

__all__ = ["Placement", "centred", "nifti_cases", "nifti_files", "placed", "read_volumes"]

Array = np.ndarray[Any, Any]
_NAMES = ("x", "images", "image", "volumes", "scans")
_SPACINGS = ("spacing_mm", "spacing")
_ROUNDING = 0.05


@dataclass(frozen=True)
class Placement:
    """Where the voxels of scans are.

    Attributes:
        orientation: where the axes point, such as "RAS"; empty where it is not known.
        spacing: the distance of two voxels along each axis in mm; None where it is not known.
    """

    orientation: str = ""
    spacing: tuple[float, ...] | None = None


def read_volumes(
    x: Any,
    channels: int | None,
    dimensions: int,
    dtype: torch.dtype,
    wanted: Placement | None = None,
    *,
    together: bool | None = None,
) -> tuple[Tensor, list[str]]:
    """Read scans. Those of several sizes are centred in the greatest one.

    NIfTI files whose axes point to other sides than those of the training are turned, so that the axes agree; no voxel
    is computed anew, and `placed` turns masks back. Another spacing is told, and nothing is resampled.

    Args:
        x: an array or tensor (n, channels, ...), or (n, ...) of one channel; or the path of an `.npy` or `.npz` file
            with such an array, of a NIfTI file, or of a folder of them.
        channels: of the scans of the training; None for any. Where they have several, files such as
            `case_0000.nii.gz` and `case_0001.nii.gz` are channels of one scan.
        dimensions: 2 for images, 3 for volumes.
        dtype: of the scans of the training.
        wanted: where the voxels of the training are; None leaves scans as they are stored.
        together: whether files whose names end with four digits are channels of one scan; None decides by `channels`.

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
            if together is None:
                together = channels not in (None, 1, len(read_nifti(files[0]).values))
            cases = nifti_cases(path, together=together)
            names = list(cases)
            found = _read_cases(path, cases, wanted)
        elif path.suffix.lower() in (".npy", ".npz"):
            found = array_of(path, _NAMES, "scans")
            _tell_spacing(_spacing_of(path, dimensions), wanted, str(path))
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
        expected = "(n, c, d, h, w)" if dimensions == 3 else "(n, c, h, w)"
        raise DataError(
            f"{place} has the shape {found.shape}; the network takes scans {expected} of {channels} channels; a single "
            "scan is given as x[None]"
        )
    if not len(found):
        raise DataError(f"{place} holds no scan; give at least one")
    if found.dtype.kind not in "uifb":
        raise DataError(f"{place} is {found.dtype}; scans are numbers")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise DataError(f"{place} holds NaN or infinite values; replace them, such as by the least value")
    native = np.float32 if found.dtype.kind == "f" else found.dtype.newbyteorder("=")
    given = torch.from_numpy(np.ascontiguousarray(found.astype(native, copy=False)))
    if dtype.is_floating_point:
        return given.to(dtype), names
    held = given.to(dtype)
    if not torch.equal(held.to(torch.float64), given.to(torch.float64)):
        raise DataError(
            f"{place} has values that {str(dtype).removeprefix('torch.')} cannot hold, the type of the scans of the "
            "training; scale them as those were, and round them"
        )
    return held, names


def nifti_cases(path: Path, *, together: bool) -> dict[str, list[Path]]:
    """List the scans of a path of NIfTI files.

    Args:
        path: a file or a folder.
        together: whether files whose names end with four digits are channels of one scan, as in nnU-Net; a single such
            file then stands for all channels beside it.

    Returns:
        By the name of a file for its mask, the files of the scan, in the order of their channels.

    Raises:
        DataError: a channel is missing.
    """
    files = nifti_files(path)
    if not together:
        return {one.name: [one] for one in files}
    if path.is_file():
        (name,) = of_channels(files, check=False)
        files = of_channels(nifti_files(path.parent), check=False)[name]
    found: dict[str, list[Path]] = {}
    for name, some in of_channels(files).items():
        ending = some[0].name.removeprefix(nifti_stem(some[0]))
        found[f"{name}{ending}"] = some
    return found


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


def placed(masks: Array, x: Any, training: Placement) -> Array:
    """Turn masks as `read_volumes` has turned their scans, but back.

    Args:
        masks: (n, ...).
        x: what `read_volumes` was given.
        training: where the voxels of the training are.

    Returns:
        The masks with the axes of the scans as they are stored.
    """
    files = nifti_files(Path(x)) if isinstance(x, str | Path) else []
    if not files or not training.orientation:
        return masks
    return turned(masks, training.orientation, read_nifti(files[0]).orientation)


def _read_cases(path: Path, cases: Mapping[str, Sequence[Path]], wanted: Placement | None) -> Array:
    """All scans in one field, with the axes of the training where these are known."""
    read = [read_nifti_channels(files, f"{path}: {name}") for name, files in cases.items()]
    names = list(cases)
    odd = next((place for place, one in enumerate(read) if one.orientation != read[0].orientation), None)
    if odd is not None:
        raise DataError(
            f"{path}: the axes of {names[0]} point to {read[0].orientation} and those of {names[odd]} to "
            f"{read[odd].orientation}; predict them apart, or bring them to one orientation, such as by "
            "nibabel.as_closest_canonical"
        )
    given = read[0].orientation
    aim = wanted.orientation if wanted is not None and wanted.orientation else given
    if wanted is not None and not wanted.orientation:
        warnings.warn(
            f"the axes of {names[0]} point to {given}, and nothing is known of those of the training, whose scans were "
            "arrays; their order must be the same",
            stacklevel=2,
        )
    elif aim != given:
        warnings.warn(
            f"the axes of {names[0]} point to {given} and those of the training to {aim}: scans are turned to {aim}, "
            f"and masks back to {given}",
            stacklevel=2,
        )
    for one, name in zip(read, names, strict=True):
        spacing = tuple(one.spacing[axis] for axis in axes_order(given, aim))
        if _tell_spacing(spacing, wanted, name):
            break
    return _stacked([turned(one.values, given, aim) for one in read], names)


def _spacing_of(path: Path, dimensions: int) -> tuple[float, ...] | None:
    """The spacing in an `.npz` file; None where it has none that is one for all scans."""
    found = arrays_of(path)
    values = next((found[name] for name in _SPACINGS if name in found), None) if isinstance(found, dict) else None
    if values is None or values.dtype.kind not in "uif" or values.shape[-1:] != (dimensions,):
        return None
    return tuple(float(one) for one in np.median(np.atleast_2d(values), 0))


def _tell_spacing(given: tuple[float, ...] | None, wanted: Placement | None, name: str) -> bool:
    """Warn of a spacing that differs from that of the training; returns whether it does."""
    if given is None or wanted is None or wanted.spacing is None or len(given) != len(wanted.spacing):
        return False  # for every scan of a call alike
    if np.allclose(given, wanted.spacing, rtol=_ROUNDING):
        return False
    own, others = (" x ".join(f"{one:.3g}" for one in some) for some in (given, wanted.spacing))
    warnings.warn(
        f"{name} has a spacing of {own} mm and the training {others} mm; kernels are in voxels: resample the scan to "
        "the spacing of the training, and the mask back",
        stacklevel=2,
    )
    return True


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
