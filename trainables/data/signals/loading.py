"""Loading of signals: read, checked, split, brought to one length, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.chosen import ChosenRows, Rows, as_tensor
from trainables.data.folding import FoldCache, fold_of
from trainables.data.numbers import as_float32
from trainables.data.parts import PARTS, PartName
from trainables.data.pixels import chunks
from trainables.data.signals.noticed import constant_channels, constant_targets, noticed_signals
from trainables.data.signals.recordings import Clips, Recordings, read_recordings
from trainables.data.signals.series import read_windows
from trainables.data.signals.settings import SignalSettings
from trainables.data.signals.signal import SignalData, SignalPart, WindowPart
from trainables.data.signals.spilling import stacked_on_disk
from trainables.data.signals.splitting import split_fold, split_recordings
from trainables.data.streaming import MappedRows, by_threads, why_streamed
from trainables.data.tables.reading import places_of
from trainables.errors import DataError

__all__ = ["described_signals", "kind_of_signals", "load_signals", "signals_checksum"]

Array = np.ndarray[Any, Any]
_SHOWN = 20
_MANY = 2**24
"""Samples of which the statistics are computed a part at a time."""
_ENOUGH = 0.95
"""The share of the training signals that are not cut where no length is given."""


def load_signals(settings: SignalSettings, device: torch.device) -> SignalData:
    """Load signals and keep them for later calls; a change of the settings or files reads them again.

    Args:
        settings: the signals, the target, the length and the split.
        device: where the signals are stored.

    Returns:
        The signals in three parts.

    Raises:
        DataError: the signals are missing, damaged or too few, or have no such target.
    """
    path = _path(settings)
    stamp, place = _stamp(path), str(device)
    if (fold := fold_of(settings)) is None:
        return _load(settings, path, place, stamp)
    key = (replace(settings, fold=None), path, place, stamp)
    return _FOLDS.get(
        key, fold, lambda: _drawn(settings, path, device, stamp), lambda drawn: _of_fold(drawn, settings, path)
    )


def kind_of_signals(settings: SignalSettings) -> str:
    """Decide what is learned; reads the signals unless the settings say it.

    Args:
        settings: the signals and the target.

    Returns:
        "classification" or "regression".
    """
    if settings.kind is not None:
        return settings.kind
    if settings.window is not None:
        return "regression"
    return "classification" if load_signals(settings, torch.device("cpu")).classes else "regression"


def described_signals(settings: SignalSettings) -> list[str]:
    """Describe signals for a person: parts, target, length, and what was noticed.

    Args:
        settings: the signals.

    Returns:
        One line for each fact.
    """
    data = load_signals(settings, torch.device("cpu"))
    what = "windows" if settings.window is not None else "signals"
    counts = [f"{len(data.train)} {what} to train on"]
    for name, part in (("validation", data.validation), ("test", data.test)):
        if len(part):
            counts.append(f"{len(part)} for {name}")
    _, channels, length = data.example().shape
    rate = f" at {data.sample_rate} Hz" if data.sample_rate else ""
    shape = f"{channels} channel{'s' * (channels > 1)} of {length} steps{rate}"
    if data.classes:
        more = ", .." if len(data.classes) > _SHOWN else ""
        learned = f"classification into {len(data.classes)} classes: {', '.join(data.classes[:_SHOWN])}{more}"
    else:
        learned = f"regression of {len(data.target_mean)} number{'s' * (len(data.target_mean) > 1)}"
    return [f"{data.name}: {', '.join(counts)}; {shape}", learned, *data.notes]


def signals_checksum(settings: SignalSettings) -> str:
    """Compute a checksum of the files of the signals.

    Args:
        settings: the signals.

    Returns:
        16 hexadecimal digits.
    """
    path = _path(settings)
    return _checksum(path, _stamp(path))


@lru_cache(maxsize=4)
def _checksum(path: Path, stamp: tuple[object, ...]) -> str:
    found = hashlib.sha256()
    for file in _files(path):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


@lru_cache(maxsize=2)
def _read(settings: SignalSettings, path: Path, stamp: tuple[object, ...]) -> Recordings:
    return read_recordings(path, settings, on_disk=bool(_why_streamed(settings, path)))


@dataclass(frozen=True)
class _Drawn:
    """Signals of one length, and what is known before the target is encoded.

    Attributes:
        clips: the signals by part as they are read.
        waves: the same on the device, (n, channels, length) for each part; a part that is left out has none.
        by_class: whether targets are classes.
        sample_rate: samples a second; None where it is not known.
        notes: for people.
    """

    clips: Mapping[PartName, Clips]
    waves: Mapping[PartName, Rows | MappedRows]
    by_class: bool
    sample_rate: int | None
    notes: Sequence[str]


def _loaded(settings: SignalSettings, path: Path, device: str, stamp: tuple[object, ...]) -> SignalData:
    place = torch.device(device)
    if settings.window is None:
        return _encoded(_drawn(settings, path, place, stamp), path)
    notes: list[str] = []
    windows = read_windows(path, settings, notes)
    empty = WindowPart(windows["train"].series[:, :0], 0, settings.window, settings.horizon, settings.step)
    series = {part: _series_on(windows.get(part, empty), place) for part in PARTS}
    notes += constant_channels(series["train"].waves)
    return _data(str(path), series, (), settings.sample_rate, {}, notes)


def _drawn(settings: SignalSettings, path: Path, device: torch.device, stamp: tuple[object, ...]) -> _Drawn:
    recordings = _read(replace(settings, fold=None), path, stamp)
    notes = list(recordings.notes)
    rate = settings.sample_rate or recordings.sample_rate
    if recordings.sample_rate not in (None, rate):
        raise DataError(
            f"sample_rate is {rate}, and the WAV files of {path} have {recordings.sample_rate} Hz; leave it out"
        )
    by_class = _are_classes(recordings.parts["train"].targets, settings, str(path))
    clips = split_recordings(recordings, settings, notes, by_class=by_class)
    length = settings.length or _length(clips, notes)
    channels = len(clips["train"].waves[0])
    by_part = {part: clips.get(part, Clips()).waves for part in PARTS}
    if why := _why_streamed(settings, path):
        whole = all(one.dtype == np.int16 for some in by_part.values() for one in some)
        streamed = {
            part: stacked_on_disk(
                some, (channels, length), f"{path}, {part}", whole=whole, loaders=settings.loaders
            ).to(device)
            for part, some in by_part.items()
        }
        return _Drawn(clips, streamed, by_class, rate, [*notes, why])
    waves = {part: _stacked(some, channels, length, f"{path}, {part}") for part, some in by_part.items()}
    if len({one.dtype for one in waves.values()}) > 1:
        waves = {part: one.float() for part, one in waves.items()}
    return _Drawn(clips, {part: one.to(device) for part, one in waves.items()}, by_class, rate, notes)


def _why_streamed(settings: SignalSettings, path: Path) -> str:
    """A note for a person; empty where the signals are in memory."""
    if settings.stream is False:
        return ""
    needed = sum(file.stat().st_size for file in _files(path))
    how = by_threads(settings.loaders, "read")
    return why_streamed(needed, settings.stream, how, "the signals", "stream = false reads them before")


def _of_fold(drawn: _Drawn, settings: SignalSettings, path: Path) -> SignalData:
    """The data with a fold for validation, which shares the memory of all others."""
    fold = fold_of(settings)
    if fold is None:
        return _encoded(drawn, path)
    parted = split_fold(drawn.clips["train"], settings, fold, str(path), by_class=drawn.by_class)
    clips = {**drawn.clips, **{part: some for part, (some, _) in parted.items()}}
    whole = drawn.waves["train"]
    waves: dict[PartName, Rows | MappedRows] = {**drawn.waves}
    for part, (_, chosen) in parted.items():
        numbers = torch.from_numpy(chosen).to(whole.device)
        waves[part] = whole[numbers] if isinstance(whole, MappedRows) else ChosenRows(as_tensor(whole), numbers)
    notes = [*drawn.notes, f"the part for validation is {fold}"]
    return _encoded(replace(drawn, clips=clips, waves=waves, notes=notes), path)


def _encoded(drawn: _Drawn, path: Path) -> SignalData:
    """The data with their targets and statistics, and with what is odd about them."""
    classes, targets = _targets(drawn.clips, str(path), by_class=drawn.by_class)
    device, none = drawn.waves["train"].device, targets["train"][:0]
    made = {part: SignalPart(drawn.waves[part], targets.get(part, none).to(device)) for part in PARTS}
    noticed = [*noticed_signals(drawn.clips, classes), *constant_channels(drawn.clips["train"].waves)]
    notes = [*drawn.notes, *noticed]
    return _data(str(path), made, classes, drawn.sample_rate, _groups(drawn.clips, device), notes)


_load, _FOLDS = lru_cache(maxsize=4)(_loaded), FoldCache[_Drawn, SignalData]()


def _data(
    name: str,
    parts: Mapping[PartName, SignalPart] | Mapping[PartName, WindowPart],
    classes: tuple[str, ...],
    rate: int | None,
    groups: Mapping[str, Tensor],
    notes: Sequence[str],
) -> SignalData:
    train = parts["train"]
    if not classes:
        notes = [*notes, *constant_targets(name, train.targets)]
    mean, std = _moments_of_waves(train.waves)
    targets = train.targets.double().T if not classes else torch.zeros((0, 1), dtype=torch.float64)
    target_mean, target_std = _moments(targets.to(mean.device))
    return SignalData(
        name,
        train,
        parts["validation"],
        parts["test"],
        classes=classes,
        sample_rate=rate,
        mean=mean.view(1, -1, 1),
        std=std.view(1, -1, 1),
        target_mean=target_mean,
        target_std=target_std,
        groups=groups,
        notes=tuple(notes),
    )


def _moments_of_waves(waves: Rows | MappedRows) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, a part of the signals at a time where they are many."""
    if waves.shape.numel() <= _MANY:
        whole = waves.index_select(0, torch.arange(len(waves), device=waves.device))
        return _moments(whole.double().transpose(0, 1).flatten(1))
    count = len(waves) * waves.shape[2]
    mean = torch.stack([part.double().sum((0, 2)) for part in chunks(waves)]).sum(0) / count
    squares = [(part.double() - mean.view(-1, 1)).square().sum((0, 2)) for part in chunks(waves)]
    return _scaled(mean, (torch.stack(squares).sum(0) / count).sqrt())


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each row, float32; a constant row has a deviation of 1."""
    if not len(values):
        return torch.empty(0, device=values.device), torch.empty(0, device=values.device)
    return _scaled(values.mean(1), values.std(1, correction=0))


def _scaled(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    std = torch.where(std > 1e-9 * mean.abs(), std, torch.ones_like(std))
    return mean.float(), std.float()


def _are_classes(targets: Sequence[Any], settings: SignalSettings, name: str) -> bool:
    """Whether targets are classes; refuses those that are missing, and what can be neither."""
    for number, target in enumerate(targets):
        if target is None or (isinstance(target, float) and not np.isfinite(target)):
            raise DataError(f"{name}: signal {number} of training has the target {target}; fill it in, or drop the row")
    if settings.kind is not None:
        return settings.kind == "classification"
    return not any(isinstance(target, float | list) for target in targets)


def _targets(
    clips: Mapping[PartName, Clips], name: str, *, by_class: bool
) -> tuple[tuple[str, ...], dict[PartName, Tensor]]:
    if not by_class:
        return (), {part: _numbers(one.targets, f"{name}, {part}") for part, one in clips.items()}
    classes = _sorted({str(target) for target in clips["train"].targets})
    if len(classes) < 2:
        raise DataError(f"{name}: every signal of training has the class {classes[0]!r}; there is nothing to learn")
    places = {title: number for number, title in enumerate(classes)}
    found: dict[PartName, Tensor] = {}
    for part, one in clips.items():
        unknown = next((str(target) for target in one.targets if str(target) not in places), None)
        if unknown is not None:
            raise DataError(
                f"{name}: the part for {part} has the class {unknown!r}, which no training signal has; add some of it, "
                "or leave these signals out"
            )
        found[part] = torch.tensor([places[str(target)] for target in one.targets])
    return classes, found


def _sorted(names: set[str]) -> tuple[str, ...]:
    """Classes in the order of their numbers where all are numbers, else of their texts."""
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names))


def _numbers(targets: Sequence[Any], place: str) -> Tensor:
    try:
        found = np.asarray(targets, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{place}: a target is not a number; a regression needs numbers, equally many for each signal"
        ) from error
    gaps = np.argwhere(~np.isfinite(found))
    if len(gaps):
        raise DataError(f"{place}: the target of signal {gaps[0][0]} is {found[gaps[0][0]]}; fill it in, or drop it")
    return torch.from_numpy(as_float32(found.reshape(len(found), -1), place))


def _length(clips: Mapping[PartName, Clips], notes: list[str]) -> int:
    """The length of all signals, or one that is enough for most of those of training."""
    lengths = [one.shape[1] for some in clips.values() for one in some.waves]
    if min(lengths) == max(lengths):
        return int(lengths[0])
    trained = sorted(one.shape[1] for one in clips["train"].waves)
    length = int(trained[min(len(trained) - 1, int(_ENOUGH * len(trained)))])
    cut = sum(one > length for one in lengths)
    notes.append(
        f"signals have {min(lengths)} to {max(lengths)} steps; {cut} of {len(lengths)} are cut at {length}, shorter "
        "ones are padded with zeros at their end (length = .. sets another one)"
    )
    return length


def _stacked(waves: Sequence[Array], channels: int, length: int, place: str) -> Tensor:
    """All signals at one length, (n, channels, length): int16 where all are, else float32."""
    kind = np.int16 if all(one.dtype == np.int16 for one in waves) else np.float64
    whole = np.zeros((len(waves), channels, length), dtype=kind)
    for number, one in enumerate(waves):
        kept = one[:, :length]
        whole[number, :, : kept.shape[1]] = kept
    return torch.from_numpy(whole if kind == np.int16 else as_float32(whole, place))


def _series_on(part: WindowPart, device: torch.device) -> WindowPart:
    return WindowPart(part.series.to(device), part.predicted, part.window, part.horizon, part.step)


def _groups(clips: Mapping[PartName, Clips], device: torch.device) -> dict[str, Tensor]:
    """Number the groups over all parts."""
    names = sorted({group for some in clips.values() for group in some.groups})
    numbers = {name: number for number, name in enumerate(names)}
    found: dict[str, Tensor] = {}
    for part, some in clips.items():
        if some.groups:
            found[str(part)] = torch.tensor([numbers[group] for group in some.groups], device=device)
    return found


def _path(settings: SignalSettings) -> Path:
    data = settings.data
    if not isinstance(data, str | Path) or not str(data):
        given = "not given" if data is None else f"a {type(data).__name__}"
        raise DataError(f"data is {given}; give the path of an .npz or Parquet file, or of a folder of WAV files")
    tried = places_of(data, settings.root)
    for path in tried:
        if path.exists():
            return path
    raise DataError(f"there are no signals {str(data)!r}: {' or '.join(map(str, tried))} does not exist; correct it")


def _files(path: Path) -> list[Path]:
    return sorted(one for one in path.glob("**/*") if one.is_file()) if path.is_dir() else [path]


def _stamp(path: Path) -> tuple[object, ...]:
    """Sizes and times of the files, which reveal a change."""
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _files(path))
