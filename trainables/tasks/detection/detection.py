"""The task `detection`: boxes with classes in images, measured by average precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from search_spaces.catalogue.detector import backbone_of
from trainables.data.boxes import (
    BoxData,
    BoxSettings,
    box_checksum,
    box_classes,
    described_boxes,
    fitting_frame,
    load_boxes,
)
from trainables.data.boxes.unlabelled import beside_truth, drawn_boxes, in_pixels_of, read_pictures
from trainables.data.boxes.views import BoxViews
from trainables.errors import TrainableError
from trainables.metrics import Metric
from trainables.networks import NETWORKS, space_name
from trainables.networks.detector.features import backbones, check_backbone
from trainables.networks.examples import boxed_images
from trainables.settings import check_number
from trainables.settings.groups import flat_settings, group
from trainables.tasks.detection.decoding import Found, found_boxes
from trainables.tasks.detection.losses import detection_loss, learned_from
from trainables.tasks.detection.meter import MAP, MAP50, BoxMeter, class_metrics
from trainables.tasks.detection.outputs import Outputs, check_outputs
from trainables.tasks.meters import Joined, Means
from trainables.tasks.task import Meter, Task

__all__ = ["Detection", "PicturesOf"]

_MOST = 100
"""The most boxes of an image, as in the evaluation of COCO."""
_SINCE = ("validation_groups", "folds", "fold")
"""Settings that earlier versions did not have."""
_LOSS = Metric("loss", "min", low=0.0)


@dataclass(frozen=True)
class PicturesOf:
    """What an exported network has of its data.

    Attributes:
        classes: the names of the classes in order.
        image_size: height and width of the images that the network takes.
    """

    classes: tuple[str, ...]
    image_size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Detection(Task):
    """Boxes with classes in images."""

    name: ClassVar[str] = "detection"
    primary: ClassVar[str] = MAP50.name
    fixed_settings: ClassVar[Collection[str]] = frozenset({*flat_settings(BoxSettings)}) - {"resize"}

    data: BoxSettings = field(default_factory=BoxSettings, metadata=group(BoxSettings))
    """Which images, how large, and how they are split."""
    views: BoxViews = field(default_factory=BoxViews, metadata=group(BoxViews))
    """How images and their boxes are changed at random while the network trains."""
    overlap: float = 0.5
    """The intersection over the union above which the less sure of two boxes of a class is dropped."""
    least_score: float = 0.05
    """The score that a box has at least to be measured."""
    shown_score: float = 0.3
    """The score that a box has at least in predictions for people."""

    def __post_init__(self) -> None:
        for name in ("overlap", "least_score", "shown_score"):
            check_number(name, getattr(self, name), 0, 1)

    @property
    def metrics(self) -> Sequence[Metric]:
        """`map50`, `map`, the average precision of each class, and the loss; reads the names of the classes."""
        return (MAP50, MAP, *class_metrics(box_classes(self.data)), _LOSS)

    def load(self, device: torch.device) -> BoxData:
        """Load the images; later calls with equal settings take them from memory."""
        return load_boxes(self.data, device)

    def augment(
        self, inputs: Tensor, targets: dict[str, Tensor], data: BoxData, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Flip, scale and shift images with their boxes."""
        return self.views(inputs, targets, data.mean, generator)

    def loss(self, outputs: Outputs, targets: dict[str, Tensor], data: BoxData) -> Tensor:
        """Compute the loss of the kind of network, see `trainables.tasks.detection.losses`."""
        check_outputs(outputs)
        return detection_loss(outputs, targets)

    def meter(self, data: BoxData, names: Sequence[str]) -> Meter:
        """Measure average precision, and the mean loss of an image."""
        decode = partial(self._found, size=data.image_size, least=self.least_score)
        boxes = BoxMeter(data.classes, names, decode)
        return Joined([boxes, Means({"loss": _summed}, names)])

    def _found(self, outputs: Outputs, *, size: tuple[int, int], least: float) -> list[Found]:
        return found_boxes(outputs, least=least, overlap=self.overlap, most=_MOST, size=size)

    def distillation(self, outputs: Outputs, teacher: Outputs, data: BoxData) -> Tensor:
        """Compute the cross-entropy against the scores of the teacher, and the difference from its boxes."""
        return learned_from(outputs, teacher)

    def decode(self, outputs: Outputs, data: BoxData | PicturesOf) -> list[list[dict[str, Any]]]:
        """List the boxes of each image, the surest first: `label`, `score`, and `box` in pixels."""
        return [
            _written(one, data.classes) for one in self._found(outputs, size=data.image_size, least=self.shown_score)
        ]

    def located(
        self, values: Sequence[Sequence[Mapping[str, Any]]], x: Any, like: Tensor
    ) -> list[list[dict[str, Any]]]:
        """Bring boxes to the pixels of the pictures that were given, which may have another size."""
        return in_pixels_of(values, x, (int(like.shape[2]), int(like.shape[3])), self.data.image_column)

    def draw(
        self, values: Sequence[Sequence[Mapping[str, Any]]], x: Any, target: Path, classes: Sequence[str]
    ) -> list[Path]:
        """Draw predicted boxes into the pictures.

        Args:
            values: what `located` returned.
            x: the pictures, as they were given.
            target: the file to write; of several pictures each has its number before the ending.
            classes: the names of all classes, each of which has a colour.

        Returns:
            The files that were written.
        """
        return drawn_boxes(values, x, target, classes, self.data.image_column)

    def pictures(self, inputs: Tensor, targets: dict[str, Tensor], outputs: Outputs, data: BoxData) -> dict[str, bytes]:
        """Draw for each image the true boxes beside the predicted ones."""
        found: dict[str, bytes] = {}
        for number, predicted in enumerate(self.decode(outputs, data)):
            rows = zip(targets["labels"][number].tolist(), targets["boxes"][number].tolist(), strict=True)
            true = [{"label": data.classes[label], "box": box} for label, box in rows if label >= 0]
            title = f"image {number}: truth, prediction"
            found[title] = beside_truth(inputs[number], true, predicted, data.classes)
        return found

    def recipe(self) -> dict[str, object]:
        """Train by AdamW with small batches; the sums of the loss need bounded gradients."""
        return {"optimizer": "adamw", "lr": 3e-3, "weight_decay": 1e-4, "batch_size": 8, "grad_clip": 10.0}

    def starting(self) -> dict[str, object]:
        """Bring images of several sizes, and large ones, to one size that a first search can afford."""
        frame = fitting_frame(self.data)
        return {} if frame is None else {"resize": list(frame)}

    def full_recipe(self) -> dict[str, object]:
        """Train the winner on the validation images too."""
        return {"whole": True}

    def exported(self, data: BoxData) -> dict[str, Any]:
        """Return how raw images are standardized, and what the outputs are."""
        return {
            "mean": tuple(data.mean.flatten().tolist()),
            "std": tuple(data.std.flatten().tolist()),
            "raw_dtype": "uint8",
            "raw_range": (0.0, 255.0),
            "meanings": {
                "input": "images, scaled to fit and filled with grey (114) around",
                "output": "boxes: left, top, right, bottom in pixels, before overlapping ones are dropped; scores: a "
                "logit for each class",
            },
            "reading": {"image_size": list(data.image_size)},
            "pipeline": "object-detection",
        }

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> PicturesOf:
        """Make what `decode` needs."""
        height, width = reading["image_size"]
        return PicturesOf(tuple(classes), (int(height), int(width)))

    def read(self, x: Any, like: Tensor, data: BoxData | PicturesOf) -> tuple[Tensor, Sequence[str]]:
        """Read pictures of any size: arrays, a file or folder of images, or Parquet files."""
        return read_pictures(x, tuple(like.shape[1:]), self.data.image_column)

    def check_space(self, space: object) -> None:
        """Check that the networks of a space find boxes, and that those of another space can be their backbones."""
        name = space_name(space)
        if name in NETWORKS.built_in() and NETWORKS.get(name).example is not boxed_images:
            known = ", ".join(one for one in NETWORKS.built_in() if NETWORKS.get(one).example is boxed_images)
            as_backbone = f'; {{"name": "detector", "backbone": "{name}"}} takes its networks as backbones'
            raise TrainableError(
                f"the networks of {name} find no boxes; give one of the spaces that do: {known}"
                f"{as_backbone if name in backbones() else ''}"
            )
        backbone = backbone_of(space)
        if backbone is not None:
            check_backbone(backbone)

    def about(self) -> list[str]:
        """Describe the images, their boxes, and what was noticed."""
        return described_boxes(self.data)

    def checksum(self) -> str:
        """Compute a checksum of all images and boxes, however they are split."""
        return box_checksum(self.data)

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name, but groups and folds that are None, and when images are decoded."""
        values: dict[str, object] = {"overlap": self.overlap, "least_score": self.least_score}
        for title, held in (("data", self.data), ("views", self.views)):
            for one in dataclasses.fields(held):
                value = getattr(held, one.name)
                if one.name in ("stream", "loaders") or (one.name in _SINCE and value is None):
                    continue
                values[f"{title}.{one.name}"] = value if isinstance(value, int | float | None) else str(value)
        return values


def _summed(outputs: Outputs, targets: dict[str, Tensor]) -> Tensor:
    return detection_loss(outputs, targets) * len(targets["labels"])


def _written(found: Found, classes: Sequence[str]) -> list[dict[str, Any]]:
    rows = zip(found.labels.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True)
    return [{"label": classes[label], "score": score, "box": box} for label, score, box in rows]
