"""Tasks small enough to follow by hand: the target of x is 2 x, and the inputs are 0, 1, 2 and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.metrics import Metric
from trainables.tasks.meters import Means
from trainables.tasks.task import Task
from trainables.training.loop import Recipe, Training
from trainables.training.optimization import Optimization
from trainables.training.randomness import Randomness

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Line:
    """`count` points of the line."""

    count: int

    def __len__(self) -> int:
        return self.count

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        inputs = index.float()[:, None]
        return inputs, 2 * inputs


@dataclass(frozen=True)
class LinesData:
    train: Line
    validation: Line
    test: Line
    device: torch.device = CPU
    name: str = "lines"
    classes: tuple[str, ...] = ()

    @property
    def groups(self) -> Mapping[str, Tensor]:
        return {}

    def arguments(self) -> dict[str, Any]:
        return {}

    def normalize(self, inputs: Tensor) -> Tensor:
        return inputs

    def example(self) -> Tensor:
        return torch.zeros(1, 1)

    def split(self, name: str) -> Line:
        found: Line = getattr(self, name)
        return found


class Lines(Task):
    """The loss is the squared error, unless it is `broken`, and the metric the absolute one."""

    name, primary = "lines", "mae"
    metrics: Sequence[Metric] = (Metric("mae", "min"), Metric("loss", "min"))

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken

    def load(self, device: torch.device) -> LinesData:
        return LinesData(Line(6), Line(4), Line(6), device)

    def loss(self, outputs: Tensor, targets: Tensor, data: Any) -> Tensor:
        squared = (outputs - targets).square().mean()
        return squared * float("nan") if self.broken else squared

    def meter(self, data: Any, names: Sequence[str]) -> Means:
        sums = {
            "mae": lambda given, true: (given - true).abs().sum(),
            "loss": lambda given, true: (given - true).square().sum(),
        }
        return Means(sums, names)


class Ordered(Lines):
    """Examples that follow each other: where a state is carried, each row of a batch goes on in the next one.

    `asked` notes of each call whether a state is carried.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    def batches(
        self, data: LinesData, part: Line, size: int, *, carried: bool, generator: torch.Generator | None = None
    ) -> Sequence[Tensor]:
        self.asked.append(carried)
        if not carried:
            return torch.arange(len(part)).split(size)
        rows = 2
        steps = len(part) // rows
        return [torch.arange(rows) * steps + step for step in range(steps)]


def made(
    network: nn.Module, task: Lines, *, batch_size: int = 2, epochs: int = 2, auxiliary: float = 0.0, **settings: Any
) -> Training:
    """A training on the CPU by plain gradient steps, at a rate that falls from the first batch on."""
    plain = {"lr": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0, "warmup": 0.0, "grad_clip": 0.0}
    recipe = Recipe(batch_size, auxiliary, Optimization(**{**plain, **settings}))
    return Training(network, task, task.load(CPU), recipe, Randomness(0, CPU), epochs)
