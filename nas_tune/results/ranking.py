"""Which trial is better than which: one order for `Run.best`, the kept checkpoints and the progress display.

The rule is that of `nas_tune.objectives.standings`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from nas_tune.ledger import TrialRecord
from nas_tune.objectives.objective import Objective, scores_of
from nas_tune.objectives.pareto import front
from nas_tune.objectives.standings import Result, contenders, in_order

__all__ = ["contending", "final_scores", "pareto", "ranked", "result_of"]

_ENDED = ("complete", "pruned", "paused")


def final_scores(trial: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """What a trial that is over or paused came to in every objective, greater is better; None without a value."""
    if trial.state not in _ENDED or trial.value is None:
        return None
    if len(objectives) == 1:
        return (objectives[0].score(trial.value),) if math.isfinite(trial.value) else None
    return scores_of(trial.reports[-1].metrics, objectives) if trial.reports else None


def result_of(trial: TrialRecord, objectives: Sequence[Objective]) -> Result | None:
    """What a trial came to, to be compared with others; None without a value."""
    scores = final_scores(trial, objectives)
    return None if scores is None else Result(scores, trial.epochs, trial.state == "complete")


def ranked(trials: Iterable[TrialRecord], objectives: Sequence[Objective], count: int | None = None) -> list[int]:
    """The numbers of the best `count` trials (of all) that have a value, the best first; of equals the older one.

    Complete trials stand by value, however long they trained. Pruned and paused ones stand behind every trial that
    trained longer, and among the others by value. With several objectives, in the place of the value: the number of
    the front, within a front the loneliest first (crowding distance, `nas_tune.objectives.pareto`), then the objectives
    in turn.
    """
    numbers, results = _results(trials, objectives)
    return [numbers[place] for place in in_order(results, count)]


def contending(trials: Iterable[TrialRecord], objectives: Sequence[Objective]) -> list[int]:
    """The numbers of the trials whose values compare with those of complete ones, by number.

    These are the complete trials, and those that were stopped after at least as many epochs as any of them.
    """
    numbers, results = _results(trials, objectives)
    return [numbers[place] for place in contenders(results)]


def pareto(trials: Iterable[TrialRecord], objectives: Sequence[Objective]) -> list[int]:
    """The numbers of the contending trials that none dominates, the best in the first objective first.

    With one objective that is the best trial alone.
    """
    numbers, results = _results(trials, objectives)
    able = contenders(results)
    numbers, results = [numbers[place] for place in able], [results[place] for place in able]
    if len(objectives) == 1:
        return [numbers[place] for place in in_order(results, 1)]
    return [numbers[place] for place in front([one.scores for one in results])]


def _results(trials: Iterable[TrialRecord], objectives: Sequence[Objective]) -> tuple[list[int], list[Result]]:
    """The trials with a value by number, and what they came to."""
    numbers, results = [], []
    for trial in sorted(trials, key=lambda trial: trial.number):
        result = result_of(trial, objectives)
        if result is not None:
            numbers.append(trial.number)
            results.append(result)
    return numbers, results
