"""Reading of signals: `.npz` files, Parquet files, and folders of WAV files, in the parts that they have."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.npz import DAMAGE, mapped_arrays, placed_arrays
from trainables.data.parquet import parquet_files
from trainables.data.parquet_columns import LABEL_NAMES, holds_bytes, is_of_splits, opened
from trainables.data.parts import PartName, part_of, parts_of_files, usual_names, visible
from trainables.data.signals.settings import SignalSettings
from trainables.data.signals.spilling import Spill
from trainables.data.tables.reading import places_of
from trainables.errors import DataError, first_line

__all__ = [
    "SIGNAL_NAMES",
    "Clips",
    "Recordings",
    "column_of",
    "decoded_samples",
    "is_signals",
    "is_wav_folder",
    "read_recordings",
    "wave_of",
]

Array = np.ndarray[Any, Any]
SIGNAL_NAMES = ("audio", "signal", "wave", "waveform", "sound", "x", "series", "values")
_SOUNDS = SIGNAL_NAMES[:5]
_SHORT = {"train": "", "validation": "_val", "test": "_test"}
_ROWS = 1024
"""Rows of a Parquet file that are read at a time."""
_WIDTHS = {1: "u1", 2: "<i2", 4: "<i4"}


@dataclass(frozen=True)
class Clips:
    """Signals of any lengths, with a target each.

    Attributes:
        waves: each (channels, length).
        targets: numbers or texts, one for each signal; rows of numbers where there are several.
        groups: texts; empty without groups.
    """

    waves: list[Array] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recordings:
    """Signals in the parts that their author gave them.

    Attributes:
        name: names the data in messages.
        parts: the signals by part, "train" among them; data without parts are all "train".
        sample_rate: of WAV files; None elsewhere.
        notes: for people.
    """

    name: str
    parts: Mapping[PartName, Clips]
    sample_rate: int | None = None
    notes: Sequence[str] = ()


def is_signals(data: object, root: object) -> bool:
    """Check whether data are signals rather than images, rows or a text. Reads names, types and shapes alone.

    Args:
        data: the data of a search.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        True for a folder with a WAV file at any depth, an `.npz` file whose x has two dimensions, and Parquet files
        with a column of lists, or of bytes under a usual name of sounds.
    """
    if not isinstance(data, str | Path) or not str(data):
        return False
    path = next((place for place in places_of(data, root) if place.exists()), None)
    if path is None:
        return False
    if path.suffix.lower() == ".npz":
        return _dimensions(path) == 2
    if is_wav_folder(path):
        return True
    files = parquet_files(path)
    if not files:
        return False
    with opened(files[0]) as file:
        types = {one.name: one.type for one in file.schema_arrow}
    return any(_holds_signals(kind) and (name in _SOUNDS or not holds_bytes(kind)) for name, kind in types.items())


def is_wav_folder(path: Path) -> bool:
    """Check whether a path is a folder with a WAV file at any depth.

    Args:
        path: the path.

    Returns:
        True for such a folder.
    """
    return path.is_dir() and next(path.glob("**/*.[wW][aA][vV]"), None) is not None


def _dimensions(path: Path) -> int:
    """The dimensions of the array x of a file; 0 where there is none."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("x.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return len(read(file)[0])
    except DAMAGE:
        return 0


def read_recordings(path: Path, settings: SignalSettings, *, on_disk: bool = False) -> Recordings:
    """Read signals in their parts.

    Args:
        path: an `.npz` file, a Parquet file or a folder of them, or a folder of WAV files.
        settings: which columns hold what.
        on_disk: whether the signals stay on the disk.

    Returns:
        The signals.

    Raises:
        DataError: a file is damaged or of no known kind, a column is missing or of a wrong type, or signals differ in
            their channels or sample rates.
    """
    if path.suffix.lower() == ".npz":
        found = _read_npz(path, settings, on_disk=on_disk)
    elif is_wav_folder(path):
        found = _read_folder(path, settings, Spill(on_disk=on_disk))
    else:
        files = parquet_files(path)
        if not files:
            raise DataError(
                f"{path} holds no signals; .npz and Parquet files and folders of WAV files are read, and with "
                "window = .. one long series of a .npy, .npz, CSV or Parquet file"
            )
        found = _read_parquet(path, files, settings, Spill(on_disk=on_disk))
    if "train" not in found.parts:
        raise DataError(f"{path} has no signals for training; rename their part ({usual_names()})")
    _check(found)
    return found


