"""How the outputs of a supernet are judged: by a task, on the data that it has loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from trainables.tasks.classification import Classification
from trainables.tasks.task import Task
from trainables.training.batches import Batch

__all__ = ["Criterion"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a search minimizes and maximizes.

    Attributes:
        task: what is learned; by default classes, by plain cross-entropy.
        data: what the task loaded; None where the task needs no data for its loss.
    """

    task: Task = field(default_factory=lambda: Classification(label_smoothing=0.0))
    data: Any = None

    def loss(self, outputs: Batch, targets: Batch) -> Tensor:
        """Compute the loss of the task.

        Args:
            outputs: outputs of the network for a batch.
            targets: the targets of the same examples.

        Returns:
            The mean loss over the batch, a scalar that has a gradient.
        """
        return self.task.loss(outputs, targets, self.data)

    def reward(self, outputs: Batch, targets: Batch) -> Tensor:
        """Compute the reward of the task.

        Args:
            outputs: outputs of the network for a batch.
            targets: the targets of the same examples.

        Returns:
            A scalar; greater is better.
        """
        return self.task.reward(outputs, targets, self.data)

    def distillation(self, outputs: Batch, teacher: Batch) -> Tensor:
        """Compute the loss by which a network learns the outputs of another one.

        Args:
            outputs: outputs of the network that learns.
            teacher: outputs of the network that teaches, detached.

        Returns:
            The mean loss over the batch, a scalar that has a gradient.
        """
        return self.task.distillation(outputs, teacher, self.data)

    def score(self, metrics: Mapping[str, float]) -> float:
        """Read the primary metric of the task so that greater is better.

        Args:
            metrics: the metrics of an evaluation.

        Returns:
            The metric, with the opposite sign where less is better; minus infinity where it has no value.
        """
        value = metrics.get(self.task.primary, math.nan)
        if math.isnan(value):
            return -math.inf
        is_max = any(one.name == self.task.primary and one.mode == "max" for one in self.task.metrics)
        return value if is_max else -value
