"""Regression of images: one or several numbers for each, mean squared error of standardized targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.data.images import Raw
from trainables.data.loading import load_numbers
from trainables.data.reading import load_raw_numbers
from trainables.data.targets import ImageNumbers
from trainables.metrics import SQUARED_ERROR, Metric, errors_in
from trainables.tasks.image_task import ImageTask
from trainables.tasks.meters import Errors, in_units

__all__ = ["Regression"]


@dataclass(frozen=True, kw_only=True)
class Regression(ImageTask):
    """Numbers for each image.

    Networks learn targets that are standardized by the training images. Metrics, `decode` and exported files have the
    units of the targets.
    """

    name: ClassVar[str] = "regression"
    primary: ClassVar[str] = "rmse"
    unit: str = ""
    """The unit of the targets, such as "mm", which is shown beside the errors."""

    def __post_init__(self) -> None:
        super().__post_init__()
        errors_in(self.unit)  # refuses what is not a unit

    @property
    def metrics(self) -> Sequence[Metric]:
        """Errors in units of the targets, and the loss."""
        return (*errors_in(self.unit), SQUARED_ERROR)

    def load(self, device: torch.device) -> ImageNumbers:
        """Load the images; later calls with equal settings take them from memory."""
        return load_numbers(self.data, device)

    def raw(self) -> Raw:
        """Read the images without splitting them."""
        return load_raw_numbers(self.data)

    def loss(self, outputs: Tensor, targets: Tensor, data: ImageNumbers) -> Tensor:
        """Compute the mean squared error of standardized targets."""
        found, wanted = self.for_loss(outputs, targets, data)
        return (found - wanted).square().mean()

    def for_loss(self, outputs: Tensor, targets: Tensor, data: ImageNumbers) -> tuple[Tensor, Tensor]:
        """Standardize the targets, as the outputs are."""
        return outputs.float(), (targets - data.target_mean) / data.target_std

    def regressed(self, targets: Tensor, data: ImageNumbers) -> Tensor:
        """Standardize the targets."""
        return (targets - data.target_mean) / data.target_std

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: ImageNumbers) -> tuple[Tensor, Tensor]:
        """Bring the outputs to the units of the targets: (n,) for one number each, else (n, k)."""
        return in_units(outputs, targets, data.target_mean, data.target_std)

    def meter(self, data: ImageNumbers, names: Sequence[str]) -> Errors:
        """Measure errors in the units of the targets, and `loss`, the mean squared error of standardized targets."""
        return Errors(data.target_mean, data.target_std, names)

    def decode(self, outputs: Tensor, data: ImageNumbers) -> list[Any]:
        """Return the number of each image in the units of the targets; lists of numbers where there are several."""
        values = outputs.float() * data.target_std + data.target_mean
        return (values[:, 0] if values.shape[1] == 1 else values).tolist()

    def exported(self, data: Any) -> dict[str, Any]:
        """Return how raw images are standardized, their type and range, and the scale of the outputs."""
        return {
            **super().exported(data),
            "output_mean": tuple(data.target_mean.tolist()),
            "output_std": tuple(data.target_std.tolist()),
        }
