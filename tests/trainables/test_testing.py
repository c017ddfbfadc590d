"""The conformance suite of tasks finds what is broken: each task here breaks one promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.registries import kept
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.errors import DataError, TrainableError
from trainables.metrics import Metric
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks.registry import TASKS
from trainables.testing import check_task


class Undeclared(Growth):
    primary = "rmse"


class OutOfBounds(Growth):
    metrics = (Metric("mae", "min", low=5.0), Metric("bias", "min"))


class Careless(Growth):
    def augment(self, inputs: Any, targets: Any, data: Any, generator: torch.Generator) -> Any:
        return {**inputs, "age": inputs["age"] + torch.rand(1)}, targets


class Greedy(Growth):
    def __init__(self, **settings: Any) -> None:
        super().__init__(delta=1.0)


class Terse(Growth):
    def load(self, device: torch.device) -> Any:
        if self.broken:
            raise DataError("the heights are broken")
        return super().load(device)


class Anonymous(Growth):
    def __init__(self, *, delta: float = 1.0, broken: bool = False) -> None:
        if broken:
            raise TrainableError("no")
        super().__init__(delta=delta)

    def identity(self) -> dict[str, object]:
        return {"made": id(self)}


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        NETWORKS.register(SPACE.name, Family(build))
        yield


@pytest.mark.parametrize(
    ("task", "promise"),
    [
        (Undeclared, "the primary metric is declared"),
        (OutOfBounds, "mae is in its interval"),
        (Careless, "`augment` draws from the generator alone"),
        (Greedy, "an unknown setting is refused"),
        (Terse, "then `;` and the remedy"),
        (Anonymous, "equal settings have one identity"),
    ],
)
def test_a_broken_promise_is_named(task: Any, promise: str, tmp_path: Path) -> None:
    bad = {"broken": True} if task is Terse else None
    with pytest.raises(AssertionError, match=promise):
        check_task(task, SPACE, tmp_path, settings={"batch_size": 8}, bad=bad, formats=())


@pytest.mark.slow
def test_a_task_of_a_user_passes(tmp_path: Path) -> None:
    check_task(Growth, SPACE, tmp_path, settings={"batch_size": 8}, bad={"broken": True})
