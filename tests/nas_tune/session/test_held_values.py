"""Callables of one source that hold other values are other trainables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nas_tune
from nas_tune.errors import ResumeRefusedError
from nas_tune.session.held_values import held_fingerprint
from search_spaces import Space, integer


def scaled(architecture: Any, gain: float = 1, **_: Any) -> Iterator[dict[str, float]]:
    yield {"accuracy": gain * architecture["w"]}


def enclosed(value: object) -> Callable[..., Iterator[dict[str, float]]]:
    def train(architecture: Any, **_: Any) -> Iterator[dict[str, float]]:
        yield {"accuracy": architecture["w"] * bool(value)}

    return train


def defaulting(value: object) -> Callable[..., Iterator[dict[str, float]]]:
    def train(architecture: Any, *, gain: object = value, **_: Any) -> Iterator[dict[str, float]]:
        yield {"accuracy": architecture["w"] * bool(gain)}

    return train


class Trainer:
    def __init__(self, value: object) -> None:
        self.value = value
        self.lock = threading.Lock()
        self.itself = self

    def train(self, architecture: Any, **_: Any) -> Iterator[dict[str, float]]:
        yield {"accuracy": architecture["w"]}

    def __call__(self, architecture: Any, **_: Any) -> Iterator[dict[str, float]]:
        yield {"accuracy": architecture["w"]}


def made_class(value: object) -> type:
    class Made:
        def step(self) -> object:
            return value

    return Made


WAYS: dict[str, Callable[[Any], Any]] = {
    "partial": lambda value: partial(scaled, gain=value),
    "nested partial": lambda value: partial(partial(scaled, value), seed=1),
    "closure": enclosed,
    "default": defaulting,
    "method": lambda value: Trainer(value).train,
    "callable": Trainer,
    "partial of a method": lambda value: partial(Trainer(value).train, gain=2),
    "class of a function": made_class,
}
PAIRS: list[tuple[Callable[[], object], Callable[[], object]]] = [
    (lambda: 1, lambda: 2),
    (lambda: 1, lambda: 1.0),
    (lambda: True, lambda: 1),
    (lambda: "a", lambda: b"a"),
    (lambda: {"a": 1, "b": [2, 3]}, lambda: {"a": 1, "b": [3, 2]}),
    (lambda: (1, 2), lambda: [1, 2]),
    (lambda: {1, 2, 3}, lambda: {1, 2}),
    (lambda: np.arange(100_000), lambda: np.arange(100_000)[::-1]),
    (lambda: np.zeros(4, np.float32), lambda: np.zeros(4, np.int32)),
    (lambda: np.array(["a", None], dtype=object), lambda: np.array(["b", None], dtype=object)),
    (lambda: torch.zeros(3, dtype=torch.bfloat16), lambda: torch.ones(3, dtype=torch.bfloat16)),
    (lambda: torch.tensor(1.0), lambda: torch.tensor(2.0)),
    (lambda: Path("a"), lambda: Path("b")),
    (lambda: Trainer(1), lambda: Trainer(2)),
    (lambda: partial(scaled, 1), lambda: partial(scaled, 2)),
    (lambda: len, lambda: sum),
]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("pair", PAIRS, ids=range(len(PAIRS)))
def test_equal_values_are_the_same_and_others_are_not(way: Callable[[Any], Any], pair: Any) -> None:
    one, other = pair
    assert held_fingerprint(way(one())) == held_fingerprint(way(one()))
    assert held_fingerprint(way(one())) != held_fingerprint(way(other()))


def test_the_order_of_keywords_and_of_sets_is_nothing() -> None:
    assert held_fingerprint(partial(scaled, a=1, b=2)) == held_fingerprint(partial(scaled, b=2, a=1))


def test_a_version_stands_for_everything() -> None:
    class Versioned(Trainer):
        version = 3

    assert held_fingerprint(Versioned(1)) is held_fingerprint(Versioned) is None


@pytest.mark.parametrize("way", [WAYS["partial"], enclosed, defaulting, WAYS["method"]])
def test_a_resume_takes_the_same_values_and_refuses_others(way: Callable[[Any], Any], tmp_path: Path) -> None:
    space = Space({"w": integer(1, 64)}, name="one")
    given: dict[str, Any] = {"executor": "inline", "max_epochs": 1, "max_trials": 2, "run_dir": tmp_path / "run"}
    nas_tune.search(space, way(1), **given)
    with pytest.raises(ResumeRefusedError, match="the trainable holds other values than when the run began"):
        nas_tune.resume(tmp_path / "run", trainable=way(2), max_trials=4)
    assert nas_tune.resume(tmp_path / "run", trainable=way(1), max_trials=3).state.trials == 3
    assert nas_tune.resume(tmp_path / "run", trainable=way(2), max_trials=4, accept_code_change=True).state.trials == 4
