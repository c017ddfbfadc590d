"""NIfTI files, read and written by nibabel (`nas-tune[medical]`): images, masks, their spacing and orientation.

A folder has `imagesTr` and `labelsTr`, as in the Medical Segmentation Decathlon; `imagesVal`, `labelsVal`, `imagesTs`
and `labelsTs` are read where both are there. A mask has the name of its image. Images of several channels have four
dimensions, or a file for each channel, `case_0000.nii.gz`, `case_0001.nii.gz`, .., as in nnU-Net. `dataset.json` names
the classes. Voxels stay as they are stored; files whose axes point elsewhere than those of the first are refused.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from trainables.data.parts import PartName, visible
from trainables.data.volumes.cases import Cases, Scans, plain_mask
from trainables.errors import DataError, first_line

__all__ = [
    "Nifti",
    "axes_order",
    "is_nifti",
    "is_nifti_folder",
    "nifti_stem",
    "of_channels",
    "read_nifti",
    "read_nifti_channels",
    "read_nifti_folder",
    "turned",
    "write_nifti",
]

Array = np.ndarray[Any, Any]
_ENDINGS = (".nii", ".nii.gz")
_FOLDERS: dict[PartName, tuple[str, str]] = {
    "train": ("imagesTr", "labelsTr"),
    "validation": ("imagesVal", "labelsVal"),
    "test": ("imagesTs", "labelsTs"),
}
_ROUNDING = 0.05
_CHANNEL = re.compile(r"_(\d{4})$")
"""The end of the name of a file that has one channel of a scan, as in nnU-Net."""
_PIECE = 2**24
_AXES = ({"L", "R"}, {"P", "A"}, {"I", "S"})


@dataclass(frozen=True)
class Nifti:
    """The content of one file.

    Attributes:
        values: (c, ...) of an image.
        spacing: the distance of two voxels along each axis in mm.
        orientation: where the axes point, such as "RAS".
        affine: (4, 4), from voxels to mm.
    """

    values: Array
    spacing: tuple[float, ...]
    orientation: str
    affine: Array


def is_nifti(path: Path) -> bool:
    """Check whether the name of a file is that of a NIfTI file.

    Args:
        path: the file.

    Returns:
        Whether it ends with .nii or .nii.gz.
    """
    return path.name.lower().endswith(_ENDINGS)


def is_nifti_folder(path: Path) -> bool:
    """Check whether a folder has images and masks of NIfTI.

    Args:
        path: the folder.

    Returns:
        Whether it has the folders imagesTr and labelsTr.
    """
    return path.is_dir() and all((path / name).is_dir() for name in _FOLDERS["train"])


def read_nifti(path: Path) -> Nifti:
    """Read one file.

    Args:
        path: the file.

    Returns:
        Its values, the channels first, and where its voxels are.

    Raises:
        DataError: nibabel is not installed, or the file is damaged or has other than three or four dimensions.
    """
    nibabel = _nibabel(path)
    damage = (
        *(OSError, ValueError, EOFError, KeyError, TypeError, IndexError, OverflowError, MemoryError, zlib.error),
        *(nibabel.filebasedimages.ImageFileError, nibabel.wrapstruct.WrapStructError),
        *(nibabel.spatialimages.HeaderDataError, nibabel.spatialimages.ImageDataError),
    )
    try:
        if path.name.lower().endswith(".gz"):
            _check_zipped(path)
        loaded = nibabel.load(path)
        values = np.asanyarray(loaded.dataobj)
        zooms = loaded.header.get_zooms()
        codes = nibabel.aff2axcodes(loaded.affine)
    except damage as error:
        raise DataError(f"{path} is not a complete NIfTI file ({first_line(error)}); write it again") from error
    if not values.size:
        raise DataError(f"{path} has the shape {values.shape}, which holds no voxel; leave it out, or write it again")
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim not in (3, 4):
        raise DataError(f"{path} has the shape {values.shape}; a volume has three sides, and channels behind them")
    values = values[None] if values.ndim == 3 else np.moveaxis(values, 3, 0)
    spacing = tuple(float(one) for one in zooms[:3])
    if not np.isfinite(spacing).all() or min(spacing) <= 0:
        raise DataError(
            f"{path} has the spacing {' x '.join(f'{one:g}' for one in spacing)} mm; a spacing is above 0 and finite: "
            "correct pixdim of its header"
        )
    return Nifti(values, spacing, "".join(one or "?" for one in codes), np.asarray(loaded.affine))


def _check_zipped(path: Path) -> None:
    """Compare the checksum at the end of a compressed file, which nibabel does not reach; a difference raises."""
    with gzip.open(path) as file:
        while file.read(_PIECE):
            pass


def read_nifti_channels(files: Sequence[Path], place: str) -> Nifti:
    """Read the files of one scan, which each have some of its channels.

    Args:
        files: at least one.
        place: names the scan in messages.

    Returns:
        All channels, in the order of the files, and where the voxels of the first file are.

    Raises:
        DataError: a file cannot be read, or has other sides or axes than the first one.
    """
    found = [read_nifti(one) for one in files]
    if len({one.values.shape[1:] for one in found}) > 1:
        shapes = " and ".join(str(one.values.shape[1:]) for one in found)
        raise DataError(f"{place}: its channels have the shapes {shapes}; resample them to one")
    odd = next((one for one in found if one.orientation != found[0].orientation), None)
    if odd is not None:
        raise DataError(
            f"{place}: the axes of its channels point to {found[0].orientation} and to {odd.orientation}; bring them "
            "to one orientation, such as by nibabel.as_closest_canonical"
        )
    return replace(found[0], values=np.concatenate([one.values for one in found]))


def of_channels(files: Sequence[Path], *, check: bool = True) -> dict[str, list[Path]]:
    """Sort files into scans by their names: `case_0000.nii.gz` and `case_0001.nii.gz` are two channels of `case`.

    Args:
        files: NIfTI files.
        check: whether to refuse scans with gaps in the numbers of their channels.

    Returns:
        By the name of the scan, its files in the order of their channels; a file without four digits is a scan.

    Raises:
        DataError: a channel is missing.
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(files, key=nifti_stem):
        found.setdefault(_CHANNEL.sub("", nifti_stem(file)), []).append(file)
    for name, some in found.items() if check else ():
        _check_channels(name, some)
    return found


