"""Loaded scans with masks: three parts on a device, and what the training scans decided about scale and classes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from trainables.data.chosen import Rows, as_tensor
from trainables.data.parts import part_named

__all__ = ["PatchPart", "VolumeData", "VolumePart", "moments_of", "standardized", "starts_of"]

_CONSTANT = 1e-6


def starts_of(side: int, window: int) -> list[int]:
    """List where windows begin that cover a side and overlap by half or more.

    Args:
        side: the length that is covered.
        window: the length of a window.

    Returns:
        The first positions, ascending; one, 0, where the window is as long as the side or longer.
    """
    if side <= window:
        return [0]
    count = -(-(side - window) // max(1, window // 2)) + 1
    return [round(place * (side - window) / (count - 1)) for place in range(count)]


@dataclass(frozen=True)
class VolumePart:
    """The scans of one part.

    Attributes:
        images: (n, c, ...), as they are in the data; folds share one tensor.
        masks: (n, ...), uint8.
        names: of the scans.
    """

    images: Rows
    masks: Rows
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take scans.

        Args:
            index: (k,), int64, numbers of scans in any order.

        Returns:
            The scans as they are in the data, and their masks.
        """
        return self.images.index_select(0, index), self.masks.index_select(0, index)


@dataclass(frozen=True)
class PatchPart:
    """The windows of the scans of one part, which overlap by half.

    Attributes:
        whole: the scans.
        patch: the sides of a window, none longer than that of a scan.
    """

    whole: VolumePart
    patch: tuple[int, ...]

    @cached_property
    def corners(self) -> list[tuple[int, ...]]:
        """Where the windows of a scan begin."""
        sides = self.whole.images.shape[2:]
        return list(itertools.product(*(starts_of(side, one) for side, one in zip(sides, self.patch, strict=True))))

    @cached_property
    def holds_foreground(self) -> Tensor:
        """Whether a window has a voxel of a class other than the background, (n,), bool, on the CPU."""
        found: list[bool] = []
        for scan in range(len(self.whole)):
            mask = self.whole.masks.index_select(0, torch.tensor([scan], device=self.whole.masks.device))[0]
            found += [bool((mask[self._slices(corner)] > 0).any()) for corner in self.corners]
        return torch.tensor(found)

    def __len__(self) -> int:
        return len(self.whole) * len(self.corners)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take windows.

        Args:
            index: (k,), int64, numbers of windows in any order.

        Returns:
            The windows of the scans as they are in the data, and of their masks.
        """
        images: list[Tensor] = []
        masks: list[Tensor] = []
        for number in index.tolist():
            scan, window = divmod(number, len(self.corners))
            chosen = torch.tensor([scan], device=index.device)
            place = self._slices(self.corners[window])
            images.append(self.whole.images.index_select(0, chosen)[(slice(None), slice(None), *place)])
            masks.append(self.whole.masks.index_select(0, chosen)[(slice(None), *place)])
        if not images:
            whole = self.whole.images
            return (
                torch.empty((0, whole.shape[1], *self.patch), dtype=whole.dtype, device=whole.device),
                torch.empty((0, *self.patch), dtype=self.whole.masks.dtype, device=whole.device),
            )
        return torch.cat(images), torch.cat(masks)

    def _slices(self, corner: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(slice(start, start + side) for start, side in zip(corner, self.patch, strict=True))


@dataclass(frozen=True)
class VolumeData:
    """Scans with masks in three parts, on a device.

    Attributes:
        name: the name or path of the data.
        train: the scans for training, or windows of them.
        validation: the scans for validation; none where training uses them too.
        test: the scans for the test.
        classes: the names of the classes in the order of their numbers, the background first.
        mean: (1, c, 1, ..), of the training scans; None where each scan is standardized by its own values.
        std: standard deviation of the same; 1 for a constant channel.
        window: the sides of the windows in which larger scans are evaluated; None for whole scans.
        spacing: the distance of two voxels along each axis in mm; None where it is not known.
        orientation: where the axes of NIfTI files point, such as "RAS"; empty where it is not known.
        groups: the number of the group of each scan, (n,), by the name of the part; empty without groups.
        notes: for people.
    """

    name: str
    train: VolumePart | PatchPart
    validation: VolumePart
    test: VolumePart
    classes: tuple[str, ...]
    mean: Tensor | None
    std: Tensor | None
    window: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    orientation: str = ""
    groups: Mapping[str, Tensor] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """The device of the scans."""
        return self.test.images.device

    @property
    def sides(self) -> tuple[int, ...]:
        """The sides of a whole scan."""
        return tuple(self.test.images.shape[2:])

    @property
    def dimensions(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.sides)

    def split(self, name: str) -> VolumePart | PatchPart:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one scan.

        Raises:
            DataError: there is no such part, or it has no scan.
        """
        part: VolumePart | PatchPart = part_named(self, name, "scan")
        return part

    def arguments(self) -> Mapping[str, Any]:
        """Return what a network for these scans is built with.

        Returns:
            `num_classes`, `in_channels`, and `image_size`, the sides of what the network sees in training.
        """
        _, channels, *sides = self.example().shape
        return {"num_classes": len(self.classes), "in_channels": channels, "image_size": tuple(sides)}

    def normalize(self, inputs: Tensor) -> Tensor:
        """Standardize scans: by mean and deviation of the training scans, or each by its own.

        Args:
            inputs: (n, c, ...), as they are in the data.

        Returns:
            The same as float32 numbers.
        """
        return standardized(inputs, self.mean, self.std)

    def example(self) -> Tensor:
        """Return the first training example, as networks take it.

        Returns:
            (1, c, ...), float32.
        """
        return self.normalize(self.train.rows(torch.zeros(1, dtype=torch.int64, device=self.device))[0])


def standardized(inputs: Tensor, mean: Tensor | None, std: Tensor | None) -> Tensor:
    """Standardize scans.

    Args:
        inputs: (n, c, ...), of any type.
        mean: (1, c, 1, ..); None for the mean of each channel of each scan.
        std: as `mean`.

    Returns:
        (n, c, ...), float32.
    """
    values = inputs.float()
    if mean is None or std is None:
        axes = tuple(range(2, values.dim()))
        mean = values.mean(axes, keepdim=True)
        std = (values - mean).square().mean(axes, keepdim=True).sqrt().clamp(min=_CONSTANT)
    return (values - mean) / std


def moments_of(images: Rows) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation of each channel, one scan after the other.

    Args:
        images: (n, c, ...).

    Returns:
        Mean and deviation, each (1, c, 1, ..), float32; a constant channel has a deviation of 1.
    """
    whole = as_tensor(images)
    shape = (1, -1, *[1] * (whole.dim() - 2))
    axes = tuple(range(1, whole.dim() - 1))
    mean = torch.stack([one.double().mean(axes) for one in whole]).mean(0)
    centre = mean.view(shape[1:])
    variance = torch.stack([(one.double() - centre).square().mean(axes) for one in whole]).mean(0)
    std = variance.sqrt()
    std = torch.where(std > _CONSTANT * mean.abs(), std, torch.ones_like(std))
    return mean.float().view(shape), std.float().view(shape)
