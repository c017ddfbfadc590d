"""A meter of detected boxes: it keeps what was found in every image, and measures average precision at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trainables.metrics import Metric
from trainables.tasks.class_metrics import class_metric_names
from trainables.tasks.detection.average_precision import Boxes, average_precisions
from trainables.tasks.detection.decoding import Found
from trainables.tasks.detection.outputs import Outputs
from trainables.tasks.gathering import rows_of_all
from trainables.training.parallel import Group

__all__ = ["MAP", "MAP50", "BoxMeter", "class_metrics"]

MAP50 = Metric("map50", "max", low=0.0, high=1.0)
"""The mean over the classes of the average precision, where a box is found from an overlap of a half."""
MAP = Metric("map", "max", low=0.0, high=1.0)
"""The same, also averaged over overlaps from 0.5 to 0.95."""
_NUMBERS = 7


def class_metrics(classes: Sequence[str]) -> tuple[Metric, ...]:
    """Declare the average precision of each class at an overlap of a half.

    Args:
        classes: the names of the classes.

    Returns:
        `ap50_<class>`, see `trainables.tasks.class_metrics`.
    """
    return tuple(Metric(name, "max", low=0.0, high=1.0) for name in class_metric_names("ap50", classes))


class BoxMeter:
    """Measures `map50`, `map` and the average precision of each class.

    Args:
        classes: the names of the classes.
        names: the metrics to measure.
        decode: finds the boxes of each image in outputs.
    """

    def __init__(self, classes: Sequence[str], names: Sequence[str], decode: Callable[[Outputs], list[Found]]) -> None:
        self._classes, self._decode = len(classes), decode
        self._of_classes = [metric.name for metric in class_metrics(classes)]
        self._names = [name for name in names if name in (MAP50.name, MAP.name, *self._of_classes)]
        self._found: list[Tensor] = []
        self._true: list[Tensor] = []
        self._images = 0

    def add(self, outputs: Outputs, targets: dict[str, Tensor]) -> None:
        """Add a batch.

        Args:
            outputs: outputs of the network, detached.
            targets: the boxes and labels of the same images.
        """
        if not self._names:
            return
        for number, one in enumerate(self._decode(outputs), self._images):
            self._found.append(_rows(number, one.labels, one.scores, one.boxes))
        boxes, labels = targets["boxes"], targets["labels"]
        image, place = (labels >= 0).nonzero(as_tuple=True)
        mine = labels[image, place]
        self._true.append(_rows(image + self._images, mine, torch.zeros_like(mine), boxes[image, place]))
        self._images += len(labels)

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all images of all processes, in the order of their ranks.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        if group.alone or not self._names:
            return
        counts = torch.zeros(group.size, dtype=torch.int64, device=device)
        counts[group.rank] = self._images
        group.sum_([counts])
        before = int(counts[: group.rank].sum())
        for name in ("_found", "_true"):
            mine = _joined(getattr(self, name)).to(device)
            mine[:, 0] += before
            setattr(self, name, [rows_of_all(mine, group, device)])
        self._images = int(counts.sum())

    def result(self) -> dict[str, float]:
        """Compute the metrics; waits for the device.

        Returns:
            The values by name. A class that no image has is left out, and from the means as well.
        """
        if not self._names or not self._images:
            return {}
        found, true = _joined(self._found).cpu(), _joined(self._true).cpu()
        values = average_precisions(_boxes(found), _boxes(true), self._classes)
        measured = {MAP50.name: _mean(values[0]), MAP.name: _mean(values)}
        measured |= dict(zip(self._of_classes, values[0].tolist(), strict=True))
        return {name: measured[name] for name in self._names if measured[name] == measured[name]}


def _rows(image: int | Tensor, labels: Tensor, scores: Tensor, boxes: Tensor) -> Tensor:
    """(k, 7), the number of the image, the class, the score and the box of each."""
    found = torch.empty((len(labels), _NUMBERS), dtype=torch.float64)
    found[:, 0], found[:, 1], found[:, 2], found[:, 3:] = image, labels, scores, boxes
    return found


def _joined(rows: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(rows)) if rows else torch.empty((0, _NUMBERS), dtype=torch.float64)


def _boxes(rows: Tensor) -> Boxes:
    return Boxes(rows[:, 0].long(), rows[:, 1].long(), rows[:, 3:], rows[:, 2])


def _mean(values: Tensor) -> float:
    """The mean of those that are numbers; NaN where none is."""
    return float(values[~values.isnan()].mean())