def _check_channels(name: str, files: Sequence[Path]) -> None:
    """Refuse a scan whose channels are not numbered 0, 1, 2, .."""
    ends = [_CHANNEL.search(nifti_stem(one)) for one in files]
    if len(files) == 1 and ends[0] is None:
        return
    numbers = [None if end is None else int(end[1]) for end in ends]
    if numbers != list(range(len(files))):
        raise DataError(
            f"{files[0].parent}: the files of {name} are {', '.join(one.name for one in files)}; channels are numbered "
            f"from 0000 on without gaps, such as {name}_0000.nii.gz and {name}_0001.nii.gz: add what is missing, or "
            "rename the files"
        )


def axes_order(given: str, wanted: str) -> list[int]:
    """Find which axis comes at which place when a scan is turned.

    Args:
        given: where its axes point, such as "LPS".
        wanted: where they shall point, such as "RAS".

    Returns:
        For each place the number of the axis.

    Raises:
        DataError: an orientation does not name each of the three directions once.
    """
    if given == wanted:
        return [0, 1, 2]
    sources = _directions(given)
    return [sources.index(aim) for aim in _directions(wanted)]


def turned(values: Array, given: str, wanted: str) -> Array:
    """Turn a scan or mask, so that its last three axes point to other sides. No voxel is computed anew.

    Args:
        values: (..., x, y, z).
        given: where the axes point, such as "LPS".
        wanted: where they shall point, such as "RAS".

    Returns:
        The same voxels in another order; the given array where nothing changes.

    Raises:
        DataError: an orientation does not name each of the three directions once.
    """
    if given == wanted:
        return values
    first, order = values.ndim - 3, axes_order(given, wanted)
    moved = np.transpose(values, (*range(first), *(first + axis for axis in order)))
    flipped = [first + place for place, axis in enumerate(order) if given[axis] != wanted[place]]
    return np.flip(moved, tuple(flipped)) if flipped else moved


def _directions(orientation: str) -> list[int]:
    """The direction of each axis: 0 between left and right, 1 between back and front, 2 between below and above."""
    found = [place for letter in orientation for place, pair in enumerate(_AXES) if letter in pair]
    if sorted(found) != [0, 1, 2]:
        raise DataError(
            f"the axes of a scan point to {orientation or 'unknown sides'}; three axes point to left or right, back or "
            "front, below or above, as in RAS: correct the affine matrix of the file"
        )
    return found


def write_nifti(mask: Array, like: Path, out: Path) -> None:
    """Write a mask with the place of an image.

    Args:
        mask: (...), numbers of classes, with the sides of the image.
        like: the file of the image.
        out: the file to write.

    Raises:
        DataError: nibabel is not installed, or the image is damaged.
    """
    nibabel = _nibabel(like)
    image = nibabel.load(like)
    nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), image.affine), out)


