"""Successive halving written down once more, as plainly as can be: full sorts, no state but lists, virtual time.

Only the dealing of trials to Hyperband's brackets is asked of the scheduler itself: the paper leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.nas_tune.objectives.pareto_reference import ordered, standing

__all__ = ["Reference", "Trace"]

Trace = list[tuple[float, int, int, str]]
"""When, which trial, which epoch, and what became of it there."""


@dataclass
class Reference:
    """`kind` is stop or promote; `first_rung` says in which epoch a trial is first judged; `field_of` with whom."""

    kind: str
    max_epochs: int
    max_trials: int
    workers: int
    reduction: int
    first_rung: Callable[[int], int]
    field_of: Callable[[int], int]
    score: Callable[[int, int], Any]
    cost: Callable[[int, int], float]
    results: dict[tuple[int, int], dict[int, Any]] = field(default_factory=dict)
    went_on: set[tuple[int, int]] = field(default_factory=set)

    def rungs(self, trial: int) -> list[int]:
        powers = [self.first_rung(trial) * self.reduction**k for k in range(20)]
        return [epoch for epoch in powers if epoch < self.max_epochs]

    def run(self) -> Trace:
        trace: Trace = []
        running: list[tuple[float, int, int]] = []
        begun, now, paused = 0, 0.0, dict[int, int]()
        while True:
            while len(running) < self.workers:
                job = self.promotion(paused)
                if job is not None:
                    trial, epoch = job, paused.pop(job)
                    self.went_on.add((trial, epoch))
                elif begun < self.max_trials:
                    trial, epoch, begun = begun, 0, begun + 1
                else:
                    break
                running.append((now + self.cost(trial, epoch + 1), trial, epoch + 1))
            if not running:
                return trace
            now, trial, epoch = min(running)
            running.remove((now, trial, epoch))
            fate = self.fate(trial, epoch)
            if fate == "paused":
                paused[trial] = epoch
                # The worker looks for work at once, and may find the trial that it has just left.
                if self.promotion(paused) == trial:
                    del paused[trial]
                    self.went_on.add((trial, epoch))
                    fate = "running"
            trace.append((now, trial, epoch, fate))
            if fate == "running":
                running.append((now + self.cost(trial, epoch + 1), trial, epoch + 1))

    def fate(self, trial: int, epoch: int) -> str:
        if epoch == self.max_epochs:
            return "complete"
        if epoch not in self.rungs(trial):
            return "running"
        scores = self.results.setdefault((self.field_of(trial), epoch), {})
        scores[trial] = self.score(trial, epoch)
        if self.kind == "promote":
            return "paused"
        better = self.before(scores, trial)
        return "running" if better < max(1, len(scores) // self.reduction) else "pruned"

    @staticmethod
    def before(scores: dict[int, Any], trial: int) -> int:
        """How many are strictly better; of several objectives by front, then by crowding."""
        if not isinstance(scores[trial], tuple):
            return sum(other > scores[trial] for other in scores.values())
        keys = dict(zip(scores, standing(list(scores.values())), strict=True))
        return sum(key < keys[trial] for key in keys.values())

    @staticmethod
    def best_first(scores: dict[int, Any]) -> list[int]:
        trials = sorted(scores)
        if not isinstance(scores[trials[0]], tuple):
            return sorted(trials, key=lambda trial: (-scores[trial], trial))
        return [trials[place] for place in ordered([scores[trial] for trial in trials])]

    def promotion(self, paused: dict[int, int]) -> int | None:
        """Algorithm 2 of Li et al. 2020: the highest rung first."""
        for (_, epoch), scores in sorted(self.results.items(), reverse=True):
            best = self.best_first(scores)[: len(scores) // self.reduction]
            for trial in best:
                if paused.get(trial) == epoch and (trial, epoch) not in self.went_on:
                    return trial
        return None
