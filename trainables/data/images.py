"""Data sets of images and labels as tensors: `Raw` as they are read, `ImageData` split and on a device.

Labels are the numbers of classes. Of a data set without classes they are numbers with a unit, (n, k), float32 (see
`trainables.data.targets`); where an image may have several classes, 0 or 1 for each, (n, k), uint8 (see
`trainables.data.multi_label`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from trainables.data.parts import part_named
from trainables.data.pixels import Images, chosen_images, chunks, joined, not_finite
from trainables.data.streaming.rows import read_ahead
from trainables.errors import DataError

__all__ = ["ImageData", "Raw", "Split", "check_images_of", "lacking_classes", "raw_images"]


@dataclass(frozen=True, slots=True)
class Split:
    """Images and their labels.

    Attributes:
        images: (n, c, h, w), uint8 or float32, in memory, shared by folds, or streamed.
        labels: (n,), int64; without classes (n, k), float32; with several classes for each image (n, k), uint8.
    """

    images: Images
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take some images and labels.

        Args:
            index: (k,), numbers of images in any order, on the device of the images.

        Returns:
            The images (k, c, h, w) and labels (k,).
        """
        return self.images.index_select(0, index), self.labels.index_select(0, index)

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Take batches in order. Streamed images are decoded or read ahead.

        Args:
            batches: for each, the numbers of its images, (k,), on the device of the images.

        Yields:
            The images (k, c, h, w) and labels (k,) of each.
        """
        for images, labels in read_ahead((self.images, self.labels), batches):  # noqa: UP028
            yield images, labels

    def take(self, rows: Tensor, device: torch.device) -> Split:
        """Copy some images to a device.

        Args:
            rows: (k,), indices in any order.
            device: where the copy is stored.

        Returns:
            The k images in the order of `rows`.
        """
        return Split(self.images[rows].to(device), self.labels[rows].to(device))

    def shared(self, rows: Tensor, device: torch.device) -> Split:
        """Choose some images without a copy of them.

        Args:
            rows: (k,), indices in any order.
            device: where they are stored; images that are there already keep their memory.

        Returns:
            The k images in the order of `rows`, which share the memory of these.
        """
        return Split(chosen_images(self.images.to(device), rows), self.labels[rows].to(device))

    def sampled(self, count: int, generator: torch.Generator) -> Split:
        """Draw images at random, none twice.

        Args:
            count: the number of images; all where there are fewer.
            generator: random numbers, on the device of the images.

        Returns:
            The images in random order.
        """
        device = self.images.device
        return self.take(torch.randperm(len(self), generator=generator, device=device)[:count], device)

    def joined(self, other: Split) -> Split:
        """Concatenate two splits.

        Args:
            other: images of the same shape and type.

        Returns:
            These images, followed by those of `other`.
        """
        return Split(joined(self.images, other.images), torch.cat((self.labels, other.labels)))

    def to(self, device: torch.device) -> Split:
        """Move the images to a device.

        Args:
            device: where they are stored.

        Returns:
            The same images there.
        """
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, slots=True)
class Raw:
    """A data set as it is read, on the CPU.

    Attributes:
        name: the name or path of the data set.
        train: the images for training.
        test: the test images; None where the data set has no such split.
        classes: names of the classes in the order of their labels; empty where there are none.
        validation: the validation images; None where the data set has no such split.
        notes: for people, on how the data set was read.
        groups: the number of the group of each image, (n,), by the split; empty where there are no groups.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...]
    validation: Split | None = None
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Tensor] = field(default_factory=dict, hash=False)

    @property
    def multi_label(self) -> bool:
        """Whether an image may have several classes."""
        return bool(self.classes) and self.train.labels.dim() == 2

    @property
    def splits(self) -> dict[str, Split]:
        """The existing splits by name."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in every.items() if split is not None}

    def with_images_on(self, device: torch.device) -> Raw:
        """Move the images to a device. Labels and groups stay on the CPU, where they are parted.

        Args:
            device: where the images are stored; those that are there already keep their memory.

        Returns:
            The same data set.
        """
        moved = {name: Split(split.images.to(device), split.labels) for name, split in self.splits.items()}
        return replace(self, train=moved["train"], validation=moved.get("validation"), test=moved.get("test"))

    def checksum(self) -> str:
        """Compute a checksum of all pixels and labels.

        Returns:
            16 hexadecimal digits.
        """
        digest = hashlib.sha256()
        for split in (self.train, self.test, self.validation):
            if split is None:
                continue
            for values, parts in ((split.images, chunks(split.images)), (split.labels, [split.labels])):
                digest.update(f"{tuple(values.shape)} {values.dtype}".encode())
                for part in parts:
                    digest.update(part.contiguous().numpy().data)
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ImageData:
    """A data set in three splits on a device.

    Attributes:
        name: the name or path of the data set.
        train: the images for training.
        validation: the images for validation; none where training uses them too.
        test: the images for testing.
        classes: names of the classes in the order of their labels.
        mean: (1, c, 1, 1), of the training images per channel, in the units of the images.
        std: (1, c, 1, 1), standard deviation of the same.
        groups: the number of the group of each image, (n,), by the split; empty where there are no groups.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    groups: Mapping[str, Tensor] = field(default_factory=dict, kw_only=True, hash=False)

    @property
    def multi_label(self) -> bool:
        """Whether an image may have several classes."""
        return bool(self.classes) and self.train.labels.dim() == 2

    @property
    def in_channels(self) -> int:
        """1 for grey, 3 for colour images."""
        return int(self.train.images.shape[1])

    @property
    def image_size(self) -> tuple[int, ...]:
        """Height and width in pixels; of volumes depth, height and width in voxels."""
        return tuple(int(side) for side in self.train.images.shape[2:])

    @property
    def device(self) -> torch.device:
        """The device of the images."""
        return self.train.images.device

    def arguments(self) -> dict[str, Any]:
        """Return what the images decide for the builder of a network.

        Returns:
            The number of classes, the number of channels, and the sides of the images.
        """
        return {"num_classes": len(self.classes), "in_channels": self.in_channels, "image_size": self.image_size}

    def example(self) -> Tensor:
        """Return the first training image as networks take it.

        Returns:
            (1, c, h, w), float32.
        """
        return self.normalize(self.train.rows(torch.arange(1, device=self.device))[0])

    def split(self, name: str) -> Split:
        """Look up a split.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The split, with at least one image.

        Raises:
            DataError: there is no such split, or it has no images.
        """
        found: Split = part_named(self, name, "image")
        return found

    def normalize(self, images: Tensor, layout: torch.memory_format = torch.channels_last) -> Tensor:
        """Standardize raw images by `mean` and `std`.

        Args:
            images: (n, c, h, w), or volumes (n, c, d, h, w), with the values of the data set.
            layout: memory format of images; that of volumes corresponds to it.

        Returns:
            As many, float32, of about zero mean and unit deviation.
        """
        scaled = (images.to(torch.float32) - self.mean) / self.std
        if images.dim() == 5 and layout is torch.channels_last:
            layout = torch.channels_last_3d
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
    """Check images and labels against each other.

    Args:
        name: names the data set in messages.
        train: the images for training.
        test: the test images, where there are any.
        classes: names of the classes in the order of their labels; empty names them "0", "1", ...
        validation: the validation images, where there are any.
        notes: for people; classes that a split lacks are added.

    Returns:
        The data set.

    Raises:
        DataError: a shape, value or label breaks a rule; the message names the split.
    """
    held = {title: split for title, split in (("validation", validation), ("test", test)) if split is not None}
    check_images_of(name, train, held)
    for title, split in {"": train, **held}.items():
        if int(split.labels.min()) < 0:
            place = f"{name}: the {title} " if title else f"{name}: the "
            raise DataError(f"{place}labels reach down to {int(split.labels.min())}; they must be 0 or more")
    count = len(classes) or int(train.labels.max()) + 1
    _check_classes(name, train, held, count)
    named = classes or tuple(str(index) for index in range(count))
    found = list(notes)
    for title, split in held.items():
        found.extend(lacking_classes(title, split.labels, named))
    return Raw(name, train, test, named, validation, tuple(found))


