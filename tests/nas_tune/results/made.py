"""Runs made by hand: a ledger with real meta and whatever events a test wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nas_tune.config import SearchConfig
from nas_tune.ledger import (
    Asked,
    Costed,
    Ended,
    Event,
    Ledger,
    Lost,
    Noted,
    Refused,
    Reported,
    SessionEnded,
    SessionStarted,
    backup_path,
)
from nas_tune.session.description import describe_run
from nas_tune.session.search_setup import SearchSetup
from search_spaces import Architecture, Space, choice, integer, real

__all__ = ["begun", "eventful", "make", "mixed", "refusing", "restored", "train", "trial"]

HERE = "tests.nas_tune.results.made"


def mixed() -> Space:
    """One parameter of every kind, some of them conditional."""
    return Space(
        {
            "op": choice({"conv": {"kernel": choice(3, 5), "bias": choice(True, False)}, "pool": {}}),
            "width": integer(8, 64, step=8),
            "rate": real(1e-4, 1e-1, log=True),
            "scale": choice(0.5, 1.0),
        },
        name="mixed",
    )


def train(architecture: Architecture, seed: int, max_epochs: int, fail: bool = False) -> Iterator[dict[str, float]]:
    """Better with every epoch."""
    if fail:
        raise ValueError("told to fail")
    for epoch in range(max_epochs):
        yield {"accuracy": (seed % 97) / 200 + epoch / 20, "loss": 1.0 / (epoch + 1)}


def make(
    folder: Path,
    *events: Event,
    space: str = f"{HERE}:mixed",
    meta: Mapping[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
) -> Ledger:
    """A ledger in `folder` with these events, still open for writing."""
    config = SearchConfig(space=space, trainable=f"{HERE}:train", executor="inline", max_trials=24)
    described = {**describe_run(SearchSetup.of(config)), **(meta or {})}
    described["config"] = {**described["config"], **({"limits": limits} if limits else {})}
    ledger = Ledger.create(folder, described)
    if events:
        ledger.append(*events)
    return ledger


def begun() -> SessionStarted:
    """A driver opened the run."""
    return SessionStarted("here", 1, {})


def trial(
    number: int, values: list[float], state: str | None = "complete", *, tree: Any = None, **ended: Any
) -> list[Event]:
    """The events of one trial: an epoch a value, and its end unless `state` is None."""
    own = tree if tree is not None else mixed().sample(number).tree
    events: list[Event] = [Asked(number, number, own, f"{number:016x}", 1000 + number)]
    events += [Reported(number, e, {"accuracy": v, "loss": 1.0}, 0.5, "n1") for e, v in enumerate(values, 1)]
    if state is not None:
        value = None if state == "failed" else values[-1]
        events.append(Ended(number, state, value, **ended))
    return events


def refusing() -> list[Event]:
    """A trial with a predicted and a measured latency, one with a predicted one; refusals of every rung."""
    trees = [mixed().sample(number).tree for number in range(10, 14)]
    return [
        begun(),
        Refused("a" * 16, trees[0], "counted", "macs", 6e7, 5e7, None, more=30),
        *trial(0, [0.5, 0.7]),
        Costed(0, {"macs": 4e7}, "counted"),
        Costed(0, {"latency": 4.0}, "predicted"),
        Costed(0, {"latency": 5.0}, "measured", "cpu-1"),
        *trial(1, [0.4, 0.9]),
        Costed(1, {"macs": 3e7}, "counted"),
        Costed(1, {"latency": 6.0}, "predicted"),
        Refused("b" * 16, trees[1], "connected", "", None, None, 2),
        Refused("c" * 16, trees[2], "predicted", "latency", 7.0, 5.0, 3),
        Refused("d" * 16, trees[3], "measured", "latency", 5.5, 5.0, 4),
    ]


def eventful() -> list[Event]:
    """Every state there is: 0 complete, 1 pruned, 2 diverged, 3 failed without a report, 4 lost, 5 running."""
    conv = {"op": {"conv": {"kernel": 5, "bias": True}}, "width": 16, "rate": 0.01, "scale": 0.5}
    pool = {"op": {"pool": {}}, "width": 64, "rate": 0.001, "scale": 1.0}
    return [
        begun(),
        *trial(0, [0.5, 0.7, 0.9], tree=conv),
        *trial(1, [0.6], "pruned", tree=pool),
        *trial(2, [0.4, float("nan")], "failed", failure="diverged", message="accuracy is nan after epoch 2"),
        *trial(3, [], "failed", failure="error", message="ValueError: no", traceback="Traceback: no"),
        *trial(4, [0.3], None),
        Lost(4, "its worker was killed", worker=True),
        *trial(5, [0.2, 0.25], None),
        Noted(-1, "a note"),
    ]


def ended(reason: str = "done") -> SessionEnded:
    """The driver left in good order."""
    return SessionEnded(reason)


def restored(folder: Path, ledger: Ledger) -> None:
    """Put the backup in the place of the ledger, as `resume --from-backup` does."""
    ledger.close()
    for part in ("", "-wal", "-shm"):
        (folder / f"ledger.sqlite{part}").unlink(missing_ok=True)
    backup_path(folder).replace(folder / "ledger.sqlite")
