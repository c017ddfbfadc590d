"""What compression needs of a training: examples to calibrate by, a judge, and more epochs for what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

__all__ = ["Tuning"]


@runtime_checkable
class Tuning(Protocol):
    """The data and the recipe by which a network was trained, for another one of the same task.

    Inputs and outputs are as those of the network that `deployed()` gives, on the CPU.
    """

    def examples(self, count: int) -> Tensor:
        """At most `count` of the training inputs, unaugmented; the same ones every time."""

    def judge(self, run: Callable[[Tensor], Tensor], split: str) -> Mapping[str, float]:
        """Metrics of what `run` makes of the inputs of `split`, as `evaluate` would give them."""

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[Mapping[str, float]]:
        """Train `network` in place on the training data, an epoch an item; at the end it is on the CPU.

        Its metrics are of the training data: those of other splits decide nothing here.
        """
