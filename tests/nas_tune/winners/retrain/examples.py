"""Trainables of retrainings that cost nothing, importable by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from search_spaces import Architecture, Space
from tests.toys import Climber, climb, quality, tiny_space
from trainables.errors import EndOfTraining, TrainableError
from trainables.training.parallel import Group

__all__ = ["Count", "Counted", "Short", "Tiring", "Together", "grown", "small"]


@dataclass(frozen=True)
class Count:
    """What `Counted` says of a network's cost."""

    parameters: int


class Counted(Climber):
    """Counts parameters: 100, 97 or 10, by the operation; its test is another number than what it reports."""

    def __init__(self, whole: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.whole = whole

    def cost(self, architecture: Architecture) -> Count:
        return Count({"a": 100, "b": 97, "c": 10}[architecture["op"]])

    def evaluate(self, split: str) -> dict[str, float]:
        return {"accuracy": 1.0 - self._target if split == "test" else self._height, "loss": float(self.whole)}


class Short(Climber):
    """Ends after two epochs, however many there are to train."""

    def step(self) -> dict[str, float]:
        if self._epoch == 2:
            raise EndOfTraining("two are enough")
        return super().step()


class Tiring(Climber):
    """Fails for one operation."""

    def step(self) -> dict[str, float]:
        if self._target == quality(small().sample(3)):
            raise RuntimeError("tired")
        return super().step()


class Together(Climber):
    """Can be trained by two processes together, and by no more."""

    parallel = True

    def join(self, group: Group) -> None:
        if group.size > 2:
            raise TrainableError(f"at most 2 devices, not {group.size}")


def small() -> Space:
    return tiny_space()


def grown(architecture: Architecture, *, max_epochs: int = 9, seed: int = 0) -> Iterator[Any]:
    """A generator, which can neither be saved nor tested."""
    yield from climb(architecture, seed=seed, max_epochs=max_epochs)
