"""Spaces and trainables that cost nothing: every number follows from the architecture, the seed and the epoch.

Importable by workers as `tests.toys`; no torch. `Climber` has a running state, so that a training that goes on
without it gives other numbers than one that was never cut; its faults can be made to happen once only.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from search_spaces import Architecture, Space, choice, integer
from trainables.errors import CheckpointError, InfeasibleArchitectureError

__all__ = [
    "Climber",
    "Forgetful",
    "Unsaved",
    "climb",
    "conditional_space",
    "quality",
    "ruled_space",
    "tiny_space",
]

FAULTS = (None, "error", "nan", "exit", "kill", "hang")
_WORTH = {"none": 0.0, "skip_connect": 0.4, "avg_pool_3x3": 0.3, "nor_conv_1x1": 0.7, "nor_conv_3x3": 1.0}


def tiny_space() -> Space:
    """Six members."""
    return Space({"op": choice("a", "b", "c"), "wide": choice(True, False)}, name="tiny")


def conditional_space() -> Space:
    """104 members; what else is decided depends on the head."""
    heads = {
        "conv": {"kernel": choice(3, 5, 7), "depth": integer(1, 3)},
        "attention": {"heads": choice(1, 2, 4)},
        "pool": {},
    }
    return Space({"head": choice(heads), "width": integer(8, 64, step=8)}, name="conditional")


def ruled_space() -> Space:
    """10 of the 16 trees are members."""
    return Space({"a": integer(1, 4), "b": integer(1, 4)}, name="ruled", valid=at_most_five)


def at_most_five(architecture: Architecture) -> bool:
    """The rule of `ruled_space`."""
    return bool(architecture["a"] + architecture["b"] <= 5)


def quality(architecture: Architecture) -> float:
    """Between 0 and 1, a mean over the decisions, so that a strategy can learn it (3x3 convolutions are best)."""
    worths = [_worth(path, value) for path, value in _leaves("", architecture.tree)]
    return sum(worths) / max(1, len(worths))


def climb(architecture: Architecture, *, slow: float = 0.0, seed: int = 0, max_epochs: int = 9) -> Iterator[Any]:
    """An accuracy that rises towards the architecture's quality; `slow` seconds an epoch."""
    for epoch in range(1, max_epochs + 1):
        time.sleep(slow)
        noise = _uniform(seed, epoch) - 0.5
        yield {"accuracy": quality(architecture) * (1 - math.exp(-epoch / 3)) + 0.02 * noise, "loss": 1.0 / epoch}


class Climber:
    """As `climb`, with a state that each epoch builds upon, checkpoints, and faults on demand.

    Args:
        slow: seconds an epoch.
        fail: what goes wrong: error (an exception), nan, exit (the process), kill (SIGKILL to itself), hang.
        fail_at: the epoch in which it goes wrong, whatever the trial; before it is reported.
        marker: a folder where a fault leaves a mark, and does not happen again if it finds one.
        log: a folder in which each epoch that is trained leaves a line, by trial seed.
    """

    def __init__(
        self,
        slow: float = 0.0,
        fail: str | None = None,
        fail_at: int = 2,
        marker: str | None = None,
        log: str | None = None,
    ) -> None:
        if fail not in FAULTS:
            raise ValueError(f"fail is {fail!r}; known: {FAULTS}")
        self._slow, self._fail, self._fail_at = slow, fail, fail_at
        self._marker, self._log = marker, log

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        self._target = quality(architecture)
        self._seed = seed
        self._epoch = 0
        self._height = 0.0

    def step(self) -> dict[str, float]:
        time.sleep(self._slow)
        self._epoch += 1
        failing = self._fail if self._epoch == self._fail_at and self._first_time() else None
        if failing is not None:
            _fail(failing)
        noise = _uniform(self._seed, self._epoch) - 0.5
        self._height += 0.3 * (self._target - self._height) + 0.02 * noise
        if self._log is not None:
            with (Path(self._log) / f"{self._seed}.txt").open("a", encoding="utf-8") as file:
                file.write(f"{self._epoch}\n")
        return {"accuracy": math.nan if failing else self._height, "distance": self._target - self._height}

    def save(self, folder: Path) -> None:
        state = {"epoch": self._epoch, "height": self._height}
        (folder / "climber.json").write_text(json.dumps(state), encoding="utf-8")

    def load(self, folder: Path) -> None:
        try:
            state = json.loads((folder / "climber.json").read_text(encoding="utf-8"))
            self._epoch, self._height = int(state["epoch"]), float(state["height"])
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(f"no climber in {folder}: {error!r}") from error

    def evaluate(self, split: str) -> dict[str, float]:
        return {"accuracy": self._height, "test": float(split == "test")}

    def _first_time(self) -> bool:
        if self._marker is None:
            return True
        try:
            (Path(self._marker) / "happened").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class Forgetful(Climber):
    """A mistake that the tests of resuming must notice: it loses its height."""

    def load(self, folder: Path) -> None:
        super().load(folder)
        self._height = 0.0


class Unsaved(Climber):
    """Starts again when it is cut."""

    checkpoints = False


def returns_none(architecture: Architecture) -> Iterator[Any]:
    yield None


def returns_nothing(architecture: Architecture) -> Iterator[Any]:
    yield {}


def returns_list(architecture: Architecture) -> Iterator[Any]:
    yield [("accuracy", 0.5)]


def returns_text(architecture: Architecture) -> Iterator[Any]:
    yield {"accuracy": "0.5"}


def returns_flag(architecture: Architecture) -> Iterator[Any]:
    yield {"accuracy": True}


def returns_complex(architecture: Architecture) -> Iterator[Any]:
    yield {"accuracy": 1j}


def returns_nan(architecture: Architecture) -> Iterator[Any]:
    yield {"accuracy": math.nan}


def too_large(architecture: Architecture) -> Iterator[Any]:
    raise InfeasibleArchitectureError("2 MB, at most 1 MB fit")
    yield {}


def misses_the_metric(architecture: Architecture) -> Iterator[Any]:
    yield {"acuracy": 0.5, "loss": 1.0}


def raises(architecture: Architecture) -> Iterator[Any]:
    raise RuntimeError("this training is broken")
    yield {}


def never_yields(architecture: Architecture) -> Iterator[Any]:
    yield from ()


def runs_out_of_memory(architecture: Architecture) -> Iterator[Any]:
    raise MemoryError("no room")
    yield {}


BAD_RESULTS: tuple[Callable[[Architecture], Iterator[Any]], ...] = (
    returns_none,
    returns_nothing,
    returns_list,
    returns_text,
    returns_flag,
    returns_complex,
    misses_the_metric,
    never_yields,
)
"""Each fails its trial as bad_result."""


def _fail(fault: str) -> None:
    if fault == "error":
        raise RuntimeError("a training told to fail")
    if fault == "exit":
        os._exit(13)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang":
        time.sleep(3600)


def _uniform(*path: object) -> float:
    digest = hashlib.sha256(repr(path).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _worth(path: str, value: object) -> float:
    return _WORTH[value] if isinstance(value, str) and value in _WORTH else _uniform(path, value)


def _leaves(path: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(f"{path}.{key}", value) if value != {} else [(path, key)]
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _leaves(f"{path}.{index}", value)
    else:
        yield path, tree