def read_nifti_folder(path: Path) -> Scans:
    """Read all scans of a folder.

    Args:
        path: a folder with imagesTr and labelsTr.

    Returns:
        The scans.

    Raises:
        DataError: an image has no mask, a file is damaged, or the axes of files point to different sides.
    """
    notes: list[str] = []
    parts: dict[PartName, Cases] = {}
    spacings: list[tuple[float, ...]] = []
    orientations: dict[str, str] = {}
    for part, (of_images, of_masks) in _FOLDERS.items():
        if not (path / of_images).is_dir():
            continue
        if not (path / of_masks).is_dir():
            notes.append(f"{of_images} is not read, since there is no {of_masks}")
            continue
        parts[part] = Cases()
        for name, images, mask in _pairs(path / of_images, path / of_masks, notes):
            found = read_nifti_channels(images, f"{path}: {name}")
            read = read_nifti(mask)
            if len(read.values) > 1:
                raise DataError(
                    f"{mask} has {len(read.values)} channels; a mask holds the number of the class of each voxel: of a "
                    "mask for each class (one-hot) write numpy.argmax(mask, axis=-1), with the background first"
                )
            for one in (found, read):
                orientations.setdefault(one.orientation, name)
            parts[part].images.append(found.values)
            parts[part].masks.append(plain_mask(read.values[0], f"{mask}"))
            parts[part].names.append(name)
            spacings.append(found.spacing)
    _check_orientations(path, orientations)
    if len({np.round(one, 3).tobytes() for one in spacings}) > 1:
        low, high = np.min(spacings, 0), np.max(spacings, 0)
        if (high > (1 + _ROUNDING) * low).any():
            notes.append(
                f"spacings differ from scan to scan, {' x '.join(f'{one:.3g}' for one in low)} to "
                f"{' x '.join(f'{one:.3g}' for one in high)} mm; resample them to one, since kernels are in voxels"
            )
    spacing = tuple(float(one) for one in np.median(spacings, 0))
    return Scans(str(path), parts, _classes(path), spacing, next(iter(orientations)), notes=notes)


def _pairs(images: Path, masks: Path, notes: list[str]) -> list[tuple[str, list[Path], Path]]:
    """Each case with the files of its channels and its mask."""
    of_images = {nifti_stem(one): one for one in visible(images.iterdir(), images) if is_nifti(one)}
    of_masks = {nifti_stem(one): one for one in visible(masks.iterdir(), masks) if is_nifti(one)}
    found: list[tuple[str, list[Path], Path]] = []
    used: set[str] = set()
    for name, mask in of_masks.items():
        # A file with the name of a mask is that scan, whatever digits it ends with.
        channels = [name] if name in of_images else []
        if not channels:
            channels = [one for one in of_images if one not in of_masks and _CHANNEL.sub("", one) == name]
        if not channels:
            raise DataError(f"{mask} has no image {name} in {images}; add it, or remove the mask")
        files = [of_images[one] for one in sorted(channels)]
        if channels != [name]:
            _check_channels(name, files)
        used.update(channels)
        found.append((name, files, mask))
    without = sorted(of_images.keys() - used)
    if without:
        shown = f"{', '.join(without[:3])}{', ..' if len(without) > 3 else ''}"
        notes.append(f"not read, since they have no mask in {masks.name}: {shown}")
    if not found:
        raise DataError(f"{masks} holds no NIfTI file; put a mask there for each image of {images.name}")
    return found


def nifti_stem(path: Path) -> str:
    """Take the endings from the name of a NIfTI file.

    Args:
        path: the file.

    Returns:
        Its name without .nii or .nii.gz.
    """
    name = path.name.lower()
    ending = next(one for one in reversed(_ENDINGS) if name.endswith(one))
    return path.name[: -len(ending)]


def _check_orientations(path: Path, found: dict[str, str]) -> None:
    if len(found) > 1:
        (first, one), (second, other) = list(found.items())[:2]
        raise DataError(
            f"{path}: the axes of {one} point to {first} and those of {other} to {second}; bring all files to one "
            "orientation, such as by nibabel.as_closest_canonical"
        )


def _classes(path: Path) -> tuple[str, ...]:
    """The names of the classes in dataset.json, by number or as in nnU-Net by name."""
    file = path / "dataset.json"
    if not file.is_file():
        return ()
    try:
        labels: Any = json.loads(file.read_bytes())["labels"]
        by_number = {int(key): str(value) for key, value in labels.items()} if _numbered(labels) else {}
        if not by_number:
            by_number = {int(value): str(key) for key, value in labels.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} names no classes ({first_line(error)}); write labels as in "
            '{"labels": {"0": "background", "1": "tumour"}}, or remove the file'
        ) from error
    if sorted(by_number) != list(range(len(labels))):
        raise DataError(
            f"{file} names the classes {', '.join(map(str, labels.items()))}; they are numbered 0, 1, 2, .. without "
            "gaps, each once: number the masks so, or remove the file"
        )
    return tuple(by_number[number] for number in sorted(by_number))


def _numbered(labels: Any) -> bool:
    return all(str(key).isdigit() for key in labels)


def _nibabel(path: Path) -> ModuleType:
    try:
        import nibabel
    except ImportError as error:
        raise DataError(f"{path} needs nibabel, which is not installed: pip install 'nas-tune[medical]'") from error
    found: ModuleType = nibabel
    return found
