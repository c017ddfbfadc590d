"""Augmentation of batches on their device: transforms of torchvision, then shift, flip and cutout of whole batches.

A shift of p pixels is torchvision's `RandomCrop(size, padding=p)`, a flip its `RandomHorizontalFlip()`. Cutout clears a
square around a random centre, cut off at the borders (DeVries and Taylor 2017, 1708.04552). Each image of a batch draws
its own random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.images import ImageData
from trainables.settings import check_flag, check_number

if TYPE_CHECKING:
    from trainables.data.transforms.building import Transform

__all__ = ["Augmentation", "Views", "ViewsKeywords"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random views of a batch of images (n, c, h, w) of any dtype.

    Attributes:
        shift: largest move in pixels, in each direction; zeros come in.
        flip: mirror each image left to right with a probability of one half.
        cutout: side of the cleared square in pixels; 0 clears nothing.
        fill: value of a cleared pixel.
        transform: changes each image first; None changes nothing.
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0
    fill: float = 0.0
    transform: Transform | None = None

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augment (n, c, h, w) to a new tensor of the same shape; `images` is unchanged."""
        if self.transform is not None:
            from trainables.data.transforms import transformed

            images = transformed(images, self.transform, generator)
        if self.shift:
            images = shifted(images, self.shift, generator)
        if self.flip:
            images = flipped(images, generator)
        if self.cutout:
            images = cut_out(images, self.cutout, self.fill, generator)
        return images


@dataclass(frozen=True, slots=True)
class Views:
    """The settings of augmentation; see `Augmentation` for what each does to an image."""

    augment: bool = True
    """False trains on the images as they are, whatever the other settings say."""
    shift: int | None = None
    """The largest move in pixels. The default is an eighth of the shorter side of the images; 0 beside `transforms`."""
    flip: bool = False
    """Mirror every second image, left to right."""
    cutout: int = 0
    """The side in pixels of the square that is cleared; 0 clears nothing."""
    transforms: object = None
    """Transforms of `torchvision.transforms.v2`, which change each image before shift, flip and cutout: a list of names
    or of tables with a name and arguments, a module of it, or "module:attribute". The default is none.
    """

    def __post_init__(self) -> None:
        if self.transforms is not None:
            from trainables.data.transforms import described

            object.__setattr__(self, "transforms", described(self.transforms))
        check_flag("augment", self.augment)
        check_flag("flip", self.flip)
        check_number("cutout", self.cutout, 0, whole=True)
        if self.shift is not None:
            check_number("shift", self.shift, 0, whole=True)

    def augmentation(self, data: ImageData) -> Augmentation:
        """Choose the augmentation for a data set. The default shift is an eighth of the shorter side of the images.

        Args:
            data: the data set.

        Returns:
            The augmentation; none where `augment` is off.
        """
        if not self.augment:
            return Augmentation()
        transform = self.transform()
        usual = min(data.image_size) // 8 if transform is None else 0
        return Augmentation(usual if self.shift is None else self.shift, self.flip, self.cutout, transform=transform)

    def transform(self) -> Transform | None:
        """Build the transforms.

        Returns:
            A function of one image; None where there are no transforms.

        Raises:
            TrainableError: a "module:attribute" cannot be imported, or is not a transform.
        """
        if self.transforms is None:
            return None
        from trainables.data.transforms import built

        return built(self.transforms)


class ViewsKeywords(TypedDict, total=False):
    """The types of the settings of `Views` as keyword arguments."""

    augment: bool
    shift: int | None
    flip: bool
    cutout: int
    transforms: object


def shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Move each image by a random number of pixels along both axes; zeros come in.

    Args:
        images: (n, c, h, w).
        most: the largest move in pixels, in each direction.
        generator: random numbers, on the device of the images.

    Returns:
        A new tensor of the same shape.
    """
    if images.dim() == 5:
        return _shifted_volumes(images, most, generator)
    count, channels, height, width = images.shape
    device = images.device
    padded = functional.pad(images, (most, most, most, most)).contiguous()
    down, right = torch.randint(2 * most + 1, (2, count, 1, 1), generator=generator, device=device)
    planes = torch.arange(count * channels, device=device).view(count, channels, 1)
    rows = planes * padded.shape[2] + torch.arange(height, device=device) + down
    first = rows * padded.shape[3] + right
    # Every run of `width` pixels of the padded images is a row of this view; whole rows are copied.
    runs = padded.view(-1).unfold(0, width, 1)
    return runs.index_select(0, first.flatten()).view(count, channels, height, width)


def _shifted_volumes(volumes: Tensor, most: int, generator: torch.Generator) -> Tensor:
    sides = volumes.shape[2:]
    padded = functional.pad(volumes, (most,) * (2 * len(sides)))
    drawn = torch.randint(2 * most + 1, (len(volumes), len(sides)), generator=generator, device=volumes.device)
    moved: list[Tensor] = []
    for volume, starts in zip(padded, drawn.tolist(), strict=True):
        place = [slice(start, start + side) for start, side in zip(starts, sides, strict=True)]
        moved.append(volume[(slice(None), *place)])
    return torch.stack(moved)


def flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with a probability of one half.

    Args:
        images: (n, c, h, w).
        generator: random numbers, on the device of the images.

    Returns:
        A new tensor of the same shape.
    """
    count, device = len(images), images.device
    mirrored = torch.randint(2, (count,), generator=generator, device=device)
    both = torch.cat((images, images.flip(-1)))
    return both.index_select(0, torch.arange(count, device=device) + count * mirrored)


def cut_out(images: Tensor, side: int, fill: float, generator: torch.Generator) -> Tensor:
    """Set a square around a random centre of each image to one value; the square is cut off at the borders.

    Args:
        images: (n, c, h, w).
        side: side of the square in pixels.
        fill: the value.
        generator: random numbers, on the device of the images.

    Returns:
        A new tensor of the same shape.
    """
    count, _, *sides = images.shape
    inside = torch.ones((count, 1, *[1] * len(sides)), dtype=torch.bool, device=images.device)
    for axis, length in enumerate(sides):
        shape = [count, 1, *[1] * len(sides)]
        shape[2 + axis] = length
        inside = inside & _band(length, side, count, generator, images.device).view(shape)
    return images.masked_fill(inside, fill)


def _band(length: int, side: int, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw `side` consecutive positions around a random one, for each image: (count, length), bool."""
    first = torch.randint(length, (count, 1), generator=generator, device=device) - side // 2
    positions = torch.arange(length, device=device)
    return (positions >= first) & (positions < first + side)
