"""Loading of images with boxes: read, checked, brought to one size, split, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.boxes.annotated import Annotated, Annotations, check_boxes, numbered
from trainables.data.boxes.box_data import BoxData, BoxPart
from trainables.data.boxes.coco import coco_files, read_coco
from trainables.data.boxes.letterbox import letterbox, placed
from trainables.data.boxes.parquet import has_boxes, read_parquet
from trainables.data.boxes.settings import SHAPES, BoxSettings
from trainables.data.boxes.shapes import CLASSES, drawn_shapes
from trainables.data.boxes.voc import read_voc, voc_files
from trainables.data.boxes.yolo import read_yolo, yolo_files
from trainables.data.decode import EIGHT, decode_one, size_of
from trainables.data.parquet import parquet_files
from trainables.data.parts import PARTS, PartName
from trainables.data.tables.reading import places_of
from trainables.errors import DataError

__all__ = ["box_checksum", "box_classes", "described_boxes", "fitting_frame", "is_boxes", "load_boxes"]

Array = np.ndarray[Any, Any]
_THREADS = 4
_STEP, _MOST = 32, 320
"""What the sides of a frame are multiples of, as the strides of detectors are, and the longest that is proposed."""


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
    return _loaded(settings, str(device), _stamp(settings))


def box_classes(settings: BoxSettings) -> tuple[str, ...]:
    """Name the classes of the data; decodes no image.

    Args:
        settings: the data.

    Returns:
        The names in the order of their numbers.

    Raises:
        DataError: the data are missing or damaged.
    """
    return CLASSES if settings.data == SHAPES else _read(settings, _stamp(settings))[1]


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
    found, _, _ = _read(settings, _stamp(settings))
    return _frame_of(found)


def _frame_of(found: Annotations) -> tuple[int, int] | None:
    sizes = {size_of(one.name, one.source)[:2] for some in found.parts.values() for one in some}
    if len(sizes) == 1 and max(max(size) for size in sizes) <= _MOST:
        return None
    high, wide = (float(np.median([size[side] for size in sizes])) for side in (0, 1))
    scale = min(1.0, _MOST / max(high, wide))
    return _stepped(scale * high), _stepped(scale * wide)


def _stepped(side: float) -> int:
    return max(_STEP, _STEP * round(side / _STEP))


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
        digests = [image.numpy().tobytes() for part in parts for image in part.images]
    else:
        annotations, classes, numbers = _read(settings, _stamp(settings))
        digests = [repr(classes).encode()]
        for part, some in annotations.parts.items():
            for one, labels in zip(some, numbers[part], strict=True):
                content = one.source if isinstance(one.source, bytes) else one.source.read_bytes()
                digests.append(content + repr((one.boxes, labels)).encode())
    for digest in sorted(hashlib.sha256(one).digest() for one in digests):
        found.update(digest)
    return found.hexdigest()[:16]


def _reader(path: Path) -> Callable[[Path, BoxSettings], Annotations] | None:
    """What reads a path; None where it has no boxes."""
    if has_boxes(path):
        return read_parquet
    if coco_files(path):
        return lambda place, _: read_coco(place)
    if voc_files(path):
        return lambda place, _: read_voc(place)
    if yolo_files(path):
        return lambda place, _: read_yolo(place)
    return None


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
        return ()
    path = _path(settings)
    files = sorted(one for one in path.glob("**/*") if one.is_file()) if path.is_dir() else [path]
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)


Numbers = Mapping[PartName, Sequence[Sequence[int]]]


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


@lru_cache(maxsize=4)
def _loaded(settings: BoxSettings, device: str, stamp: tuple[object, ...]) -> BoxData:
    notes: list[str] = []
    classes: tuple[str, ...] = CLASSES
    if settings.data == SHAPES:
        parts = _shapes(settings)
    else:
        annotations, classes, numbers = _read(settings, stamp)
        notes += annotations.notes
        parts = _decoded(annotations, numbers, settings, notes)
    split = _split(parts, settings)
    notes += _noticed(split, classes)
    train = split["train"]
    mean, std = _moments(train.images)
    placed_parts = {part: one.to(torch.device(device)) for part, one in split.items()}
    return BoxData(
        settings.data,
        placed_parts["train"],
        placed_parts["validation"],
        placed_parts["test"],
        tuple(classes),
        mean.to(device),
        std.to(device),
        tuple(notes),
    )


def _shapes(settings: BoxSettings) -> dict[PartName, BoxPart]:
    images, boxes, labels = drawn_shapes()
    places = [placed((images.shape[2], images.shape[3]), settings.frame)] * len(images)
    frames = np.stack([letterbox(image.transpose(1, 2, 0), settings.frame).transpose(2, 0, 1) for image in images])
    return {"train": _part(frames, boxes, labels, places)}


def _decoded(found: Annotations, numbers: Numbers, settings: BoxSettings, notes: list[str]) -> dict[PartName, BoxPart]:
    """The parts with their images decoded; checks every box."""
    frame = settings.frame
    framed: dict[PartName, list[Array]] = {}
    sizes: dict[PartName, list[tuple[int, int]]] = {}
    turned = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for part, some in found.parts.items():
            framed[part], sizes[part] = [], []
            for one, (image, size, is_turned) in zip(some, pool.map(lambda one: _image(one, frame), some), strict=True):
                turned += is_turned
                first = next(iter(framed.values()))
                if first and first[0].shape[:2] != image.shape[:2]:
                    high, wide = first[0].shape[:2]
                    raise DataError(
                        f"{one.name} is of {size[1]} x {size[0]} pixels, and images before it of {wide} x {high}; set "
                        f"resize = {list(_frame_of(found) or ())} or another height and width, to which all are "
                        "brought without distortion"
                    )
                framed[part].append(image)
                sizes[part].append(size)
    check_boxes(found, sizes)
    if turned:
        notes.append(f"{turned} images were turned by their EXIF orientation; boxes are taken to be of upright images")
    is_colour = any(image.ndim == 3 for some in framed.values() for image in some)
    made: dict[PartName, BoxPart] = {}
    for part, some in found.parts.items():
        images = np.stack([_channels_first(image, is_colour=is_colour) for image in framed[part]])
        places = [placed(size, frame) for size in sizes[part]]
        made[part] = _part(images, [one.boxes for one in some], numbers[part], places)
    return made


def _image(one: Annotated, frame: tuple[int, int] | None) -> tuple[Array, tuple[int, int], bool]:
    """An image in its frame, its size before, and whether it was turned."""
    decoded = decode_one(one.name, one.source, None)
    if decoded.depth != EIGHT:
        raise DataError(f"{one.name} has {decoded.depth} a channel, and 8 bits are needed; convert it")
    height, width = decoded.array.shape[:2]
    return letterbox(decoded.array, frame), (height, width), decoded.turned


def _channels_first(image: Array, *, is_colour: bool) -> Array:
    if image.ndim == 3:
        return image.transpose(2, 0, 1)
    return np.repeat(image[None], 3 if is_colour else 1, axis=0)


def _part(images: Array, boxes: Sequence[Any], labels: Sequence[Sequence[int]], places: Sequence[Any]) -> BoxPart:
    """Pad the boxes of all images to one number, and bring them into the frames."""
    most = max(1, *(len(one) for one in labels)) if labels else 1
    corners = np.zeros((len(images), most, 4), dtype=np.float32)
    classes = np.full((len(images), most), -1, dtype=np.int64)
    for number, (some, its, place) in enumerate(zip(boxes, labels, places, strict=True)):
        if len(its):
            limits = np.array([place.width, place.height] * 2)
            inside = np.clip(np.array(some, dtype=np.float64), 0, limits)
            corners[number, : len(its)] = place.into(inside)
            classes[number, : len(its)] = its
    return BoxPart(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(corners), torch.from_numpy(classes))


def _split(parts: Mapping[PartName, BoxPart], settings: BoxSettings) -> dict[PartName, BoxPart]:
    """The three parts: those that are given, and the others drawn from training."""
    found = _of_one_width(parts)
    shares: tuple[tuple[PartName, float], ...] = (
        ("test", settings.test_share),
        ("validation", settings.validation_share),
    )
    given = len(found["train"])
    for part, share in shares:
        if part in found:
            continue
        train = found["train"]
        count = round(share * given)
        if not 1 <= count < len(train):
            raise DataError(
                f"{settings.data} has {len(train)} images to train on, too few for a part of {share:g} for {part}; add "
                "images"
            )
        generator = torch.Generator().manual_seed(settings.seed + PARTS.index(part))
        order = torch.randperm(len(train), generator=generator)
        held, kept = order[:count].sort().values, order[count:].sort().values
        found[part], found["train"] = train.take(held), train.take(kept)
    if settings.whole:
        found["train"] = found["train"].joined(found["validation"])
        found["validation"] = found["validation"].take(torch.zeros(0, dtype=torch.int64))
    if not bool((found["train"].labels >= 0).any()):
        raise DataError(f"{settings.data}: no image for training has a box; add boxes, or set another data_seed")
    return found


def _of_one_width(parts: Mapping[PartName, BoxPart]) -> dict[PartName, BoxPart]:
    """The same parts, padded to the most boxes of any image."""
    most = max(part.labels.shape[1] for part in parts.values())
    found: dict[PartName, BoxPart] = {}
    for name, part in parts.items():
        lacking = most - part.labels.shape[1]
        boxes = torch.nn.functional.pad(part.boxes, (0, 0, 0, lacking))
        labels = torch.nn.functional.pad(part.labels, (0, lacking), value=-1)
        found[name] = BoxPart(part.images, boxes, labels)
    return found


def _noticed(parts: Mapping[PartName, BoxPart], classes: Sequence[str]) -> list[str]:
    """What is odd about the parts: classes that one lacks, images without boxes, copies."""
    notes = []
    seen: set[bytes] = set()
    for name in PARTS:
        part = parts[name]
        if not len(part):
            continue
        digests = [hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest() for image in part.images]
        copies = 0 if name == "train" else sum(digest in seen for digest in digests)
        seen |= set(digests) if name == "train" else set()
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


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (1, c, 1, 1)."""
    total, squares = torch.zeros(images.shape[1]).double(), torch.zeros(images.shape[1]).double()
    for image in images:
        values = image.flatten(1).double()
        total += values.sum(1)
        squares += values.square().sum(1)
    count = len(images) * images.shape[2] * images.shape[3]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=1e-6).sqrt()
    return mean.float().view(1, -1, 1, 1), std.float().view(1, -1, 1, 1)
