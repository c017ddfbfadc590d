"""Examples of data sets that do not fit into memory: each is read once, and written into an `.npz` file.

The file is that of examples that fit: equal values have one name, and whatever reads the one reads the other.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from trainables.data.objects.arrays import Array, input_array, targets_of
from trainables.data.objects.examples import Examples
from trainables.data.objects.size import check_disk
from trainables.data.parts import PartName
from trainables.drafts import draft_folder
from trainables.errors import DataError
from trainables.kept_data import DATA_FOLDER, new_file

__all__ = ["SHORT", "input_of", "write_examples"]

SHORT: Mapping[PartName, str] = {"train": "", "validation": "_val", "test": "_test"}
"""The ends of the names of the arrays of a part."""


def input_of(value: Any, place: str, resize: int | None) -> Array:
    """Convert the input of an example.

    Args:
        value: an array, a tensor, an image, or a list of numbers.
        place: names it in messages.
        resize: the side in pixels to which images are scaled and cut; None takes them as they are.

    Returns:
        An array of plain values.

    Raises:
        DataError: it cannot be converted.
    """
    return np.ascontiguousarray(input_array([value], place, resize)[0])


def write_examples(parts: Mapping[PartName, Examples], resize: int | None) -> str:
    """Write examples into a file of this process. Memory holds one input at a time, and all targets.

    Args:
        parts: the examples by part, "train" among them.
        resize: as for `input_of`.

    Returns:
        The name of the file, which tells its content.

    Raises:
        DataError: an example is no pair, inputs differ in shape or type, or the disk is too small.
    """
    folder, train = new_file(DATA_FOLDER), parts["train"]
    folder.mkdir(exist_ok=True)
    first = input_of(train.first()[0], train.place, resize)
    check_disk(first.nbytes * sum(map(len, parts.values())), folder, train.place)
    with draft_folder(folder, "examples") as draft:
        name = f"{DATA_FOLDER}/{_written(parts, resize, draft / 'examples.npz')}.npz"
        (draft / "examples.npz").replace(new_file(name))
    return name


def _written(parts: Mapping[PartName, Examples], resize: int | None, file: Path) -> str:
    """The checksum of the arrays, which is that of `keep` for arrays in memory."""
    digest = hashlib.sha256()
    targets: dict[str, Array] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for part in sorted(parts, key=lambda one: SHORT[one]):
            given = _write_inputs(archive, f"x{SHORT[part]}", parts[part], resize, digest)
            targets[f"y{SHORT[part]}"] = targets_of(given, f"the targets of {parts[part].place}")
        for name, array in targets.items():
            digest.update(repr((name, array.dtype.str, array.shape)).encode())
            digest.update(array.tobytes())
            with archive.open(f"{name}.npy", "w", force_zip64=True) as opened:
                npy.write_array(opened, array, allow_pickle=False)
    return digest.hexdigest()[:16]


def _write_inputs(
    archive: zipfile.ZipFile, name: str, examples: Examples, resize: int | None, digest: Any
) -> list[Any]:
    """Write the inputs of a part, and return its targets."""
    place = f"the inputs of {examples.place}"
    first = input_of(examples.first()[0], f"{place}, number 0", resize)
    shape = (len(examples), *first.shape)
    digest.update(repr((name, first.dtype.str, shape)).encode())
    targets = []
    with archive.open(f"{name}.npy", "w", force_zip64=True) as opened:
        header = {"descr": npy.dtype_to_descr(first.dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(opened, header)
        for row, (value, target) in enumerate(examples.pairs()):
            array = input_of(value, f"{place}, number {row}", resize)
            if array.shape != first.shape or array.dtype != first.dtype:
                raise DataError(
                    f"{place}: number {row} is {array.dtype} of shape {array.shape}, the first {first.dtype} of "
                    f"{first.shape}; they must be of one shape and type: for images give resize=<side in pixels>"
                )
            content = array.tobytes()
            digest.update(content)
            opened.write(content)
            targets.append(target)
    return targets
