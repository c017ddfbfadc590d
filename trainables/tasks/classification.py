"""Classification of images: one class for each, cross-entropy, accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data import DataSettings, ImageData, Views, check_data, described, load, load_raw
from trainables.metrics import Metric
from trainables.networks import check_images
from trainables.settings import check_number
from trainables.settings.groups import group
from trainables.tasks.meters import Means
from trainables.tasks.task import Task
from trainables.training.batches import Batch
from trainables.trial.checkpoint import named

__all__ = ["CUTOUT_SHARE", "LABEL_SMOOTHING", "Classification"]

LABEL_SMOOTHING = 0.1
CUTOUT_SHARE = 4
"""In a full recipe the square that cutout clears has a quarter of the image's side."""


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """One of several classes for each image."""

    name: ClassVar[str] = "classification"
    primary: ClassVar[str] = "accuracy"
    metrics: ClassVar[Sequence[Metric]] = (
        Metric("accuracy", "max", low=0.0, high=1.0, is_share=True),
        Metric("loss", "min", "nats", low=0.0),
    )

    data: DataSettings = field(default_factory=DataSettings, metadata=group(DataSettings))
    """Which images, and how they are parted."""
    views: Views = field(default_factory=Views, metadata=group(Views))
    """How images are changed at random while the network trains."""
    label_smoothing: float = 0.1
    """The share of the target that is spread over all classes in training (Szegedy et al. 2016, 1512.00567)."""

    def __post_init__(self) -> None:
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)

    def load(self, device: torch.device) -> ImageData:
        """Load the images; later calls with equal settings take them from memory."""
        return load(self.data, device)

    def augment(
        self, inputs: Tensor, targets: Tensor, data: ImageData, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Make random views of the images."""
        return self.views.augmentation(data)(inputs, generator), targets

    def heads(self, outputs: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        """Separate the logits from those of auxiliary heads, which follow them in a tuple."""
        logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        return logits, auxiliary

    def loss(self, outputs: Tensor, targets: Tensor, data: ImageData) -> Tensor:
        """Compute the mean cross-entropy in nats, with the label smoothing."""
        return functional.cross_entropy(outputs.float(), targets, label_smoothing=self.label_smoothing)

    def meter(self, data: ImageData, names: Sequence[str]) -> Means:
        """Measure accuracy and cross-entropy, the latter without label smoothing."""
        return Means({"accuracy": _hits, "loss": _nats}, names)

    def decode(self, outputs: Tensor, data: ImageData) -> list[str]:
        """Name the most likely class of each image."""
        return [data.classes[index] for index in outputs.argmax(1).tolist()]

    def full_recipe(self) -> dict[str, object]:
        """Choose the recipe of the field for small images (Zoph et al. 2018, 1707.07012; Liu et al. 2019, 1806.09055).

        All images but the test images, cutout and label smoothing.
        """
        cutout = max(1, min(self.image_shape()[1:]) // CUTOUT_SHARE)
        return {"whole": True, "cutout": cutout, "label_smoothing": LABEL_SMOOTHING}

    def image_shape(self) -> tuple[int, int, int]:
        """Load the images and read their shape.

        Returns:
            Channels, height and width.
        """
        channels, height, width = load_raw(self.data).train.images.shape[1:]
        return int(channels), int(height), int(width)

    def exported(self, data: ImageData) -> dict[str, Any]:
        """Return how raw images are standardized, and their type and range."""
        images = data.train.images
        return {
            "mean": tuple(data.mean.flatten().tolist()),
            "std": tuple(data.std.flatten().tolist()),
            "raw_dtype": str(images.dtype).removeprefix("torch."),
            "raw_range": (float(images.min()), float(images.max())),
        }

    def check_space(self, space: object) -> None:
        """Refuse a space whose networks take no images."""
        check_images(space)

    def check(self) -> None:
        """Check that the images can be read and split, unless they still have to be downloaded."""
        check_data(self.data)

    def about(self) -> list[str]:
        """Describe the images and how they are split."""
        return described(self.data)

    def checksum(self) -> str:
        """Compute a checksum of all images and labels, whatever the split."""
        return load_raw(self.data).checksum()

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        return {"label_smoothing": self.label_smoothing, **named(data=self.data, views=self.views)}


def _hits(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).sum()


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.float(), targets) * len(targets)