def _read_npz(path: Path, settings: SignalSettings, *, on_disk: bool) -> Recordings:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            placed = placed_arrays(str(path), names, settings.target, "signals")
            of_signals = [name for (kind, _), name in placed.items() if kind == "x"]
            mapped, _ = mapped_arrays(path, of_signals, on_disk, 1, str(path))
            arrays = {place: mapped[name].view() if name in mapped else archive[name] for place, name in placed.items()}
            groups = {part: _groups_of(path, archive, names, settings.validation_groups, part) for _, part in placed}
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete .npz file of plain arrays ({error}); write it with numpy.savez"
        ) from error
    parts: dict[PartName, Clips] = {}
    for kind, part in placed:
        if kind == "y":
            continue
        x, y = arrays["x", part], arrays["y", part]
        place = f"{path}: {placed['x', part]}"
        if x.ndim not in (2, 3) or x.dtype.kind not in "uif":
            raise DataError(
                f"{place} is {x.dtype} of shape {x.shape}; signals are numbers of shape (n, steps) or "
                "(n, channels, steps)"
            )
        if len(x) != len(y):
            raise DataError(f"{place} has {len(x)} signals and {placed['y', part]} {len(y)} targets; give one for each")
        waves = x[:, None] if x.ndim == 2 else x
        parts[part] = Clips(list(waves), y.tolist(), groups[part])
    return Recordings(str(path), parts)


def _groups_of(path: Path, archive: Any, names: list[str], groups: str | None, part: PartName) -> list[str]:
    if groups is None:
        return []
    name = next((one for one in (f"{groups}{_SHORT[part]}", f"{groups}_{part}") if one in names), None)
    if name is None:
        raise DataError(
            f"{path} has no array {groups}{_SHORT[part]}; validation_groups names one with the group of each signal; "
            f"the arrays are {', '.join(names)}"
        )
    return [str(group) for group in archive[name].tolist()]


def _read_parquet(path: Path, files: Sequence[Path], settings: SignalSettings, spill: Spill) -> Recordings:
    with opened(files[0]) as file:
        types = {one.name: one.type for one in file.schema_arrow}
    splits = [name for name in types if name not in (settings.signal_column, settings.target)]
    splits = [name for name in splits if is_of_splits(files, name)]
    if len(splits) > 1:
        raise DataError(f"{path}: the columns {', '.join(splits)} all name parts; keep one of them")
    signal = column_of(path, settings.signal_column, types)
    target = _column(path, "target", settings.target, types, LABEL_NAMES, lambda kind: not _holds_signals(kind))
    wanted = [signal, target, *splits]
    if settings.validation_groups is not None:
        wanted.append(_column(path, "validation_groups", settings.validation_groups, types, (), lambda kind: True))
    notes: list[str] = []
    by_file = parts_of_files(path, files, notes) if path.is_dir() else {files[0]: None}
    parts: dict[PartName, Clips] = {}
    rates: set[int] = set()
    number = 0
    for one in files:
        with opened(one) as file:
            batches = file.iter_batches(_ROWS, columns=list(dict.fromkeys(wanted)))
            for row in (row for batch in batches for row in batch.to_pylist()):
                part = _part_of_row(path, row, splits, number) or by_file[one] or "train"
                clips = parts.setdefault(part, Clips())
                spill.add(clips.waves, wave_of(row[signal], f"{path}: {signal}, row {number}", rates))
                clips.targets.append(row[target])
                if settings.validation_groups is not None:
                    clips.groups.append(_group(row[settings.validation_groups], f"{path}: row {number}"))
                number += 1
    spill.flush()
    return Recordings(str(path), parts, _rate(path, rates), notes)


def _group(value: object, place: str) -> str:
    if value is None:
        raise DataError(f"{place} has no group; fill it in, or drop the row")
    return str(value)


def _part_of_row(path: Path, row: Mapping[str, Any], splits: Sequence[str], number: int) -> PartName | None:
    if not splits:
        return None
    text = row[splits[0]]
    part = part_of(str(text))
    if part is None:
        raise DataError(
            f"{path}: {splits[0]}, row {number} is {text!r}, which is not a part; name one ({usual_names()})"
        )
    return part


def column_of(path: Path, given: str | None, types: Mapping[str, Any]) -> str:
    """Find the column of signals.

    Args:
        path: the Parquet file, for messages.
        given: its name; None recognises it.
        types: the types of all columns, of pyarrow.

    Returns:
        The name.

    Raises:
        DataError: there is none, or it is not clear which one it is.
    """
    return _column(path, "signal_column", given, types, SIGNAL_NAMES, _holds_signals)


def _column(
    path: Path, setting: str, given: str | None, types: Mapping[str, Any], usual: Sequence[str], fits: Any
) -> str:
    if given is not None:
        if given not in types:
            raise DataError(f"{path} has no column {given!r}; its columns are {', '.join(types)}")
        if not fits(types[given]):
            raise DataError(f"{path}: {setting} is {given!r}, which holds {types[given]}; give another column")
        return given
    fitting = [name for name in types if fits(types[name])]
    named = [name for name in usual if name in fitting]
    if not named and not (setting == "signal_column" and len(fitting) == 1):
        raise DataError(f"{path}: none of the columns {', '.join(types)} is clearly the one; give {setting} = <column>")
    return named[0] if named else fitting[0]


