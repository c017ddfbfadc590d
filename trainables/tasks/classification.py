"""Classification of images: one class for each, cross-entropy, accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from trainables.data import ImageData
from trainables.metrics import Metric
from trainables.settings import check_number
from trainables.tasks.image_task import ImageTask
from trainables.tasks.meters import Means

__all__ = ["LABEL_SMOOTHING", "Classification"]

LABEL_SMOOTHING = 0.1


@dataclass(frozen=True, kw_only=True)
class Classification(ImageTask):
    """One of several classes for each image."""

    name: ClassVar[str] = "classification"
    primary: ClassVar[str] = "accuracy"
    metrics: ClassVar[Sequence[Metric]] = (
        Metric("accuracy", "max", low=0.0, high=1.0, is_share=True),
        Metric("loss", "min", "nats", low=0.0),
    )

    label_smoothing: float = LABEL_SMOOTHING
    """The share of the target that is spread over all classes in training (Szegedy et al. 2016, 1512.00567)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)

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
        """Add label smoothing to the recipe of all tasks of images."""
        return {**super().full_recipe(), "label_smoothing": LABEL_SMOOTHING}

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        return {"label_smoothing": self.label_smoothing, **super().identity()}


def _hits(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).sum()


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.float(), targets) * len(targets)
