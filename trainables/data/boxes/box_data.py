"""Images with boxes in three parts, on a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainables.data.parts import part_named
from trainables.data.pixels import Images, chosen_images, joined
from trainables.data.streaming import read_ahead

__all__ = ["BoxData", "BoxPart"]


@dataclass(frozen=True)
class BoxPart:
    """The images of one part with their boxes.

    Attributes:
        images: (n, c, h, w), uint8, in memory, shared by folds, or streamed.
        boxes: (n, m, 4), float32, left, top, right and bottom in pixels; zeros where an image has fewer than m.
        labels: (n, m), int64, the numbers of their classes; -1 where an image has fewer boxes than m.
    """

    images: Images
    boxes: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Take images with their boxes.

        Args:
            index: (k,), int64, numbers of images in any order.

        Returns:
            The images (k, c, h, w), and a dict of `boxes` (k, m, 4) and `labels` (k, m).
        """
        targets = {"boxes": self.boxes.index_select(0, index), "labels": self.labels.index_select(0, index)}
        return self.images.index_select(0, index), targets

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        """Take batches in order. Streamed images are decoded ahead.

        Args:
            batches: for each, the numbers of its images, (k,), int64.

        Yields:
            Images and boxes of each, as `rows` returns them.
        """
        for images, boxes, labels in read_ahead((self.images, self.boxes, self.labels), batches):
            yield images, {"boxes": boxes, "labels": labels}

    def shared(self, rows: Tensor) -> BoxPart:
        """Choose images without a copy of them.

        Args:
            rows: (k,), int64, their numbers.

        Returns:
            A part that shares their memory.
        """
        index = rows.to(self.boxes.device)
        return BoxPart(chosen_images(self.images, index), self.boxes[index], self.labels[index])

    def take(self, rows: Tensor) -> BoxPart:
        """Choose images.

        Args:
            rows: (k,), int64, their numbers.

        Returns:
            A part with a copy of them, unless they are streamed.
        """
        return BoxPart(self.images[rows], self.boxes[rows], self.labels[rows])

    def joined(self, other: BoxPart) -> BoxPart:
        """Append the images of another part.

        Args:
            other: the other part, with images of the same shape.

        Returns:
            Both.
        """
        return BoxPart(
            joined(self.images, other.images),
            torch.cat((self.boxes, other.boxes)),
            torch.cat((self.labels, other.labels)),
        )

    def to(self, device: torch.device) -> BoxPart:
        """Move the part to a device.

        Args:
            device: the device.

        Returns:
            The part there.
        """
        return BoxPart(self.images.to(device), self.boxes.to(device), self.labels.to(device))


@dataclass(frozen=True)
class BoxData:
    """Images with boxes in three parts.

    Attributes:
        name: the name or path of the data.
        train: the images for training.
        validation: the images for validation; none where training uses them too.
        test: the images for the test.
        classes: the names of the classes in the order of their numbers.
        mean: (1, c, 1, 1), of the training images.
        std: (1, c, 1, 1), standard deviation of the same.
        notes: for people.
        groups: the number of the group of each image, (n,), by the name of the part; empty without groups.
    """

    name: str
    train: BoxPart
    validation: BoxPart
    test: BoxPart
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    notes: Sequence[str] = ()
    groups: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        """The device of the images."""
        return self.train.images.device

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of all images."""
        height, width = self.train.images.shape[2:]
        return int(height), int(width)

    def split(self, name: str) -> BoxPart:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one image.

        Raises:
            DataError: there is no such part, or it has no image.
        """
        part: BoxPart = part_named(self, name, "image")
        return part

    def arguments(self) -> Mapping[str, Any]:
        """Return what a network for these images is built with.

        Returns:
            `num_classes`, `in_channels`, and `image_size`, height and width.
        """
        channels = int(self.train.images.shape[1])
        return {"num_classes": len(self.classes), "in_channels": channels, "image_size": self.image_size}

    def normalize(self, inputs: Tensor) -> Tensor:
        """Standardize images by mean and deviation of each channel over all training images.

        Args:
            inputs: (n, c, h, w), from 0 to 255.

        Returns:
            The same as float32 numbers.
        """
        return (inputs.float() - self.mean) / self.std

    def example(self) -> Tensor:
        """Return the first training image, as networks take it.

        Returns:
            (1, c, h, w), float32.
        """
        return self.normalize(self.train.rows(torch.arange(1, device=self.device))[0])
