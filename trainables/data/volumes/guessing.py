"""Whether data are scans with masks, by the shapes of their arrays or the names of their folders alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from trainables.data.npz import DAMAGE
from trainables.data.tables.reading import places_of
from trainables.data.volumes.blobs import BLOBS
from trainables.data.volumes.nifti import is_nifti_folder

__all__ = ["holds_masks", "sides_of_masks"]


def holds_masks(data: object, root: object) -> bool:
    """Check whether data are scans with masks. Reads no values.

    Args:
        data: the data of a search.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        True for data that are drawn, for an `.npz` file whose y has three or four dimensions, and for a folder with
        imagesTr and labelsTr.
    """
    return sides_of_masks(data, root) in (2, 3)


def sides_of_masks(data: object, root: object) -> int:
    """Count the sides of the masks of data. Reads no values.

    Args:
        data: the data of a search.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        3 of volumes, 2 of images; another number where the data are not there, or have no masks.
    """
    if isinstance(data, str) and data in BLOBS:
        return BLOBS[data]
    if not isinstance(data, str | Path) or not str(data):
        return 0
    path = next((place for place in places_of(data, root) if place.exists()), None)
    if path is None:
        return 0
    if path.suffix.lower() != ".npz":
        return 3 if is_nifti_folder(path) else 0
    return _dimensions(path) - 1


def _dimensions(path: Path) -> int:
    """The dimensions of the array of masks of a file; 0 where there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next((one for one in ("y.npy", "y_train.npy", "labels.npy") if one in archive.namelist()), None)
            if name is None:
                return 0
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                return len(read(file)[0])
    except DAMAGE:
        return 0
