"""Classification of images: one class for each, or several; on wish class weights and further metrics.

Where an image may have several classes, the targets are 0 or 1 for each class (`trainables.tasks.multi_label`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, ClassVar, cast

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data import ImageData, Raw, load_images, load_raw
from trainables.data.loading import load_multi
from trainables.data.reading import load_raw_multi, several_classes
from trainables.errors import TrainableError
from trainables.metrics import ACCURACY, CROSS_ENTROPY, Metric
from trainables.settings import check_flag, check_name, check_number
from trainables.tasks import multi_label
from trainables.tasks.gathering import GatheringMeter, Whole
from trainables.tasks.image_task import ImagesOf, ImageTask
from trainables.tasks.meters import Joined, Means, Sum
from trainables.tasks.table_metrics import auc
from trainables.tasks.task import Meter

__all__ = ["LABEL_SMOOTHING", "Classification"]

LABEL_SMOOTHING = 0.1


@dataclass(frozen=True, kw_only=True)
class Classification(ImageTask):
    """One of several classes for each image, or any of them.

    An image may have several classes where the data show it: labels (n, classes) of whole numbers or bools, or lists.
    """

    name: ClassVar[str] = "classification"
    supernet_defaults: ClassVar[Mapping[str, object]] = MappingProxyType(
        {**ImageTask.supernet_defaults, "label_smoothing": 0.0}
    )
    target: str | Sequence[str] | None = None
    """The column of Parquet files, or the array of an `.npz` file, with the labels; recognised where it is not given.
    A list names a column of 0 and 1 for each class, of which an image may have several.
    """
    labels: str | None = None
    """"single" for one class an image, "multi" for any number of them. The default is what the data show."""
    label_smoothing: float = LABEL_SMOOTHING
    """The share of the target that is spread over all classes in training (Szegedy et al. 2016, 1512.00567)."""
    class_weights: str | Sequence[float] | None = None
    """The weight of each class in the training loss, in the order of the classes. "balanced" gives each class the same
    weight in all; of several classes an image, the images with a class then count as much as those without it. The
    default weights all examples alike.
    """
    balanced: bool = False
    """Draw the training examples of an epoch, with replacement, so that each class is as frequent as any other."""
    extra_metrics: Sequence[str] = ()
    """Metrics beside accuracy and loss: "f1" (mean over the classes), "auc", or "top_5" and the like: the share of
    examples whose class is among the five most likely ones. Where an image may have several classes, f1 and auc are
    measured anyway.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", _checked_target(self.target))
        super().__post_init__()
        check_name("labels", self.labels or "single", ("single", "multi"))
        if self.labels == "single" and self._columns:
            raise TrainableError(
                f"labels is 'single', and target names {len(self._columns)} columns; give one, or 'multi'"
            )
        check_flag("balanced", self.balanced)
        object.__setattr__(self, "extra_metrics", _checked_metrics(self.extra_metrics))
        object.__setattr__(self, "class_weights", _checked_weights(self.class_weights))
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)

    @property
    def _columns(self) -> tuple[str, ...]:
        """The columns of the classes, where each has one."""
        return self.target if isinstance(self.target, tuple) else ()

    @property
    def is_multi(self) -> bool:
        """Whether an image may have several classes: as the settings say, else as the data show."""
        if self.labels is not None or self._columns:
            return self.labels != "single"
        return several_classes(self.data)

    @property
    def primary(self) -> str:
        """`accuracy`; `map` where an image may have several classes."""
        return multi_label.METRICS[0].name if self.is_multi else ACCURACY.name

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy and loss, and those of `extra_metrics`; where an image may have several classes, the mean average
        precision, f1, auc, accuracy and loss.
        """
        if self.is_multi:
            return multi_label.METRICS
        extra = [Metric(name, "max", low=0.0, high=1.0, is_share=_top(name) > 0) for name in self.extra_metrics]
        return (ACCURACY, CROSS_ENTROPY, *extra)

    def load(self, device: torch.device) -> ImageData:
        """Load the images; later calls with equal settings take them from memory."""
        return load_multi(self.data, self._columns, device) if self.is_multi else load_images(self.data, device)

    def raw(self) -> Raw:
        """Read the images without splitting them."""
        return load_raw_multi(self.data, self._columns) if self.is_multi else load_raw(self.data)

    def check(self) -> None:
        """Check the images, and the settings that depend on the classes."""
        super().check()
        if self.is_multi:
            self._check_multi()
        if self.class_weights is None and not self.extra_metrics:
            return
        count = len(self.raw().classes)
        if not isinstance(self.class_weights, str | None) and len(self.class_weights) != count:
            raise TrainableError(f"class_weights has {len(self.class_weights)} numbers, and there are {count} classes")
        for name in () if self.is_multi else self.extra_metrics:
            if _top(name) >= count:
                raise TrainableError(f"extra_metrics has {name!r}, which is always 1 for {count} classes; lower it")

    def _check_multi(self) -> None:
        self.raw()  # A named data set is not read before, and has no such labels.
        if self.balanced:
            raise TrainableError(
                "balanced draws each class alike, and these images may have several classes; leave it out, and give "
                "class_weights = 'balanced'"
            )
        for name in self.extra_metrics:
            if _top(name):
                raise TrainableError(
                    f"extra_metrics has {name!r}, which is for one class an image, and these may have several; leave "
                    "it out"
                )

    def order(self, data: ImageData, generator: torch.Generator) -> Tensor:
        """Draw each example once, or as often as `balanced` wants."""
        if not self.balanced:
            return super().order(data, generator)
        labels = data.train.labels
        chances = 1 / labels.bincount(minlength=len(data.classes)).float()
        return torch.multinomial(chances[labels], len(labels), replacement=True, generator=generator)

    def loss(self, outputs: Tensor, targets: Tensor, data: ImageData) -> Tensor:
        """Compute the mean cross-entropy in nats, with the label smoothing and the weights of the classes; for each
        class its own where an image may have several.
        """
        if targets.dim() == 2:
            of_classes = None if self.class_weights is None else _multi_weights(self.class_weights, data)
            return multi_label.loss(outputs, targets, smoothing=self.label_smoothing, weights=of_classes)
        weights = None if self.class_weights is None else _weights(self.class_weights, data)
        smoothing = self.label_smoothing
        return functional.cross_entropy(outputs.float(), targets, weight=weights, label_smoothing=smoothing)

    def for_loss(self, outputs: Tensor, targets: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        """Leave logits and numbers of classes as they are; 0 and 1 of several classes become floats."""
        return outputs.float(), targets.float() if targets.dim() == 2 else targets

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        """Leave logits as they are; targets are whole numbers."""
        return outputs.float(), targets.long()

    def reward(self, outputs: Tensor, targets: Tensor, data: ImageData) -> Tensor:
        """Compute the accuracy on a batch; of each class where an image may have several."""
        if targets.dim() == 2:
            return ((outputs > 0) == targets.bool()).float().mean()
        return (outputs.argmax(1) == targets).float().mean()

    def regressed(self, targets: Tensor, data: ImageData) -> Tensor:
        """Have 1 for the classes of an image, and 0 for the others."""
        if targets.dim() == 2:
            return targets.float()
        return functional.one_hot(targets, len(data.classes)).float()

    def distillation(self, outputs: Tensor, teacher: Tensor, data: ImageData) -> Tensor:
        """Compute the mean cross-entropy against the probabilities of the teacher (Hinton et al. 2015, 1503.02531)."""
        if _is_multi(data):
            return multi_label.loss(outputs, teacher.float().sigmoid(), weights=None)
        return functional.cross_entropy(outputs.float(), torch.softmax(teacher.float(), 1))

    def meter(self, data: ImageData, names: Sequence[str]) -> Meter:
        """Measure accuracy and cross-entropy, the latter without label smoothing and weights, and further metrics."""
        if _is_multi(data):
            return multi_label.meter(names)
        sums: dict[str, Sum] = {"accuracy": _hits, "loss": _nats}
        for name in self.extra_metrics:
            if _top(name):
                sums[name] = partial(_hits_among, most=_top(name))
        means, whole = Means(sums, names), {name: one for name, one in _WHOLE.items() if name in self.extra_metrics}
        return Joined([means, GatheringMeter(whole, names)]) if whole else means

    def decode(self, outputs: Tensor, data: ImageData | ImagesOf) -> list[str] | list[list[str]]:
        """Name the most likely class of each image; where there may be several, all that are more likely than not."""
        if _is_multi(data):
            return multi_label.classes_of(outputs, data.classes)
        return [data.classes[index] for index in outputs.argmax(1).tolist()]

    def exported(self, data: Any) -> dict[str, Any]:
        """Return how raw images are standardized, their type and range."""
        found = {**super().exported(data), "pipeline": "image-classification"}
        if _is_multi(data):
            found["reading"] = {**found["reading"], "multi_label": True}
            found["meanings"] = {
                "output": "one number for each class, of which an image may have several, before sigmoid"
            }
        return found

    def probabilities(self, outputs: Tensor, data: Any) -> Tensor:
        """Return the softmax of the outputs; the sigmoid of each where an image may have several classes."""
        return outputs.float().sigmoid() if _is_multi(data) else outputs.float().softmax(1)

    def full_recipe(self) -> dict[str, object]:
        """Add label smoothing to the recipe of all tasks of images."""
        return {**super().full_recipe(), "label_smoothing": LABEL_SMOOTHING}

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        weights = self.class_weights if isinstance(self.class_weights, str | None) else list(self.class_weights)
        return {
            "label_smoothing": self.label_smoothing,
            "class_weights": weights,
            "balanced": self.balanced,
            **super().identity(),
            **({"labels": "multi", "columns": list(self._columns)} if self.is_multi else {}),
        }


def _is_multi(data: Any) -> bool:
    return bool(getattr(data, "multi_label", False))


def _hits(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).sum()


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.float(), targets) * len(targets)


def _hits_among(outputs: Tensor, targets: Tensor, *, most: int) -> Tensor:
    return (outputs.topk(most, 1).indices == targets[:, None]).sum()


def _macro_f1(outputs: Tensor, targets: Tensor) -> float | None:
    """The mean of 2 TP / (2 TP + FP + FN) over the classes that are predicted or there."""
    predicted, count = outputs.argmax(1), outputs.shape[1]
    right = targets[predicted == targets].bincount(minlength=count).double()
    both = (predicted.bincount(minlength=count) + targets.bincount(minlength=count)).double()
    return float((2 * right / both)[both > 0].mean())


_WHOLE: Mapping[str, Whole] = {"f1": _macro_f1, "auc": auc}


def _top(name: str) -> int:
    """The number in a name such as "top_5"; 0 for other names."""
    number = name.removeprefix("top_")
    return int(number) if name.startswith("top_") and number.isascii() and number.isdigit() else 0


def _checked_metrics(names: object) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TrainableError(f"extra_metrics is {names!r}; it must be a list of names, such as ['f1', 'top_5']")
    for name in names:
        if not isinstance(name, str) or (name not in _WHOLE and _top(name) < 2):
            raise TrainableError(f"extra_metrics has {name!r}; known: {', '.join(_WHOLE)}, top_2, top_3, ..")
    return tuple(dict.fromkeys(names))


def _checked_weights(weights: object) -> str | tuple[float, ...] | None:
    if weights is None or weights == "balanced":
        return weights
    if isinstance(weights, str) or not isinstance(weights, Sequence):
        raise TrainableError(f"class_weights is {weights!r}; it must be 'balanced' or a number for each class")
    for weight in weights:
        check_number("class_weights", weight, 0, open_low=True)
    return tuple(float(weight) for weight in weights)


def _checked_target(target: object) -> str | tuple[str, ...] | None:
    if isinstance(target, list | tuple):
        if len(target) < 2 or not all(isinstance(name, str) and name for name in target):
            raise TrainableError(f"target is {target!r}; a list names a column for each class, two or more")
        return tuple(target)
    return cast("str | None", target)


@lru_cache(maxsize=2)
def _multi_weights(weights: str | tuple[float, ...], data: ImageData) -> tuple[Tensor, Tensor]:
    return multi_label.weights_of(weights, data.train.labels)


@lru_cache(maxsize=2)
def _weights(weights: str | tuple[float, ...], data: ImageData) -> Tensor:
    """The weight of each class, (k,), on the device of the data."""
    if not isinstance(weights, str):
        return torch.tensor(weights, device=data.device)
    counts = data.train.labels.bincount(minlength=len(data.classes)).float()
    return len(data.train) / (len(data.classes) * counts)
