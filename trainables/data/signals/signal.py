"""Loaded signals: three parts on a device, and what the training signals decided about scale and target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainables.data.chosen import Rows
from trainables.data.parts import part_named
from trainables.data.streaming import MappedRows, read_ahead

__all__ = ["SignalData", "SignalPart", "WindowPart"]


@dataclass(frozen=True)
class SignalPart:
    """The signals of one part.

    Attributes:
        waves: (n, channels, length), int16 or float32, as they are in the data; folds share one tensor. Streamed ones
            are on the disk.
        targets: (n,): numbers of classes, int64; or values (n, k), float32.
    """

    waves: Rows | MappedRows
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take signals.

        Args:
            index: (k,), int64, numbers of signals in any order.

        Returns:
            The signals as they are in the data, and the targets.
        """
        return self.waves.index_select(0, index), self.targets.index_select(0, index)

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Take batches in order. Streamed signals are read ahead.

        Args:
            batches: for each, the numbers of its signals, (k,), int64.

        Yields:
            What `rows` returns for each.
        """
        for waves, targets in read_ahead((self.waves, self.targets), batches):  # noqa: UP028
            yield waves, targets


@dataclass(frozen=True)
class WindowPart:
    """The windows of a piece of a series, and what follows each.

    Attributes:
        series: (channels, steps), float32.
        predicted: the channel that is predicted.
        window: steps of a window.
        horizon: steps behind it that are predicted.
        step: steps from one window to the next.
    """

    series: Tensor
    predicted: int
    window: int
    horizon: int
    step: int

    def __len__(self) -> int:
        last = self.series.shape[1] - self.window - self.horizon
        return 0 if last < 0 else last // self.step + 1

    @property
    def targets(self) -> Tensor:
        """The targets of all windows, (n, horizon)."""
        return self._behind(torch.arange(len(self), device=self.series.device))

    @property
    def waves(self) -> Tensor:
        """The whole piece as one signal, (1, channels, steps)."""
        return self.series[None]

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take windows.

        Args:
            index: (k,), int64, numbers of windows in any order.

        Returns:
            The windows (k, channels, window), and the predicted channel behind them, (k, horizon).
        """
        seen = index[:, None] * self.step + torch.arange(self.window, device=index.device)
        return self.series[:, seen].transpose(0, 1).contiguous(), self._behind(index)

    def _behind(self, index: Tensor) -> Tensor:
        places = index[:, None] * self.step + self.window + torch.arange(self.horizon, device=index.device)
        return self.series[self.predicted][places]


@dataclass(frozen=True)
class SignalData:
    """Signals in three parts, on a device.

    Attributes:
        name: the path of the data.
        train: the signals for training.
        validation: the signals for validation; none where training uses them too.
        test: the signals for the test.
        classes: the names of the classes in the order of their numbers; empty for a regression.
        sample_rate: samples a second; None where it is not known.
        mean: (1, channels, 1), of the training signals.
        std: (1, channels, 1), standard deviation of the same; 1 for a constant channel.
        target_mean: (k,), of the training targets; empty for a classification.
        target_std: (k,), standard deviation of the same; 1 for a constant one.
        groups: the number of the group of each signal, (n,), by the name of the part; empty without groups.
        notes: for people.
    """

    name: str
    train: SignalPart | WindowPart
    validation: SignalPart | WindowPart
    test: SignalPart | WindowPart
    classes: tuple[str, ...]
    sample_rate: int | None
    mean: Tensor
    std: Tensor
    target_mean: Tensor
    target_std: Tensor
    groups: Mapping[str, Tensor] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """The device of the signals."""
        return self.mean.device

    def split(self, name: str) -> SignalPart | WindowPart:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one signal.

        Raises:
            DataError: there is no such part, or it has no signal.
        """
        part: SignalPart | WindowPart = part_named(self, name, "signal")
        return part

    def arguments(self) -> Mapping[str, Any]:
        """Return what a network for these signals is built with.

        Returns:
            `num_classes`, the number of outputs; `in_channels`; `length` in samples; and `sample_rate`.
        """
        _, channels, length = self.example().shape
        outputs = len(self.classes) or len(self.target_mean)
        return {"num_classes": outputs, "in_channels": channels, "length": length, "sample_rate": self.sample_rate}

    def normalize(self, inputs: Tensor) -> Tensor:
        """Standardize signals by mean and deviation of each channel over all training signals.

        Args:
            inputs: signals (n, channels, length), as they are in the data.

        Returns:
            The same as float32 numbers.
        """
        return (inputs.float() - self.mean) / self.std

    def example(self) -> Tensor:
        """Return the first training signal, as networks take it.

        Returns:
            (1, channels, length), float32.
        """
        return self.normalize(self.train.rows(torch.zeros(1, dtype=torch.int64, device=self.device))[0])
