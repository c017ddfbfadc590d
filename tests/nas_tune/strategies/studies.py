"""Studies for the tests of strategies: made by a proposer, answered by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from nas_tune.coordination.proposer import Proposer
from nas_tune.ledger import Asked, Ended, Event, Reported
from nas_tune.strategies import make
from search_spaces import Architecture, Space

__all__ = ["events_of", "proposer", "search"]

Objective = Callable[[Architecture], float]


def proposer(
    space: Space,
    name: str,
    seed: int = 0,
    settings: Mapping[str, object] | None = None,
    mode: Literal["max", "min"] = "max",
) -> Proposer:
    """A proposer of the strategy called `name`."""
    return Proposer(space, lambda s: make(name, space, s, settings), seed=seed, mode=mode, metric="accuracy")


def events_of(trial: int, ask: int, made: Architecture, value: float, state: str = "complete") -> list[Event]:
    """One epoch and the end."""
    reported = Reported(trial, 1, {"accuracy": value}, 0.0)
    return [Asked(trial, ask, made.tree, made.id, 0), reported, Ended(trial, state, value)]


def search(asked: Proposer, objective: Objective, trials: int) -> list[tuple[Architecture, float]]:
    """So many trials, each complete after one epoch, duplicates included."""
    found = []
    for number in range(trials):
        proposal = asked.propose()
        value = objective(proposal.architecture)
        for event in events_of(number, proposal.ask, proposal.architecture, value):
            asked.apply(event)
        found.append((proposal.architecture, value))
    return found
