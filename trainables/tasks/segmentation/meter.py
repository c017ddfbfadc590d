"""Metrics of a segmentation: Dice, Dice of each class, volume error, loss, and the 95 % Hausdorff distance.

A case is a scan. The Dice of a class in a case is twice the number of positions that both truth and prediction give the
class, by the sum of their numbers; it is absent where neither has the class. `dice` is the mean of a class over the
cases in which it is not absent, then over the classes other than the background.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainables.metrics import Metric
from trainables.tasks.class_metrics import class_metric_names
from trainables.tasks.segmentation.surfaces import hd95
from trainables.training.parallel import Group

__all__ = ["DICE", "HD95", "SegmentationMeter", "metrics_of_classes"]

DICE, HD95, VOLUME_ERROR, LOSS = "dice", "hd95", "volume_error", "loss"
_SUMS = 4
"""Sums of a class: of Dice, of cases with a Dice, of the distances of predicted and true volumes, and of true volumes;
then of predicted positions, of Hausdorff distances, and of cases with such a distance.
"""
_ROWS = _SUMS + 3


def metrics_of_classes(classes: Sequence[str], unit: str) -> tuple[Metric, ...]:
    """Declare the metrics.

    Args:
        classes: the names of the classes, the background first.
        unit: of distances.

    Returns:
        The primary one first. Classes whose names are one when written as a metric have their numbers in it.
    """
    names = class_metric_names(DICE, classes[1:], 1)
    of_classes = [Metric(name, "max", low=0.0, high=1.0) for name in names]
    return (
        Metric(DICE, "max", low=0.0, high=1.0),
        Metric(LOSS, "min", "nats", low=0.0),
        *of_classes,
        Metric(VOLUME_ERROR, "min", low=0.0),
        Metric(HD95, "min", unit, low=0.0, on_request=True),
    )


class SegmentationMeter:
    """Measures one pass over scans.

    Args:
        classes: the names of the classes, the background first.
        metrics: all metrics, see `metrics_of_classes`.
        names: those to measure.
        spacing: the distance of two positions along each axis.
        device: of the outputs.
    """

    def __init__(
        self,
        classes: Sequence[str],
        metrics: Sequence[Metric],
        names: Sequence[str],
        spacing: Sequence[float],
        device: torch.device,
    ) -> None:
        self._classes, self._names, self._spacing = tuple(classes), tuple(names), tuple(spacing)
        self._of_classes = [one.name for one in metrics if one.name.startswith(f"{DICE}_")]
        kind = torch.float32 if device.type == "mps" else torch.float64
        self._sums = torch.zeros((_ROWS, len(classes) - 1), dtype=kind, device=device)
        self._loss = torch.zeros(2, dtype=kind, device=device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            outputs: (n, classes, ...), logits.
            targets: (n, ...), numbers of classes.
        """
        if LOSS in self._names:
            entropy = functional.cross_entropy(outputs.float(), targets.long())
            self._loss += torch.stack([entropy.to(self._loss) * len(targets), self._loss.new_tensor(len(targets))])
        found = outputs.argmax(1)
        for row in range(1, len(self._classes)):
            predicted, true = (found == row).flatten(1), (targets == row).flatten(1)
            both = (predicted & true).sum(1).to(self._sums)
            volume, truth = predicted.sum(1).to(self._sums), true.sum(1).to(self._sums)
            there = volume + truth > 0
            dice = torch.where(there, 2 * both / (volume + truth).clamp(min=1), 0)
            sums = [dice.sum(), there.sum(), (volume - truth).abs().sum(), truth.sum(), volume.sum()]
            self._sums[: _SUMS + 1, row - 1] += torch.stack([one.to(self._sums) for one in sums])
        if HD95 in self._names:
            self._add_distances(found.cpu(), targets.cpu())

    def _add_distances(self, found: Tensor, targets: Tensor) -> None:
        for one, wanted in zip(found.numpy(), targets.numpy(), strict=True):
            for row in range(1, len(self._classes)):
                distance = hd95(one == row, wanted == row, self._spacing)
                if distance is not None:
                    self._sums[_SUMS + 1 :, row - 1] += self._sums.new_tensor([distance, 1.0])

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        if group.alone:
            return
        together = torch.cat((self._sums.flatten(), self._loss)).to(device)
        group.sum_([together])
        together = together.to(self._sums.device)
        self._sums, self._loss = together[:-2].view_as(self._sums), together[-2:]

    def result(self) -> dict[str, float]:
        """Compute the metrics; waits for the device.

        Returns:
            The values by name. What is absent in all cases is left out.
        """
        sums, (loss, count) = self._sums.cpu().double(), self._loss.tolist()
        dice, cases, wrong, truth, _, distance, measured = sums
        values: dict[str, float] = {}
        present = cases > 0
        if present.any():
            of_classes = dice / cases.clamp(min=1)
            values[DICE] = float(of_classes[present].mean())
            for name, value, there in zip(self._of_classes, of_classes.tolist(), present.tolist(), strict=True):
                if there:
                    values[name] = value
        if count:
            values[LOSS] = loss / count
        if (truth > 0).any():
            values[VOLUME_ERROR] = float((wrong / truth.clamp(min=1))[truth > 0].mean())
        if (measured > 0).any():
            values[HD95] = float((distance / measured.clamp(min=1))[measured > 0].mean())
        return {name: values[name] for name in self._names if name in values}

    def remarks(self) -> list[str]:
        """Notice classes that are never predicted although they are there.

        Returns:
            One line for each such class.
        """
        sums = self._sums.cpu()
        found: list[str] = []
        for place, name in enumerate(self._classes[1:]):
            if sums[3, place] > 0 and sums[_SUMS, place] == 0:
                found.append(
                    f"class {name} is never predicted, although {int(sums[3, place]):,} positions have it; lower lr, "
                    "raise dice_weight, or train longer"
                )
        return found
