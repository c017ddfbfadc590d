"""Reading of one long series for forecasts, and its parts by position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from trainables.data.npz import DAMAGE
from trainables.data.numbers import as_float32
from trainables.data.parts import PartName
from trainables.data.signals.settings import SignalSettings
from trainables.data.signals.signal import WindowPart
from trainables.data.tables.reading import read_table
from trainables.errors import DataError, first_line

__all__ = ["read_windows"]

Array = np.ndarray[Any, Any]
_SHOWN = 5


def read_windows(path: Path, settings: SignalSettings, notes: list[str]) -> dict[PartName, WindowPart]:
    """Read a series, and cut it into parts by position: training, validation, test.

    Args:
        path: a `.npy` or `.npz` file of numbers (steps,) or (steps, channels), or a CSV or Parquet file with a row for
            each step.
        settings: the window, the horizon, the column that is predicted, and the shares.
        notes: gets a line for each fact about the columns.

    Returns:
        The windows of each part; no window reaches into another part.

    Raises:
        DataError: the file is damaged, has a gap, or is too short.
    """
    series, names = _read(path, settings, notes)
    predicted = 0
    if settings.target is not None:
        if settings.target not in names:
            raise DataError(f"{path} has no column {settings.target!r} of numbers; it has {', '.join(names)}")
        predicted = names.index(settings.target)
    elif len(names) > 1:
        raise DataError(f"{path} has the columns {', '.join(names)}; give the one that is predicted as target = ..")
    steps = series.shape[1]
    tested = round(settings.test_share * steps)
    held = 0 if settings.whole else round(settings.validation_share * steps)
    ends: dict[PartName, tuple[int, int]] = {"train": (0, steps - tested - held)}
    if held:
        ends["validation"] = (steps - tested - held, steps - tested)
    ends["test"] = (steps - tested, steps)
    window = settings.window or 1
    parts: dict[PartName, WindowPart] = {}
    for part, (first, last) in ends.items():
        piece = torch.from_numpy(np.ascontiguousarray(series[:, first:last]))
        parts[part] = WindowPart(piece, predicted, window, settings.horizon, settings.step)
        if len(parts[part]) < 1 + (part == "train"):
            raise DataError(
                f"{path}: the part for {part} has {last - first} of {steps} steps, and an example takes window + "
                f"horizon = {window + settings.horizon}; give a longer series, or a smaller window"
            )
    if bool((parts["train"].series[predicted] == parts["train"].series[predicted, 0]).all()):
        raise DataError(
            f"{path}: {names[predicted]} is {float(series[predicted, 0]):g} at every step of training; there is "
            "nothing to learn"
        )
    return parts


def _read(path: Path, settings: SignalSettings, notes: list[str]) -> tuple[Array, list[str]]:
    """The series (channels, steps), float32, and the names of the channels."""
    if path.suffix.lower() in (".npy", ".npz"):
        found = _array(path)
        rows = found[:, None] if found.ndim == 1 else found
        names = [str(number) for number in range(rows.shape[1])]
    else:
        frame = read_table(str(path), path, "").parts["train"]
        kept = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
        dropped = [str(name) for name in frame.columns if name not in kept]
        if not kept:
            raise DataError(f"{path} has no column of numbers, only {', '.join(map(str, frame.columns))}")
        if dropped:
            notes.append(f"columns that are not numbers are left out: {', '.join(dropped[:_SHOWN])}")
        names = [str(name) for name in kept]
        rows = np.stack([frame[name].to_numpy(dtype=np.float64) for name in names], axis=1)
    gaps = np.argwhere(~np.isfinite(rows))
    if len(gaps):
        step, channel = gaps[0].tolist()
        raise DataError(
            f"{path}: {names[channel]} is {rows[step, channel]} at step {step} ({len(gaps)} gaps in all); fill them "
            "in, such as by pandas' interpolate()"
        )
    return as_float32(np.ascontiguousarray(rows.T), str(path)), names


def _array(path: Path) -> Array:
    try:
        with path.open("rb") as file:
            found: Any = np.load(file, allow_pickle=False)
            if not isinstance(found, np.ndarray):
                names = list(found.files)
                name = next((one for one in ("x", *names[:1]) if one in names), None)
                if name is None:
                    raise DataError(f"{path} holds no array; write it with numpy.savez")
                found = found[name]
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete file of plain arrays ({first_line(error)}); write it anew"
        ) from error
    if found.ndim not in (1, 2) or found.dtype.kind not in "uif":
        raise DataError(
            f"{path} is {found.dtype} of shape {found.shape}; a series is numbers of shape (steps,) or "
            "(steps, channels)"
        )
    array: Array = found
    return array
