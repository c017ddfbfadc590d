"""Whether more or less of a metric is better: said where the metric is reported, and never read off its name.

A trainable says it by its attribute `modes`, of the class or of the function:

    def train(architecture):
        yield {"mae": 0.5}

    train.modes = {"mae": "min"}

`MODES` are those of the metrics that the trainables of this project report; of their `COSTS` whoever optimizes them
says it, for a cost may also be a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

from trainables.errors import TrainableError

__all__ = ["COSTS", "MODES", "Mode", "modes_of"]

Mode = Literal["max", "min"]

MODES: Mapping[str, Mode] = {
    "accuracy": "max",
    "loss": "min",
    "train_accuracy": "max",
    "train_loss": "min",
    "discrete_accuracy": "max",
}
"""The discrete accuracy is that of an architecture with the weights of a supernet."""

COSTS = ("parameters", "macs")
"""Of a network, reported beside the metrics."""


def modes_of(target: object) -> Mapping[str, Mode]:
    """What a trainable (a class or a generator function) declares about its metrics; empty by default.

    Raises:
        TrainableError: `modes` is not a mapping of names to "max" or "min".
    """
    while isinstance(target, partial):
        target = target.func
    modes = getattr(target, "modes", {})
    if not isinstance(modes, Mapping) or any(mode not in ("max", "min") for mode in modes.values()):
        name = getattr(target, "__qualname__", None) or repr(target)
        raise TrainableError(f"{name}.modes is {modes!r}; it maps names of metrics to 'max' or 'min'")
    return modes
