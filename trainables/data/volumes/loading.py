"""Loading of scans with masks: read, checked, brought to one size, split, and kept for later calls in this process."""

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

from trainables.data.chosen import ChosenRows, Rows
from trainables.data.folding import FoldCache, fold_of
from trainables.data.grouped import numbered_groups
from trainables.data.numbers import as_float32
from trainables.data.parts import PARTS, PartName, visible
from trainables.data.tables.reading import places_of
from trainables.data.volumes.blobs import BLOBS
from trainables.data.volumes.cases import Cases, Scans, checked
from trainables.data.volumes.reading import read_scans
from trainables.data.volumes.scans import PatchPart, VolumeData, VolumePart, moments_of
from trainables.data.volumes.settings import VolumeSettings
from trainables.data.volumes.splitting import split_cases, split_fold
from trainables.errors import DataError

__all__ = ["class_names", "described_volumes", "load_volumes", "volumes_checksum"]

Array = np.ndarray[Any, Any]
_HALVINGS = (2, 3, 4, 5)


def load_volumes(settings: VolumeSettings, device: torch.device) -> VolumeData:
    """Load scans and keep them for later calls; a change of the settings or files reads them again.

    Args:
        settings: the scans, their windows and the split.
        device: where the scans are stored.

    Returns:
        The scans in three parts.

    Raises:
        DataError: the scans are missing, damaged or too few, or do not fit their masks.
    """
    path = _path(settings)
    stamp = _stamp(path)
    if (fold := fold_of(settings)) is None:
        return _load(settings, path, str(device), stamp)
    key = (replace(settings, fold=None), path, str(device), stamp)
    return _FOLDS.get(key, fold, lambda: _drawn(settings, path, device, stamp), lambda drawn: _of_fold(drawn, settings))


def class_names(settings: VolumeSettings) -> tuple[str, ...]:
    """Find the names of the classes; reads the scans unless the settings name them.

    Args:
        settings: the scans.

    Returns:
        The names, the background first.
    """
    if settings.classes is not None:
        return tuple(settings.classes)
    return load_volumes(settings, torch.device("cpu")).classes


def described_volumes(settings: VolumeSettings) -> list[str]:
    """Describe scans for a person: parts, sides, classes, and what was noticed.

    Args:
        settings: the scans.

    Returns:
        One line for each fact.
    """
    data = load_volumes(settings, torch.device("cpu"))
    what = "volumes" if data.dimensions == 3 else "images"
    train = data.train.whole if isinstance(data.train, PatchPart) else data.train
    counts = [f"{len(train)} {what} to train on"]
    if isinstance(data.train, PatchPart):
        counts[0] += f" ({len(data.train)} windows of {_times(data.train.patch)})"
    for name, part in (("validation", data.validation), ("test", data.test)):
        if len(part):
            counts.append(f"{len(part)} for {name}")
    channels = data.test.images.shape[1]
    shape = f"{channels} channel{'s' * (channels > 1)} of {_times(data.sides)} {_units(data)}"
    shares = np.bincount(_all_masks(train).numpy().ravel(), minlength=len(data.classes)) / max(
        1, _all_masks(train).numel()
    )
    listed = ", ".join(f"{name} {share:.2%}" for name, share in zip(data.classes, shares, strict=True))
    lines = [f"{data.name}: {', '.join(counts)}; {shape}", f"segmentation into {len(data.classes)} classes: {listed}"]
    return [*lines, *data.notes]


def volumes_checksum(settings: VolumeSettings) -> str:
    """Compute a checksum of the scans.

    Args:
        settings: the scans.

    Returns:
        16 hexadecimal digits.
    """
    path = _path(settings)
    return hashlib.sha256(str(settings.data).encode()).hexdigest()[:16] if path is None else _sum(path, _stamp(path))


@lru_cache(maxsize=4)
def _sum(path: Path, stamp: tuple[object, ...]) -> str:
    found = hashlib.sha256()
    for file in _files(path):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


@dataclass(frozen=True)
class _Drawn:
    """Scans of one size, before training scans decide anything.

    Attributes:
        scans: as they are read, in parts.
        cases: by part.
        images: by part, on the device.
        masks: by part, on the device.
        classes: their names.
        notes: for people.
    """

    scans: Scans
    cases: Mapping[PartName, Cases]
    images: Mapping[PartName, Rows]
    masks: Mapping[PartName, Rows]
    classes: tuple[str, ...]
    notes: Sequence[str]