def _holds_signals(kind: Any) -> bool:
    from pyarrow import types

    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    if any(is_list(kind) for is_list in lists):
        inner = kind.value_type
        return _holds_signals(inner) or types.is_floating(inner) or types.is_integer(inner)
    return holds_bytes(kind)


def _read_folder(path: Path, settings: SignalSettings, spill: Spill) -> Recordings:
    for name in ("target", "validation_groups", "signal_column"):
        if getattr(settings, name) is not None:
            raise DataError(f"{path} is a folder of WAV files, whose classes are its sub-folders; leave {name} out")
    files = visible((one for one in path.glob("**/*") if one.suffix.lower() == ".wav"), path)
    notes: list[str] = []
    by_file = parts_of_files(path, [one.parent for one in files], notes)
    parts: dict[PartName, Clips] = {}
    rates: set[int] = set()
    for one in files:
        if one.parent == path:
            raise DataError(f"{one} is in no sub-folder; the sub-folders of {path} are the classes of its files")
        clips = parts.setdefault(by_file[one.parent] or "train", Clips())
        spill.add(clips.waves, decoded_samples(one.read_bytes(), str(one), rates))
        clips.targets.append(one.parent.name)
    spill.flush()
    return Recordings(str(path), parts, _rate(path, rates), notes)


def wave_of(value: Any, place: str, rates: set[int]) -> Array:
    """Read one signal.

    Args:
        value: a list of numbers, or one for each channel; the bytes of a WAV file or of 16-bit samples; or a dict with
            such `bytes`.
        place: names it in messages.
        rates: gets the sample rate of a WAV file.

    Returns:
        (channels, length).

    Raises:
        DataError: it is none of these.
    """
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, bytes):
        return decoded_samples(value, place, rates)
    try:
        found = np.array(value)
    except ValueError:
        found = np.array(None)
    if found.ndim not in (1, 2) or found.dtype.kind not in "uif":
        raise DataError(
            f"{place} is not a signal: give a list of numbers, or for each channel one list, all of one length"
        )
    return found.reshape(1, -1) if found.ndim == 1 else found


def decoded_samples(raw: bytes, place: str, rates: set[int]) -> Array:
    """Read the samples of a WAV file, or of bytes that are 16-bit samples (little-endian, one channel).

    Args:
        raw: the bytes.
        place: names them in messages.
        rates: gets the sample rate of a WAV file.

    Returns:
        (channels, length), int16.

    Raises:
        DataError: they are damaged, or samples of another size.
    """
    if not raw.startswith(b"RIFF"):
        if len(raw) % 2:
            raise DataError(
                f"{place} has {len(raw)} bytes; 16-bit samples have an even number: give WAV files or lists"
            )
        return np.frombuffer(raw, dtype="<i2").reshape(1, -1)
    try:
        with wave.open(io.BytesIO(raw)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{place} is not a WAV file of plain samples ({first_line(error)}); convert it") from error
    if width not in _WIDTHS:
        raise DataError(f"{place} has samples of {8 * width} bits; convert it to 16 bits")
    rates.add(rate)
    samples = np.frombuffer(frames, dtype=_WIDTHS[width]).reshape(-1, channels).T
    if width == 1:
        return (samples.astype(np.int16) - 128) * 256
    return samples if width == 2 else (samples / 2**16).astype(np.int16)


def _rate(path: Path, rates: set[int]) -> int | None:
    if len(rates) > 1:
        found = " and ".join(f"{rate} Hz" for rate in sorted(rates))
        raise DataError(f"{path} has signals of {found}; resample all to one rate")
    return rates.pop() if rates else None


def _check(recordings: Recordings) -> None:
    """Refuse signals that are empty, not finite or of different channels, and data that are silent all through."""
    channels = len(recordings.parts["train"].waves[0])
    for part, clips in recordings.parts.items():
        for number, one in enumerate(clips.waves):
            place = f"{recordings.name}, {part}: signal {number}"
            if not one.size:
                raise DataError(f"{place} is empty; leave it out")
            if len(one) != channels:
                raise DataError(
                    f"{place} has {len(one)} channels, and the first of training {channels}; give all signals the "
                    "same number of channels, such as by their mean"
                )
            if one.dtype.kind == "f" and not np.isfinite(one).all():
                step = int(np.argwhere(~np.isfinite(one))[0][1])
                raise DataError(
                    f"{place} is {one[:, step].tolist()} at step {step}; fill it in, or leave the signal out"
                )
    if all((one == one[:, :1]).all() for one in recordings.parts["train"].waves):
        raise DataError(f"{recordings.name}: every signal of training is constant (silence); there is nothing to learn")
