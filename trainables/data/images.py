"""What a data set is here: images and labels as tensors, raw as they were read or split and on a device."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.errors import DataError

__all__ = ["ImageData", "Raw", "Split", "raw_images"]


@dataclass(frozen=True, slots=True)
class Split:
    """Images (n, c, h, w), uint8 or float32, and their labels (n,), int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor, device: torch.device) -> Split:
        """The images of `rows`, in that order, on `device`."""
        return Split(self.images[rows].to(device), self.labels[rows].to(device))

    def sampled(self, count: int, generator: torch.Generator) -> Split:
        """At most `count` images in random order, none twice; `generator` is of the device of the images."""
        device = self.images.device
        return self.take(torch.randperm(len(self), generator=generator, device=device)[:count], device)

    def joined(self, other: Split) -> Split:
        """These images and then those of `other`."""
        return Split(torch.cat((self.images, other.images)), torch.cat((self.labels, other.labels)))

    def to(self, device: torch.device) -> Split:
        """The same images on `device`."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, slots=True)
class Raw:
    """A data set as it was read, on the CPU; `validation` and `test` where it has such parts of its own.

    `notes` say what a person should know of how it was read.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...]
    validation: Split | None = None
    notes: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Split]:
        """Those that there are, by name."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in every.items() if split is not None}

    def checksum(self) -> str:
        """16 hex digits that change with any pixel or label."""
        digest = hashlib.sha256()
        for split in (self.train, self.test, self.validation):
            if split is None:
                continue
            for tensor in (split.images, split.labels):
                digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
                digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ImageData:
    """Three splits on a device; `mean` and `std` (1, c, 1, 1) are those of the training images, unscaled."""

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor

    @property
    def in_channels(self) -> int:
        """1 for grey, 3 for colour images."""
        return int(self.train.images.shape[1])

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.train.images.shape[2:]
        return int(height), int(width)

    def split(self, name: str) -> Split:
        """The split called "train", "validation" or "test"; `DataError` for another one, and for one without images."""
        if name not in ("train", "validation", "test"):
            raise DataError(f"there is no split {name!r}; the splits are train, validation and test")
        found: Split = getattr(self, name)
        if not len(found):
            raise DataError(
                f"there are no {name} images: this training learns from them too (whole=True); evaluate on the test "
                "images, or train with whole=False"
            )
        return found

    def normalize(self, images: Tensor, layout: torch.memory_format = torch.channels_last) -> Tensor:
        """Raw images to float32 of about zero mean and unit deviation, laid out in memory as `layout` says."""
        scaled = (images.to(torch.float32) - self.mean) / self.std
        return scaled.contiguous(memory_format=layout)


def raw_images(
    name: str,
    train: Split,
    test: Split | None = None,
    classes: tuple[str, ...] = (),
    *,
    validation: Split | None = None,
    notes: Sequence[str] = (),
) -> Raw:
    """Check images and labels against each other, and name the classes "0", "1", ... where nobody did.

    Raises:
        DataError: they do not fit; says where.
    """
    held = {title: split for title, split in (("validation", validation), ("test", test)) if split is not None}
    _check_split(f"{name}: the ", train)
    for title, split in held.items():
        _check_split(f"{name}: the {title} ", split)
        if split.images.shape[1:] != train.images.shape[1:]:
            shapes = f"{tuple(train.images.shape[1:])} and {tuple(split.images.shape[1:])}"
            raise DataError(f"{name}: training and {title} images differ in shape, {shapes}; they must be equal")
    count = len(classes) or int(train.labels.max()) + 1
    _check_classes(name, train, held, count)
    named = classes or tuple(str(index) for index in range(count))
    lacks = [line for title, split in held.items() for line in _lacking(title, split, named)]
    return Raw(name, train, test, named, validation, (*notes, *lacks))


def _check_split(place: str, split: Split) -> None:
    images, labels = split.images, split.labels
    if len(images) == 0:
        raise DataError(f"{place}images are none; a data set needs at least one image")
    if len(images) != len(labels):
        raise DataError(f"{place}{len(images)} images have {len(labels)} labels; each image needs one")
    if images.shape[1] not in (1, 3, 4) or min(images.shape[2:]) < 1:
        shape = tuple(images.shape)
        raise DataError(f"{place}images have the shape {shape}; (count, 1 or 3 channels, height, width) is needed")
    if images.is_floating_point() and not bool(torch.isfinite(images).all()):
        raise DataError(f"{place}images hold NaN or infinite values; remove or replace them")
    if int(labels.min()) < 0:
        raise DataError(f"{place}labels reach down to {int(labels.min())}; they must be 0 or more")


def _check_classes(name: str, train: Split, held: Mapping[str, Split], count: int) -> None:
    if count < 2:
        raise DataError(f"{name}: all images have one label; a classifier needs at least two classes")
    present = torch.bincount(train.labels, minlength=count)
    if len(present) > count:
        raise DataError(f"{name}: label {len(present) - 1} is beyond the {count} classes; labels start at 0")
    if bool((present == 0).any()):
        empty = int((present == 0).nonzero()[0])
        raise DataError(
            f"{name}: class {empty} of {count} has no training image; number the labels 0, 1, 2, ... without gaps"
        )
    for title, split in held.items():
        if int(split.labels.max()) >= count:
            raise DataError(f"{name}: the {title} label {int(split.labels.max())} does not occur in training")


def _lacking(title: str, split: Split, classes: Sequence[str]) -> list[str]:
    present = torch.bincount(split.labels, minlength=len(classes))
    empty = [classes[index] for index in (present == 0).nonzero().flatten().tolist()]
    return [f"no {title} image of {', '.join(empty[:10])}{', ..' if len(empty) > 10 else ''}"] if empty else []
