"""A task: classification whose metric is the share of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data import ImageData
from trainables.metrics import Metric
from trainables.tasks.image_task import ImageTask
from trainables.tasks.meters import Means

__all__ = ["Twigs"]


class Twigs(ImageTask):
    """Which twig an image shows."""

    name, primary = "twig_task", "error"
    metrics: ClassVar[Sequence[Metric]] = (Metric("error", "min", low=0.0, high=1.0, is_share=True),)

    def loss(self, outputs: Tensor, targets: Tensor, data: ImageData) -> Tensor:
        """Cross-entropy in nats."""
        return functional.cross_entropy(outputs, targets)

    def meter(self, data: ImageData, names: Sequence[str]) -> Means:
        """Count the errors."""
        return Means({"error": lambda outputs, targets: torch.ne(outputs.argmax(1), targets).sum()}, names)
