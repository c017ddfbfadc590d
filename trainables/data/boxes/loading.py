"""Loading of images with boxes: read, checked, brought to one size, split, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from trainables.data.boxes.annotated import Annotations, numbered
from trainables.data.boxes.box_data import BoxData, BoxPart
from trainables.data.boxes.coco import coco_files, read_coco
from trainables.data.boxes.decoding import Numbers, decoded_parts, frame_of, shapes_in_frames
from trainables.data.boxes.grouping import GROUP, is_pattern, numbers_of_groups
from trainables.data.boxes.parquet import has_boxes, read_parquet
from trainables.data.boxes.settings import SHAPES, BoxSettings
from trainables.data.boxes.shapes import CLASSES
from trainables.data.boxes.splitting import split_fold, split_parts
from trainables.data.boxes.voc import read_voc, voc_files
from trainables.data.boxes.yolo import read_yolo, yolo_files
from trainables.data.folding import FoldCache, fold_of
from trainables.data.parquet import parquet_files
from trainables.data.parts import PARTS, PartName
from trainables.data.pixels import Images, chunks, digests
from trainables.data.streaming import StreamedImages
from trainables.data.tables.reading import places_of
from trainables.errors import DataError

__all__ = ["box_checksum", "box_classes", "described_boxes", "fitting_frame", "is_boxes", "load_boxes"]


def load_boxes(settings: BoxSettings, device: torch.device) -> BoxData:
    """Load images with boxes and keep them for later calls; a change of the settings or files reads them again.

    Args:
        settings: the images, their size, and how they are split.
        device: where they are stored.

    Returns:
        The images in three parts.

    Raises:
        DataError: the data are missing, damaged or too few, or a box breaks a rule.
    """
    stamp = _stamp(settings)
    if (fold := fold_of(settings)) is None:
        return _loaded(settings, str(device), stamp)
    key = (replace(settings, fold=None), str(device), stamp)
    return _FOLDS.get(key, fold, lambda: _drawn(settings, str(device), stamp), lambda drawn: _of_fold(drawn, settings))


def box_classes(settings: BoxSettings) -> tuple[str, ...]:
    """Name the classes of the data; decodes no image.

    Args:
        settings: the data.

    Returns:
        The names in the order of their numbers.

    Raises:
        DataError: the data are missing or damaged.
    """
    return CLASSES if settings.data == SHAPES else _read(_of_files(settings), _stamp(settings))[1]


def is_boxes(data: object, root: object) -> bool:
    """Check whether data are images with boxes. Reads no image.

    Args:
        data: the data of a search.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        True for "shapes", and for what `BoxSettings.data` can name.
    """
    if data == SHAPES:
        return True
    if not isinstance(data, str | Path) or not str(data):
        return False
    path = next((place for place in places_of(data, root) if place.exists()), None)
    return path is not None and _reader(path) is not None


def fitting_frame(settings: BoxSettings) -> tuple[int, int] | None:
    """Propose the height and width to which images are brought; reads headers alone.

    Args:
        settings: the data.

    Returns:
        About those of most images, at most 320 pixels; None where all images have one size that is no larger.

    Raises:
        DataError: the data are missing or damaged.
    """
    if settings.data == SHAPES:
        return None
    found, _, _ = _read(_of_files(settings), _stamp(settings))
    return frame_of(found)


def described_boxes(settings: BoxSettings) -> list[str]:
    """Describe images with boxes for a person.

    Args:
        settings: the data.

    Returns:
        One line for each fact: the parts, the classes with the number of their boxes, and what was noticed.
    """
    data = load_boxes(settings, torch.device("cpu"))
    counts = [f"{len(data.train)} images to train on"]
    for name, part in (("validation", data.validation), ("test", data.test)):
        if len(part):
            counts.append(f"{len(part)} for {name}")
    height, width = data.image_size
    channels = data.train.images.shape[1]
    boxes = torch.bincount(data.train.labels[data.train.labels >= 0], minlength=len(data.classes)).tolist()
    named = [f"{name} {count:,}" for name, count in zip(data.classes, boxes, strict=True)]
    return [
        f"{data.name}: {', '.join(counts)}; {width} x {height} pixels, {channels} channel{'s' * (channels > 1)}",
        f"boxes to train on: {', '.join(named)}",
        *data.notes,
    ]


def box_checksum(settings: BoxSettings) -> str:
    """Compute a checksum of all images and boxes, however they are split.

    Args:
        settings: the data.

    Returns:
        16 hexadecimal digits.
    """
    found = hashlib.sha256()
    if settings.data == SHAPES:
        data = load_boxes(settings, torch.device("cpu"))
        parts = (data.train, data.validation, data.test)
        sources = [image.numpy().tobytes() for part in parts for chunk in chunks(part.images) for image in chunk]
    else:
        annotations, classes, numbers = _read(_of_files(settings), _stamp(settings))
        sources = [repr(classes).encode()]
        for part, some in annotations.parts.items():
            for one, labels in zip(some, numbers[part], strict=True):
                content = one.source if isinstance(one.source, bytes) else one.source.read_bytes()
                sources.append(content + repr((one.boxes, labels)).encode())
    for digest in sorted(hashlib.sha256(one).digest() for one in sources):
        found.update(digest)
    return found.hexdigest()[:16]


def _reader(path: Path) -> Callable[[Path, BoxSettings], Annotations] | None:
    """What reads a path; None where it has no boxes."""
    if has_boxes(path):
        return read_parquet
    if coco_files(path):
        return _coco
    if voc_files(path):
        return lambda place, settings: read_voc(_without_groups(place, settings))
    if yolo_files(path):
        return lambda place, settings: read_yolo(_without_groups(place, settings))
    return None


def _coco(path: Path, settings: BoxSettings) -> Annotations:
    groups = settings.validation_groups
    return read_coco(path, None if is_pattern(groups) else groups)


def _without_groups(path: Path, settings: BoxSettings) -> Path:
    """A path whose files name no groups inside."""
    groups = settings.validation_groups
    if groups is not None and not is_pattern(groups):
        raise DataError(
            f"validation_groups is {groups!r}, and the files of {path} name no groups; give a pattern of the names of "
            f"its images, such as '{GROUP}_*' or '{GROUP}/*'"
        )
    return path


def _of_files(settings: BoxSettings) -> BoxSettings:
    """The settings by which files are read, with the defaults of those by which images are parted and decoded."""
    names = ("data", "root", "image_column", "box_column", "label_column", "box_format", "validation_groups")
    return BoxSettings(**{name: getattr(settings, name) for name in names})


def _path(settings: BoxSettings) -> Path:
    tried = places_of(settings.data, settings.root)
    for path in tried:
        if path.exists():
            return path
    raise DataError(
        f"there are no data {settings.data!r}: {' or '.join(map(str, tried))} does not exist; correct the path, or "
        f"give {SHAPES!r}"
    )


def _stamp(settings: BoxSettings) -> tuple[object, ...]:
    """Sizes and times of the files, which reveal a change."""
    if settings.data == SHAPES:
        if settings.validation_groups is not None:
            raise DataError(
                f"validation_groups is {settings.validation_groups!r}, and the images of {SHAPES!r} have no groups; "
                "leave it out"
            )
        return ()
    path = _path(settings)
    files = sorted(one for one in path.glob("**/*") if one.is_file()) if path.is_dir() else [path]
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)


@lru_cache(maxsize=2)
def _read(settings: BoxSettings, stamp: tuple[object, ...]) -> tuple[Annotations, tuple[str, ...], Numbers]:
    path = _path(settings)
    read = _reader(path)
    if read is None and parquet_files(path):
        read = read_parquet  # Its message names the column that is missing.
    if read is None:
        raise DataError(
            f"{path} holds no images with boxes; give Parquet files with the columns image, boxes and labels, a "
            "file or folder in the form of COCO, a folder in the form of Pascal VOC, or one in the form of YOLO with "
            "images and labels"
        )
    found = read(path, settings)
    classes, numbers = numbered(found)
    return found, classes, numbers


@dataclass(frozen=True)
class _Drawn:
    """Images before a fold is chosen: those for validation are among those for training."""

    parts: Mapping[PartName, BoxPart]
    groups: Mapping[str, Tensor]
    classes: tuple[str, ...]
    notes: Sequence[str]


def _drawn(settings: BoxSettings, device: str, stamp: tuple[object, ...]) -> _Drawn:
    notes: list[str] = []
    classes: tuple[str, ...] = CLASSES
    groups: Mapping[str, Tensor] = {}
    if settings.data == SHAPES:
        parts = shapes_in_frames(settings.frame)
    else:
        annotations, classes, numbers = _read(_of_files(settings), stamp)
        notes += annotations.notes
        groups = numbers_of_groups(annotations, settings.validation_groups)
        parts = decoded_parts(annotations, numbers, settings, notes)
    split, codes = split_parts(parts, groups, settings)
    place = torch.device(device)
    moved = {part: one.to(place) for part, one in split.items()}
    return _Drawn(moved, {part: one.to(place) for part, one in codes.items()}, tuple(classes), notes)


@lru_cache(maxsize=4)
def _loaded(settings: BoxSettings, device: str, stamp: tuple[object, ...]) -> BoxData:
    return _made(_drawn(settings, device, stamp), settings)


def _of_fold(drawn: _Drawn, settings: BoxSettings) -> BoxData:
    """The data with a fold for validation, which shares the memory of all others."""
    fold = fold_of(settings)
    if fold is None:
        return _made(drawn, settings)
    parts, groups = split_fold(drawn.parts, drawn.groups, drawn.classes, settings, fold)
    notes = [*drawn.notes, f"the part for validation is {fold}"]
    return _made(replace(drawn, parts=parts, groups=groups, notes=notes), settings)


_FOLDS = FoldCache[_Drawn, BoxData]()


def _made(drawn: _Drawn, settings: BoxSettings) -> BoxData:
    """The data with what the training images decide."""
    parts = drawn.parts
    if not bool((parts["train"].labels >= 0).any()):
        raise DataError(f"{settings.data}: no image for training has a box; add boxes, or set another data_seed")
    mean, std = _moments(parts["train"].images)
    return BoxData(
        settings.data,
        parts["train"],
        parts["validation"],
        parts["test"],
        drawn.classes,
        mean.to(parts["train"].images.device),
        std.to(parts["train"].images.device),
        (*drawn.notes, *_noticed(parts, drawn.classes)),
        drawn.groups,
    )


def _noticed(parts: Mapping[PartName, BoxPart], classes: Sequence[str]) -> list[str]:
    """What is odd about the parts: classes that one lacks, images without boxes, copies."""
    notes = []
    seen: set[bytes] = set()
    for name in PARTS:
        part = parts[name]
        if not len(part):
            continue
        sums = digests(part.images)
        copies = 0 if name == "train" else sum(one in seen for one in sums)
        seen |= set(sums) if name == "train" else set()
        counts = torch.bincount(part.labels[part.labels >= 0], minlength=len(classes))
        absent = [classes[number] for number in (counts == 0).nonzero().flatten().tolist()]
        if absent:
            notes.append(
                f"warning: no {name} image has a box of {', '.join(absent[:20])}; its average precision is absent"
            )
        empty = int((part.labels < 0).all(1).sum())
        if empty:
            notes.append(f"{empty} of {len(part)} {name} images have no box; in them everything found is wrong")
        if copies:
            notes.append(f"warning: {copies} of {len(part)} {name} images equal a training image; remove the copies")
    return notes


def _moments(images: Images) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (1, c, 1, 1)."""
    total, squares = torch.zeros(images.shape[1]).double(), torch.zeros(images.shape[1]).double()
    if isinstance(images, StreamedImages):
        total, squares = (images.totals(power).cpu() for power in (1, 2))
    else:
        for part in chunks(images):
            values = part.cpu().double()
            total += values.sum((0, 2, 3))
            squares += values.square().sum((0, 2, 3))
    count = len(images) * images.shape[2] * images.shape[3]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=1e-6).sqrt()
    return mean.float().view(1, -1, 1, 1), std.float().view(1, -1, 1, 1)
