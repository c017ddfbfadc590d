"""Which trial is better than which: one order for `Run.best`, the kept checkpoints and the progress display."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from nas_tune.fronts import best_first, front
from nas_tune.ledger import TrialRecord
from nas_tune.objectives import Objective, scores_of

__all__ = ["Rank", "final_scores", "pareto", "rank", "ranked"]

Rank = tuple[int, int, tuple[float, ...], int]
"""Smaller is better; comparable between all trials of a run."""
_ENDED = ("complete", "pruned", "paused")


def final_scores(trial: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """What a trial that is over or paused came to in every objective, greater is better; None without a value."""
    if trial.state not in _ENDED or trial.value is None:
        return None
    if len(objectives) == 1:
        return (objectives[0].score(trial.value),) if math.isfinite(trial.value) else None
    return scores_of(trial.reports[-1].metrics, objectives) if trial.reports else None


def rank(trial: TrialRecord, objectives: Sequence[Objective]) -> Rank | None:
    """The place of a trial that is over or paused; None for one without a value (failed, diverged, still running).

    Complete trials come first, by value. Pruned and paused ones follow: their values were reached after fewer
    epochs and do not compare with those, so a longer training beats a shorter one and then the value decides.
    Among equals the older trial is the better one. Of several objectives the first decides, then the next: who is
    best by that is the first of `ranked`, too.
    """
    scores = final_scores(trial, objectives)
    if scores is None:
        return None
    losses = tuple(-score for score in scores)
    if trial.state == "complete":
        return (0, 0, losses, trial.number)
    return (1, -trial.epochs, losses, trial.number)


def ranked(trials: Iterable[TrialRecord], objectives: Sequence[Objective], count: int | None = None) -> list[int]:
    """The numbers of the best `count` trials (of all) that have a value, the best first.

    One objective: as `rank` has it. Several: complete trials, then the others by how long they trained; equally long
    ones by the number of their front, within a front the loneliest first (crowding distance, `nas_tune.fronts`), then
    by the objectives in turn.
    """
    known = sorted(place for trial in trials if (place := rank(trial, objectives)) is not None)
    if len(objectives) == 1:
        return [place[-1] for place in known[:count]]
    found: list[int] = []
    for _, group in groupby(known, key=lambda place: place[:2]):
        equals = list(group)
        if count is not None and len(found) >= count:
            break
        order = best_first([[-loss for loss in losses] for _, _, losses, _ in equals], count)
        found += [equals[index][-1] for index in order]
    return found[:count]


def pareto(trials: Iterable[TrialRecord], objectives: Sequence[Objective]) -> list[int]:
    """The numbers of the complete trials that none dominates, the best in the first objective first.

    With one objective that is the best trial alone.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if len(objectives) == 1:
        return ranked(complete, objectives, 1)
    known = [(scores, trial.number) for trial in complete if (scores := final_scores(trial, objectives)) is not None]
    return [known[index][1] for index in front([scores for scores, _ in known])]
