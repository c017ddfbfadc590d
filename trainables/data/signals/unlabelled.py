"""Signals without targets, as a trained network is asked about them: arrays, WAV files, `.npz` and Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.array_files import array_of
from trainables.data.parquet_columns import PARQUET_ENDINGS, opened
from trainables.data.parts import visible
from trainables.data.signals.recordings import SIGNAL_NAMES, column_of, decoded_samples, is_wav_folder, wave_of
from trainables.errors import DataError

__all__ = ["read_signals"]

Array = np.ndarray[Any, Any]


def read_signals(
    x: Any, shape: Sequence[int], dtype: torch.dtype, *, rate: int | None, signal_column: str | None = None
) -> tuple[Tensor, list[str]]:
    """Read signals, and bring them to the length of the training: the end is cut, or padded with zeros.

    Args:
        x: an array or tensor (n, steps) or (n, channels, steps), or a list of arrays of any lengths; or the path of a
            WAV file, of a folder of them at any depth, of an `.npy` or `.npz` file with such an array, or of a Parquet
            file with a column of signals.
        shape: channels and steps of the signals of the training.
        dtype: of the signals of the training.
        rate: their sample rate; None where it is not known.
        signal_column: the column of Parquet files; None recognises it.

    Returns:
        The signals (n, channels, steps) of that type, and the name of each where they have names.

    Raises:
        DataError: there are none, they are damaged, or their channels or sample rate are not those of the training.
    """
    rates: set[int] = set()
    if isinstance(x, str | Path):
        waves, names, place = _from_files(Path(x), signal_column, rates)
    else:
        waves, names, place = _from_arrays(x, "x"), [], "x"
    if not waves:
        raise DataError(f"{place} holds no signal; give at least one")
    other = sorted(rates - {rate})
    if rate is not None and other:
        raise DataError(
            f"{place} has signals of {other[0]} Hz, and the network was trained at {rate} Hz; resample them"
        )
    whole = np.zeros((len(waves), *shape), dtype=np.float64)
    for number, one in enumerate(waves):
        title = names[number] if names else f"{place}, signal {number}"
        if len(one) != shape[0] or not one.size:
            raise DataError(f"{title} has the shape {one.shape}; the network takes {shape[0]} channels: convert them")
        if one.dtype.kind == "f" and not np.isfinite(one).all():
            raise DataError(f"{title} holds NaN or infinite values; fill them in")
        kept = one[:, : shape[1]]
        whole[number, :, : kept.shape[1]] = kept
    found = torch.from_numpy(whole).to(dtype)
    if not dtype.is_floating_point and not torch.equal(found.double(), torch.from_numpy(whole)):
        raise DataError(
            f"{place} has values that {str(dtype).removeprefix('torch.')} cannot hold, the type of the signals of the "
            "training; scale them alike, such as by x * 32767 where they are between -1 and 1, and round them"
        )
    return found, names


def _from_arrays(x: Any, place: str) -> list[Array]:
    given = x.detach().cpu().numpy() if isinstance(x, Tensor) else x
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "uif" or given.ndim not in (2, 3):
            raise DataError(
                f"{place} is {given.dtype} of shape {given.shape}; signals are numbers of shape (n, steps) or "
                "(n, channels, steps); a single signal is given as x[None]"
            )
        return list(given[:, None] if given.ndim == 2 else given)
    if not isinstance(given, list | tuple):
        raise DataError(f"{place} is a {type(x).__name__}; give an array (n, steps), a list of arrays, or a path")
    return [wave_of(one, f"{place}[{number}]", set()) for number, one in enumerate(given)]


def _from_files(path: Path, signal_column: str | None, rates: set[int]) -> tuple[list[Array], list[str], str]:
    place = str(path)
    if not path.exists():
        raise DataError(f"there is no {path}; correct the path")
    ending = path.suffix.lower()
    if ending in (".npy", ".npz"):
        return _from_arrays(array_of(path, SIGNAL_NAMES, "signals"), place), [], place
    if ending in PARQUET_ENDINGS:
        with opened(path) as file:
            types = {one.name: one.type for one in file.schema_arrow}
            column = column_of(path, signal_column, types)
            cells = file.read(columns=[column])[column].to_pylist()
        names = [f"{path.name}, row {row}" for row in range(len(cells))]
        return [wave_of(cell, name, rates) for cell, name in zip(cells, names, strict=True)], names, place
    if ending == ".wav":
        return [decoded_samples(path.read_bytes(), place, rates)], [path.name], place
    if not is_wav_folder(path):
        raise DataError(
            f"{path} holds no signals; .wav, .npy, .npz and .parquet files and folders of WAV files are read"
        )
    files = visible((one for one in path.glob("**/*") if one.suffix.lower() == ".wav"), path)
    waves = [decoded_samples(one.read_bytes(), str(one), rates) for one in files]
    return waves, [str(one.relative_to(path)) for one in files], place
