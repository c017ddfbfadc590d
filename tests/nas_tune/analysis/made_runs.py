"""Runs whose truth is known: what decides, by how much, and who is better."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nas_tune
from nas_tune.ledger import Asked, Ended, Event, Reported, SessionEnded
from nas_tune.results import Run
from search_spaces import Architecture
from tests.nas_tune.results.made import begun, make, mixed

__all__ = ["known", "run_of"]


def run_of(folder: Path, values: list[float], meta: Mapping[str, Any] | None = None, **config: Any) -> Run:
    """A run of complete trials, which came to these values."""
    events: list[Event] = [begun()]
    for number, value in enumerate(values):
        events += _trial(number, mixed().sample(number), value)
    return _made(folder, events, meta, config)


def known(folder: Path, trials: int, quality: Callable[[Architecture], float], meta: Any = None) -> Run:
    """A run of random members of `mixed`, whose value is their quality and a little noise."""
    rng, events = random.Random(0), [begun()]
    for number in range(trials):
        one = mixed().sample(number)
        events += _trial(number, one, quality(one) + rng.gauss(0, 0.01))
    return _made(folder, events, meta, {})


def _trial(number: int, one: Architecture, value: float) -> list[Event]:
    return [
        Asked(number, number, one.tree, one.id, number),
        Reported(number, 1, {"accuracy": value, "loss": -value}, 1.0, "n1"),
        Ended(number, "complete", value),
    ]


def _made(folder: Path, events: list[Event], meta: Mapping[str, Any] | None, config: Mapping[str, Any]) -> Run:
    folder.mkdir(exist_ok=True, parents=True)
    before = make(folder)
    settings = {**before.meta["config"], **config}
    before.close()
    for left in folder.iterdir():
        left.unlink()
    make(folder, *events, SessionEnded("done"), meta={"config": settings, **(meta or {})}).close()
    return nas_tune.open_run(folder)