def _loaded(settings: VolumeSettings, path: Path | None, device: str, stamp: tuple[object, ...]) -> VolumeData:
    return _made(_drawn(settings, path, torch.device(device), stamp), settings)


@lru_cache(maxsize=2)
def _read(data: str, groups: str | None, path: Path | None, stamp: tuple[object, ...]) -> Scans:
    return read_scans(VolumeSettings(data=data, validation_groups=groups), path)


def _drawn(settings: VolumeSettings, path: Path | None, device: torch.device, stamp: tuple[object, ...]) -> _Drawn:
    scans = _read(str(settings.data), settings.validation_groups, path, stamp)
    if scans.groups:
        numbered_groups({part: cases.groups for part, cases in scans.parts.items()}, scans.groups, scans.name)
    classes, notes = checked(scans, settings.classes)
    notes = [*scans.notes, *notes]
    cases = split_cases(scans, settings)
    notes += _of_split(cases, classes)
    sides = _sides(scans, notes)
    _check_window(settings, sides, scans.name)
    kind = _kind(scans)
    images: dict[PartName, Rows] = {}
    masks: dict[PartName, Rows] = {}
    channels = len(scans.parts["train"].images[0])
    for part in PARTS:
        some = cases.get(part, Cases())
        images[part] = _stacked(some.images, (channels, *sides), kind, f"{scans.name}, {part}").to(device)
        masks[part] = _stacked([one[None] for one in some.masks], (1, *sides), np.uint8, scans.name)[:, 0].to(device)
    return _Drawn(scans, cases, images, masks, classes, notes)


def _of_fold(drawn: _Drawn, settings: VolumeSettings) -> VolumeData:
    """The data with a fold for validation, which shares the memory of all others."""
    fold = fold_of(settings)
    if fold is None:
        return _made(drawn, settings)
    parted = split_fold(drawn.cases["train"], settings, fold, drawn.scans.name)
    cases = {**drawn.cases, **{part: some for part, (some, _) in parted.items()}}
    images: dict[PartName, Rows] = {**drawn.images}
    masks: dict[PartName, Rows] = {**drawn.masks}
    for part, (_, numbers) in parted.items():
        for held, all_of in ((images, drawn.images["train"]), (masks, drawn.masks["train"])):
            if isinstance(all_of, Tensor):
                held[part] = ChosenRows(all_of, torch.from_numpy(numbers).to(all_of.device))
    notes = [*drawn.notes, f"the part for validation is {fold}"]
    return _made(replace(drawn, cases=cases, images=images, masks=masks, notes=notes), settings)


_load, _FOLDS = lru_cache(maxsize=4)(_loaded), FoldCache[_Drawn, VolumeData]()


def _made(drawn: _Drawn, settings: VolumeSettings) -> VolumeData:
    """The data with what the training scans decide."""
    parts = {}
    for part in PARTS:
        names = drawn.cases[part].names if part in drawn.cases else ()
        parts[part] = VolumePart(drawn.images[part], drawn.masks[part], tuple(names))
    whole = parts["train"]
    window = _window(settings.patch, tuple(whole.images.shape[2:]))
    mean, std = moments_of(whole.images) if settings.intensity == "data" else (None, None)
    groups = {part: cases.groups for part, cases in drawn.cases.items() if drawn.scans.groups}
    codes = numbered_groups(groups, drawn.scans.groups, drawn.scans.name)
    return VolumeData(
        drawn.scans.name,
        whole if window is None else PatchPart(whole, window),
        parts["validation"],
        parts["test"],
        drawn.classes,
        mean,
        std,
        window,
        drawn.scans.spacing,
        drawn.scans.orientation,
        {part: codes[part].to(whole.images.device) for part in codes},
        (*drawn.notes, *_of_levels(window or tuple(whole.images.shape[2:]))),
    )


