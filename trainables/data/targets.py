"""Images whose targets are numbers: regression instead of classification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.images import ImageData, Raw, Split, check_images_of
from trainables.data.numbers import as_float32
from trainables.errors import DataError

__all__ = ["ImageNumbers", "as_numbers", "raw_numbers", "target_numbers", "with_moments"]


@dataclass(frozen=True, slots=True)
class ImageNumbers(ImageData):
    """Images with numbers as targets, in three splits on a device. The `labels` of a split are (n, k), float32.

    Attributes:
        target_mean: (k,), of the training targets.
        target_std: (k,), standard deviation of the same; 1 for a constant one.
    """

    target_mean: Tensor
    target_std: Tensor

    def arguments(self) -> dict[str, Any]:
        """Return what the data decide for the builder of a network.

        Returns:
            One output for each number of a target, the number of channels, and height and width.
        """
        return {
            "num_classes": len(self.target_mean),
            "in_channels": self.in_channels,
            "image_size": self.image_size,
        }


def with_moments(data: ImageData) -> ImageNumbers:
    """Compute the statistics of the training targets.

    Args:
        data: images whose labels are numbers, (n, k), float32.

    Returns:
        The same images with mean and deviation of the targets.
    """
    targets = data.train.labels.double()
    std = targets.std(0, correction=0)
    std = torch.where(std > 0, std, torch.ones_like(std))
    parts = (data.name, data.train, data.validation, data.test, data.classes, data.mean, data.std)
    mean = targets.mean(0).float()
    return ImageNumbers(*parts, target_mean=mean, target_std=std.float(), groups=data.groups)


def target_numbers(values: np.ndarray[Any, Any] | Sequence[object], place: str) -> Tensor:
    """Convert the targets of one split.

    Args:
        values: numbers, (n,) or (n, k).
        place: names the targets in messages.

    Returns:
        (n, k), float32; k is 1 for one number each.

    Raises:
        DataError: a value is not a finite number, or the shape is another one.
    """
    if not isinstance(values, np.ndarray):
        for row, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise DataError(f"{place}, row {row}: the target is {value!r}; it must be a number; fill it in")
    array = np.asarray(values)
    if array.dtype.kind not in "uif" or array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise DataError(f"{place} is {array.dtype} of shape {array.shape}; targets are numbers of shape (n,) or (n, k)")
    finite = np.isfinite(array)
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise DataError(f"{place}, row {row}: the target is {array[row]}; it must be a finite number; fill it in")
    return torch.from_numpy(as_float32(array.reshape(len(array), -1), place))


def raw_numbers(
    name: str,
    train: Split,
    test: Split | None = None,
    *,
    validation: Split | None = None,
    notes: Sequence[str] = (),
) -> Raw:
    """Check images and numbers against each other.

    Args:
        name: names the data set in messages.
        train: the images for training; labels (n, k), float32.
        test: the test images, where there are any.
        validation: the validation images, where there are any.
        notes: for people.

    Returns:
        The data set, without classes.

    Raises:
        DataError: a shape or value breaks a rule; the message names the split.
    """
    held = {title: split for title, split in (("validation", validation), ("test", test)) if split is not None}
    check_images_of(name, train, held)
    width = train.labels.shape[1]
    for title, split in held.items():
        if split.labels.shape[1] != width:
            raise DataError(f"{name}: training targets have {width} numbers, {title} targets {split.labels.shape[1]}")
    constant = (train.labels == train.labels[0]).all(0)
    if bool(constant.any()):
        column = int(constant.nonzero()[0])
        which = "every target" if width == 1 else f"number {column} of every target"
        raise DataError(
            f"{name}: {which} is {float(train.labels[0, column]):g}; a regression needs targets that differ"
        )
    return Raw(name, train, test, (), validation, tuple(notes))


def as_numbers(raw: Raw) -> Raw:
    """Take the names of the classes as numbers.

    Args:
        raw: images with classes, such as folders called 0.5, 1 and 2.5.

    Returns:
        The same images with numbers as targets.

    Raises:
        DataError: the name of a class is not a number.
    """
    values = []
    for title in raw.classes:
        try:
            values.append(float(title))
        except ValueError:
            raise DataError(
                f"{raw.name}: the class {title!r} is not a number, and a regression needs numbers; give the task "
                "classification, or targets that are numbers"
            ) from None
    table = target_numbers(np.array(values), f"{raw.name}: the names of the classes")
    parts = {name: Split(part.images, table[part.labels]) for name, part in raw.splits.items()}
    held, notes = parts.get("validation"), raw.notes
    numbers = raw_numbers(raw.name, parts["train"], parts.get("test"), validation=held, notes=notes)
    return replace(numbers, groups=raw.groups)