def check_images_of(name: str, train: Split, held: Mapping[str, Split]) -> None:
    """Check the images of all splits, whatever their labels are.

    Args:
        name: names the data set in messages.
        train: the images for training.
        held: the other splits by name.

    Raises:
        DataError: a split has no images, a shape breaks a rule, or a value is not finite.
    """
    _check_split(f"{name}: the ", train)
    for title, split in held.items():
        _check_split(f"{name}: the {title} ", split)
        if split.images.shape[1:] != train.images.shape[1:]:
            shapes = f"{tuple(train.images.shape[1:])} and {tuple(split.images.shape[1:])}"
            raise DataError(f"{name}: training and {title} images differ in shape, {shapes}; they must be equal")


def _check_split(place: str, split: Split) -> None:
    images, labels = split.images, split.labels
    if len(images) == 0:
        raise DataError(f"{place}images are empty; a data set needs at least one image")
    if len(images) != len(labels):
        raise DataError(f"{place}{len(images)} images have {len(labels)} labels; each image needs one")
    if (images.shape[1] not in (1, 3, 4) and len(images.shape) == 4) or min(images.shape[1:]) < 1:
        shape = tuple(images.shape)
        raise DataError(f"{place}images have the shape {shape}; (count, 1, 3 or 4 channels, height, width) is needed")
    if odd := not_finite(images):
        raise DataError(
            f"{place}images hold NaN or infinite values, {len(odd)} of {len(images)}, such as image {odd[0]}; remove "
            "or replace them"
        )


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


def lacking_classes(title: str, labels: Tensor, classes: Sequence[str]) -> list[str]:
    """Note which classes a part of the images lacks.

    Args:
        title: the name of the part.
        labels: (n,), the classes of its images; or (n, k), 1 for each class of an image.
        classes: the names of all classes.

    Returns:
        A note; none where no class is lacking.
    """
    present = labels.long().sum(0) if labels.dim() == 2 else torch.bincount(labels, minlength=len(classes))
    empty = [classes[index] for index in (present == 0).nonzero().flatten().tolist()]
    return [f"no {title} image of {', '.join(empty[:10])}{', ..' if len(empty) > 10 else ''}"] if empty else []