def _of_split(cases: Mapping[PartName, Cases], classes: Sequence[str]) -> list[str]:
    """A note on classes that no training scan has after a split at random; other scans are measured by them."""
    seen = np.zeros(len(classes), dtype=bool)
    for mask in cases["train"].masks:
        seen[np.unique(mask)] = True
    lacking = [name for name, there in zip(classes, seen, strict=True) if not there]
    if not lacking:
        return []
    return [
        f"no training scan of this split has {', '.join(lacking)}, so that it cannot be learned; give another seed or "
        "split, or more scans with it"
    ]


def _sides(scans: Scans, notes: list[str]) -> tuple[int, ...]:
    """The sides of a field that holds every scan."""
    shapes = [image.shape[1:] for cases in scans.parts.values() for image in cases.images]
    most = tuple(int(one) for one in np.max(shapes, 0))
    if len({*shapes}) > 1:
        least = tuple(int(one) for one in np.min(shapes, 0))
        notes.append(
            f"scans have from {_times(least)} to {_times(most)} voxels; smaller ones are centred in {_times(most)}, "
            "with their least value around them"
        )
    return most


def _check_window(settings: VolumeSettings, sides: tuple[int, ...], name: str) -> None:
    if isinstance(settings.patch, tuple) and len(settings.patch) != len(sides):
        raise DataError(
            f"patch is {settings.patch}, and {name} has scans of {_times(sides)}; give one number, or one for each side"
        )


def _window(patch: int | Sequence[int] | None, sides: tuple[int, ...]) -> tuple[int, ...] | None:
    """The sides of a window; None where no scan is larger along any side."""
    if patch is None:
        return None
    wanted = (patch,) * len(sides) if isinstance(patch, int) else tuple(patch)
    window = tuple(min(one, side) for one, side in zip(wanted, sides, strict=True))
    return None if window == sides else window


def _kind(scans: Scans) -> Any:
    """The type of all images: uint8 or int16 where all values are such, else float32."""
    kinds = {image.dtype for cases in scans.parts.values() for image in cases.images}
    if kinds <= {np.dtype(np.uint8), np.dtype(np.bool_)}:
        return np.uint8
    return np.int16 if kinds <= {np.dtype(np.uint8), np.dtype(np.int8), np.dtype(np.int16)} else np.float32


def _stacked(arrays: Sequence[Array], shape: tuple[int, ...], kind: Any, place: str) -> Tensor:
    """All arrays in the middle of a field of one size, with their least value around them."""
    whole = np.zeros((len(arrays), *shape), dtype=kind)
    for number, array in enumerate(arrays):
        plain = as_float32(array, f"{place}, scan {number}") if kind == np.float32 else array
        if plain.shape == shape:
            whole[number] = plain
            continue
        whole[number] = plain.min()
        places = [
            slice((side - own) // 2, (side - own) // 2 + own) for side, own in zip(shape, plain.shape, strict=True)
        ]
        whole[number][tuple(places)] = plain
    return torch.from_numpy(whole)


def _of_levels(sides: tuple[int, ...]) -> list[str]:
    """A note on networks that pad scans of these sides inside."""
    for halvings in _HALVINGS:
        if any(side % 2**halvings for side in sides):
            return [
                f"{_times(sides)} cannot be halved {halvings} times without a rest; networks that do so pad scans with "
                "zeros inside, and cut what they return"
            ]
    return []


def _all_masks(part: VolumePart) -> Tensor:
    index = torch.arange(len(part), device=part.masks.device)
    return part.masks.index_select(0, index)


def _times(sides: Sequence[int]) -> str:
    return " x ".join(str(one) for one in sides)


def _units(data: VolumeData) -> str:
    return "voxels" if data.dimensions == 3 else "pixels"


def _path(settings: VolumeSettings) -> Path | None:
    """The file or folder; None for data that are drawn."""
    data = settings.data
    if isinstance(data, str) and data in BLOBS:
        return None
    places = places_of(data, settings.root)
    found = next((place for place in places if place.exists()), None)
    if found is None:
        said = " or ".join(str(place) for place in places[:2])
        raise DataError(f"there are no scans {said}; correct data or data_root, or take {' or '.join(BLOBS)}")
    return found


def _files(path: Path) -> list[Path]:
    return visible((one for one in path.glob("**/*") if one.is_file()), path) if path.is_dir() else [path]


def _stamp(path: Path | None) -> tuple[object, ...]:
    """What changes with the files."""
    if path is None:
        return ()
    return tuple((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in _files(path))
