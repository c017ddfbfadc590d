"""A task as a user writes one: two inputs, a loss of its own, a metric of its own, and a network of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces import Space, choice
from trainables.errors import DataError, TrainableError
from trainables.metrics import Metric
from trainables.tasks.meters import Means
from trainables.tasks.task import Task

SPACE = Space({"width": choice(3, 5), "op": choice("relu", "tanh")}, name="two_inputs")


class TwoInputs(nn.Module):
    """A picture (n, 1, 4, 4) and an age (n, 1) to a height (n, 1)."""

    def __init__(self, width: int, op: str) -> None:
        super().__init__()
        self.look = nn.Conv2d(1, width, 3, padding=1)
        self.act = nn.ReLU() if op == "relu" else nn.Tanh()
        self.join = nn.Linear(width + 1, 1)

    def forward(self, image: Tensor, age: Tensor) -> Tensor:
        seen = self.act(self.look(image)).mean((2, 3))
        height: Tensor = self.join(torch.cat((seen, age), 1))
        return height


def build(architecture: Any, *, sizes: int = 0) -> nn.Module:
    tree = getattr(architecture, "tree", architecture)
    return TwoInputs(tree["width"], tree["op"])


PAIR = (SPACE, build)


@dataclass(frozen=True)
class Rows:
    inputs: dict[str, Tensor]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, index: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        return {name: one[index] for name, one in self.inputs.items()}, self.targets[index]


@dataclass(frozen=True)
class Heights:
    train: Rows
    validation: Rows
    test: Rows
    device: torch.device
    name: str = "heights"
    classes: tuple[str, ...] = ()

    @property
    def groups(self) -> Mapping[str, Tensor]:
        return {}

    def arguments(self) -> dict[str, Any]:
        return {"sizes": 1}

    def normalize(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"image": inputs["image"].float() / 255, "age": inputs["age"] / 100}

    def example(self) -> dict[str, Tensor]:
        return self.normalize(self.train.rows(torch.arange(1, device=self.device))[0])

    def split(self, name: str) -> Rows:
        if name not in ("train", "validation", "test"):
            raise DataError(f"there is no split {name!r}; the splits are train, validation and test")
        found: Rows = getattr(self, name)
        return found


class Growth(Task):
    """The height by picture and age; the loss is Huber's."""

    name, primary = "growth", "mae"
    metrics: Sequence[Metric] = (Metric("mae", "min", "mm", low=0.0), Metric("bias", "min", "mm"))

    def __init__(self, *, delta: float = 1.0, broken: bool = False) -> None:
        if delta <= 0:
            raise TrainableError(f"delta is {delta}; it must be above 0")
        self.delta, self.broken = delta, broken

    def load(self, device: torch.device) -> Heights:
        if self.broken:
            raise DataError("heights: row 3 has no age; fill it in")
        generator = torch.Generator().manual_seed(0)
        parts = [_part(count, generator, device) for count in (20, 10, 10)]
        return Heights(*parts, device)

    def augment(
        self, inputs: dict[str, Tensor], targets: Tensor, data: Any, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        moved = inputs["age"] + torch.rand(inputs["age"].shape, generator=generator, device=targets.device)
        return {**inputs, "age": moved}, targets

    def loss(self, outputs: Tensor, targets: Tensor, data: Any) -> Tensor:
        return functional.huber_loss(outputs[:, 0], targets, delta=self.delta)

    def meter(self, data: Any, names: Sequence[str]) -> Means:
        sums = {"mae": lambda given, true: (given[:, 0] - true).abs().sum(), "bias": _bias}
        return Means(sums, names)


def _bias(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs[:, 0] - targets).sum()


def _part(count: int, generator: torch.Generator, device: torch.device) -> Rows:
    images = torch.randint(256, (count, 1, 4, 4), generator=generator, dtype=torch.uint8)
    ages = torch.rand((count, 1), generator=generator) * 100
    heights = images.float().mean((1, 2, 3)) / 255 + ages[:, 0] / 50
    return Rows({"image": images.to(device), "age": ages.to(device)}, heights.to(device))
