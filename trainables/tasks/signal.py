"""The task `signal`: the class of a waveform or time series, a number for each, or what follows a window of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from trainables.controls import Control
from trainables.data.pixels import value_range
from trainables.data.signals import (
    SignalData,
    SignalSettings,
    WindowPart,
    described_signals,
    kind_of_signals,
    load_signals,
    signals_checksum,
)
from trainables.data.signals.unlabelled import read_signals
from trainables.data.signals.views import SignalViews
from trainables.errors import TrainableError
from trainables.metrics import ACCURACY, AUC, CROSS_ENTROPY, F1, SQUARED_ERROR, Metric, errors_in
from trainables.networks import NETWORKS, space_name
from trainables.networks.examples import signals
from trainables.settings import check_number
from trainables.settings.groups import flat_settings, group
from trainables.tasks.classification import LABEL_SMOOTHING
from trainables.tasks.gathering import GatheringMeter
from trainables.tasks.meters import Errors, Joined, Means, in_units
from trainables.tasks.signal_control import signal_controls
from trainables.tasks.table_metrics import auc, f1
from trainables.tasks.task import Meter, Task

__all__ = ["Signal", "SignalsOf"]

CLASSIFICATION = (ACCURACY, CROSS_ENTROPY, F1, AUC)


@dataclass(frozen=True)
class SignalsOf:
    """What an exported network has of its data.

    Attributes:
        classes: the names of the classes in order; empty where there are none.
        sample_rate: samples a second; None where it is not known.
        target_mean: (1,), zero, for outputs in units of the targets.
        target_std: (1,), one.
    """

    classes: tuple[str, ...]
    sample_rate: int | None
    target_mean: Tensor
    target_std: Tensor


@dataclass(frozen=True, kw_only=True)
class Signal(Task):
    """A class or numbers for each signal, or the steps that follow a window of one long series.

    Metrics and the primary one depend on the target: of classes it is `accuracy`, of numbers `rmse`, in their units.
    They are read from the settings where these say it (`kind`, `window`), else from the data.
    """

    name: ClassVar[str] = "signal"
    fixed_settings: ClassVar[Collection[str]] = frozenset({*flat_settings(SignalSettings), "unit"}) - {"length"}

    data: SignalSettings = field(default_factory=SignalSettings, metadata=group(SignalSettings))
    """Which signals, what is predicted, how long they are, and how they are split."""
    views: SignalViews = field(default_factory=SignalViews, metadata=group(SignalViews))
    """How signals are changed at random while the network trains."""
    label_smoothing: float = LABEL_SMOOTHING
    """The share of the target of a classification that is spread over all classes in training."""
    unit: str = ""
    """The unit of predicted numbers, such as "kW", which is shown beside their errors."""

    def __post_init__(self) -> None:
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)
        errors_in(self.unit)  # refuses what is not a unit

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those of classes, or those of numbers."""
        if kind_of_signals(self.data) == "classification":
            return CLASSIFICATION
        return (*errors_in(self.unit), SQUARED_ERROR)

    @property
    def primary(self) -> str:
        """`accuracy` for classes, `rmse` for numbers."""
        return self.metrics[0].name

    def load(self, device: torch.device) -> SignalData:
        """Load the signals; later calls with equal settings take them from memory."""
        return load_signals(self.data, device)

    def augment(
        self, inputs: Tensor, targets: Tensor, data: SignalData, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Shift signals in time, add noise, and mask a span."""
        return self.views(inputs, data.mean, data.std, generator, of_classes=bool(data.classes)), targets

    def loss(self, outputs: Tensor, targets: Tensor, data: SignalData) -> Tensor:
        """Compute the mean cross-entropy in nats, or the mean squared error of standardized targets."""
        found, wanted = self.for_loss(outputs, targets, data)
        if data.classes:
            return functional.cross_entropy(found, wanted, label_smoothing=self.label_smoothing)
        return functional.mse_loss(found, wanted)

    def for_loss(self, outputs: Tensor, targets: Tensor, data: SignalData) -> tuple[Tensor, Tensor]:
        """Standardize predicted numbers, as the outputs are."""
        return outputs.float(), targets if data.classes else (targets - data.target_mean) / data.target_std

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: SignalData) -> tuple[Tensor, Tensor]:
        """Bring predicted numbers to their units: (n,) for one number each, else (n, k)."""
        if data.classes:
            return outputs.float(), targets
        return in_units(outputs, targets, data.target_mean, data.target_std)

    def reward(self, outputs: Tensor, targets: Tensor, data: SignalData) -> Tensor:
        """Compute the accuracy on a batch, or the negative loss of a regression."""
        return _hits(outputs, targets) / len(targets) if data.classes else -self.loss(outputs, targets, data)

    def distillation(self, outputs: Tensor, teacher: Tensor, data: SignalData) -> Tensor:
        """Compute the mean cross-entropy against the probabilities of the teacher, or the mean squared difference."""
        if data.classes:
            return functional.cross_entropy(outputs.float(), torch.softmax(teacher.float(), 1))
        return functional.mse_loss(outputs.float(), teacher.float())

    def meter(self, data: SignalData, names: Sequence[str]) -> Meter:
        """Measure accuracy, cross-entropy without label smoothing, f1 and auc; or errors in units of the targets."""
        if not data.classes:
            return Errors(data.target_mean, data.target_std, names)
        means = Means({"accuracy": _hits, "loss": _nats}, names)
        return Joined([means, GatheringMeter({"f1": f1, "auc": auc}, names)])

    def decode(self, outputs: Tensor, data: SignalData | SignalsOf) -> list[Any]:
        """Name the most likely class of each signal, or give its numbers in their units."""
        if data.classes:
            return [data.classes[index] for index in outputs.argmax(1).tolist()]
        values = outputs.float() * data.target_std + data.target_mean
        return list((values[:, 0] if values.shape[1] == 1 else values).tolist())

    def recipe(self) -> dict[str, object]:
        """Train by AdamW, which suits convolutions of waveforms and series alike."""
        return {"optimizer": "adamw", "lr": 2e-3, "weight_decay": 0.01}

    def full_recipe(self) -> dict[str, object]:
        """Train the winner on the validation signals too."""
        return {"whole": True}

    def exported(self, data: SignalData) -> dict[str, Any]:
        """Return how raw signals are standardized, what they are, and the scale of predicted numbers."""
        waves = data.train.waves
        what = f"signals of {waves.shape[1]} channels" + (f" at {data.sample_rate} Hz" if data.sample_rate else "")
        found: dict[str, Any] = {
            "mean": tuple(data.mean.flatten().tolist()),
            "std": tuple(data.std.flatten().tolist()),
            "raw_dtype": str(waves.dtype).removeprefix("torch."),
            "raw_range": value_range(waves),
            "meanings": {"input": what},
            "reading": {"sample_rate": data.sample_rate, "length": int(data.example().shape[2])},
        }
        if data.classes:
            found["pipeline"] = "audio-classification" if data.sample_rate else "other"
        else:
            found["pipeline"] = "time-series-forecasting" if isinstance(data.train, WindowPart) else "other"
            found |= {"output_mean": tuple(data.target_mean.tolist()), "output_std": tuple(data.target_std.tolist())}
        return found

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> SignalsOf:
        """Make what `read` and `decode` need; the outputs of exported files have the units of the targets."""
        return SignalsOf(tuple(classes), reading.get("sample_rate"), torch.zeros(1), torch.ones(1))

    def read(self, x: Any, like: Tensor, data: SignalData | SignalsOf) -> tuple[Tensor, Sequence[str]]:
        """Read signals of any lengths: arrays, lists of arrays, WAV files, `.npy`, `.npz` or Parquet files."""
        column = self.data.signal_column
        return read_signals(x, like.shape[1:], like.dtype, rate=data.sample_rate, signal_column=column)

    def probabilities(self, outputs: Tensor, data: SignalData | SignalsOf) -> Tensor | None:
        """Return the softmax of the outputs; None for numbers."""
        return outputs.float().softmax(1) if data.classes else None

    def check_space(self, space: object) -> None:
        """Check that the networks of a space take signals."""
        name = space_name(space)
        if name in NETWORKS.built_in() and NETWORKS.get(name).example is not signals:
            known = ", ".join(one for one in NETWORKS.built_in() if NETWORKS.get(one).example is signals)
            raise TrainableError(
                f'the networks of {name} take no signals; give one of the spaces for them: {known}; {{"name": '
                f'"spectrogram", "of": "{name}"}} puts a spectrogram before a network of images'
            )

    def about(self) -> list[str]:
        """Describe the parts, the signals, the target, and what was noticed."""
        return described_signals(self.data)

    def controls(self) -> list[Control]:
        """Fit simple models to the training signals, which takes seconds; see `trainables.tasks.signal_control`."""
        data = self.load(torch.device("cpu"))

        def measure(outputs: Tensor, targets: Tensor) -> dict[str, float]:
            meter = self.meter(data, [metric.name for metric in self.metrics])
            meter.add(outputs, targets)
            return meter.result()

        return signal_controls(data, measure)

    def checksum(self) -> str:
        """Compute a checksum of the files, whatever the split."""
        return signals_checksum(self.data)

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        values: dict[str, object] = {"label_smoothing": self.label_smoothing}
        for title, held in (("data", self.data), ("views", self.views)):
            for one in dataclasses.fields(held):
                value = getattr(held, one.name)
                if one.name in ("stream", "loaders") or (one.name in ("folds", "fold") and value is None):
                    continue  # the numbers are the same
                values[f"{title}.{one.name}"] = value if isinstance(value, int | float | None) else str(value)
        return values


def _hits(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).float().sum()


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.float(), targets, reduction="sum")
