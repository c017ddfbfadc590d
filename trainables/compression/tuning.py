"""The port between compression and a training: examples for calibration, evaluation, and further epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from torch import nn

from trainables.training.batches import Batch

__all__ = ["Tuning"]


@runtime_checkable
class Tuning(Protocol):
    """The data and the hyperparameters with which a network was trained, for a changed network of the same task.

    Inputs and outputs are like those of the network that `deployed()` returns, on the CPU.
    """

    def examples(self, count: int) -> Batch:
        """Return training inputs without augmentation, the same each time.

        Args:
            count: the most inputs to return.

        Returns:
            Inputs (n, ...), n at most `count`: a tensor, a tuple or a dict of tensors.
        """

    def judge(self, run: Callable[..., Batch], split: str) -> Mapping[str, float]:
        """Evaluate a function on a split as `evaluate` does.

        Args:
            run: a function from inputs (n, ...) to outputs, such as a network; several inputs are its arguments, by
                position or by name.
            split: "train", "validation" or "test".

        Returns:
            Metrics by name.
        """

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[Mapping[str, float]]:
        """Train a network in place on the training data; afterwards it is on the CPU.

        Args:
            network: the network to train.
            seed: decides everything random in the training.
            epochs: the number of epochs.

        Yields:
            The metrics of each epoch, on the training data: those of other splits decide nothing here.
        """
