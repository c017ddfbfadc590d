"""NIfTI files, read and written by nibabel (`nas-tune[medical]`): images, masks, their spacing and orientation.

A folder has `imagesTr` and `labelsTr`, as in the Medical Segmentation Decathlon; `imagesVal`, `labelsVal`, `imagesTs`
and `labelsTs` are read where both are there. A mask has the name of its image. Images of several channels have four
dimensions, or a file for each channel, `case_0000.nii.gz`, `case_0001.nii.gz`, .., as in nnU-Net. `dataset.json` names
the classes. Voxels stay as they are stored; files whose axes point elsewhere than those of the first are refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from trainables.data.parts import PartName, visible
from trainables.data.volumes.cases import Cases, Scans, plain_mask
from trainables.errors import DataError, first_line

__all__ = ["Nifti", "is_nifti", "is_nifti_folder", "read_nifti", "read_nifti_folder", "write_nifti"]

Array = np.ndarray[Any, Any]
_ENDINGS = (".nii", ".nii.gz")
_FOLDERS: dict[PartName, tuple[str, str]] = {
    "train": ("imagesTr", "labelsTr"),
    "validation": ("imagesVal", "labelsVal"),
    "test": ("imagesTs", "labelsTs"),
}
_ROUNDING = 0.05


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
    try:
        loaded = nibabel.load(path)
        values = np.asanyarray(loaded.dataobj)
        zooms = loaded.header.get_zooms()
        codes = nibabel.aff2axcodes(loaded.affine)
    except (OSError, ValueError, EOFError, KeyError, TypeError, nibabel.filebasedimages.ImageFileError) as error:
        raise DataError(f"{path} is not a complete NIfTI file ({first_line(error)}); write it again") from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim not in (3, 4):
        raise DataError(f"{path} has the shape {values.shape}; a volume has three sides, and channels behind them")
    values = values[None] if values.ndim == 3 else np.moveaxis(values, 3, 0)
    spacing = tuple(float(one) for one in zooms[:3])
    return Nifti(values, spacing, "".join(one or "?" for one in codes), np.asarray(loaded.affine))


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
            found = [read_nifti(one) for one in images]
            read = read_nifti(mask)
            for one in (*found, read):
                orientations.setdefault(one.orientation, name)
            values = [one.values for one in found]
            if len({one.shape for one in values}) > 1:
                shapes = " and ".join(str(one.shape[1:]) for one in values)
                raise DataError(f"{path}: the channels of {name} have the shapes {shapes}; resample them to one")
            parts[part].images.append(np.concatenate(values))
            parts[part].masks.append(plain_mask(read.values[0], f"{mask}"))
            parts[part].names.append(name)
            spacings.append(found[0].spacing)
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
    of_images = {_stem(one): one for one in visible(images.iterdir(), images) if is_nifti(one)}
    found: list[tuple[str, list[Path], Path]] = []
    used: set[str] = set()
    for mask in visible(masks.iterdir(), masks):
        if not is_nifti(mask):
            continue
        name = _stem(mask)
        channels = [one for one in of_images if one == name or (one[:-5] == name and one[-5] == "_")]
        if not channels:
            raise DataError(f"{mask} has no image {name} in {images}; add it, or remove the mask")
        used.update(channels)
        found.append((name, [of_images[one] for one in sorted(channels)], mask))
    without = sorted(of_images.keys() - used)
    if without:
        shown = f"{', '.join(without[:3])}{', ..' if len(without) > 3 else ''}"
        notes.append(f"not read, since they have no mask in {masks.name}: {shown}")
    if not found:
        raise DataError(f"{masks} holds no NIfTI file; put a mask there for each image of {images.name}")
    return found


def _stem(path: Path) -> str:
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
