"""Arrays from `.npy` and `.npz` files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.npz import DAMAGE
from trainables.errors import DataError

__all__ = ["array_of", "arrays_of"]

Array = np.ndarray[Any, Any]


def arrays_of(path: Path) -> Array | dict[str, Array]:
    """Read all arrays of a file.

    Args:
        path: an `.npy` or `.npz` file.

    Returns:
        The array of an `.npy` file; those of an `.npz` file by their names.

    Raises:
        DataError: the file is damaged, or holds objects.
    """
    try:
        with path.open("rb") as file:  # closed also where the file is damaged, which numpy leaves open
            found: Any = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            with found as archive:
                return {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete file of plain arrays ({error}); write it with numpy.savez"
        ) from error


def array_of(path: Path, names: Sequence[str], what: str) -> Array:
    """Read one array of a file.

    Args:
        path: an `.npy` or `.npz` file.
        names: those that the array may have in an `.npz` file, the usual ones first. A single array may have any name.
        what: what the array holds, for the message.

    Returns:
        The array.

    Raises:
        DataError: the file is damaged, or none of its arrays has such a name.
    """
    found = arrays_of(path)
    if isinstance(found, np.ndarray):
        return found
    if len(found) == 1:
        return next(iter(found.values()))
    name = next((one for one in names if one in found), None)
    if name is None:
        raise DataError(
            f"{path} holds the arrays {', '.join(found) or 'none'}; give the array of the {what} the name x"
        )
    return found[name]
