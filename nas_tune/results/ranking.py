"""The order of trials, best first: the same for `Run.best`, the kept checkpoints and the progress display.

The rule is that of `nas_tune.objectives.standings`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from nas_tune.ledger import TrialRecord
from nas_tune.objectives.limits import Limit, violation
from nas_tune.objectives.objective import Objective, scores_of
from nas_tune.objectives.pareto import front
from nas_tune.objectives.standings import Result, contenders, in_order

__all__ = ["contending", "final_scores", "pareto", "ranked", "result_of"]

_ENDED = ("complete", "pruned", "paused")


def final_scores(trial: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Compute the last scores of a trial that has ended or is paused.

    Args:
        trial: of the run.
        objectives: the run's.

    Returns:
        A score for each objective, greater is better; None for a trial without a value.
    """
    if trial.state not in _ENDED or trial.value is None:
        return None
    if len(objectives) == 1:
        return (objectives[0].score(trial.value),) if math.isfinite(trial.value) else None
    return scores_of(trial.reports[-1].metrics, objectives) if trial.reports else None


def result_of(trial: TrialRecord, objectives: Sequence[Objective], limits: Sequence[Limit] = ()) -> Result | None:
    """Make the result of a trial, to compare it with others.

    Args:
        trial: of the run.
        objectives: the run's.
        limits: the run's.

    Returns:
        The result; None for a trial without a value.
    """
    scores = final_scores(trial, objectives)
    if scores is None:
        return None
    broken = violation(trial.values, limits) if limits else 0.0
    return Result(scores, trial.epochs, trial.state == "complete", broken)


def ranked(
    trials: Iterable[TrialRecord],
    objectives: Sequence[Objective],
    count: int | None = None,
    limits: Sequence[Limit] = (),
) -> list[int]:
    """Rank the trials that have a value, the best first; of equal trials the older one comes first.

    Complete trials are ordered by value, for any length of training. Pruned and paused trials come behind every trial
    that trained longer, and are ordered by value among the others. With several objectives, the value is replaced by
    the number of the front, then by crowding distance within a front, the loneliest first
    (`nas_tune.objectives.pareto`), then by the objectives in turn. Trials that break limits come last.

    Args:
        trials: of the run.
        objectives: the run's.
        count: how many to return; None for all.
        limits: the run's.

    Returns:
        Numbers of trials.
    """
    numbers, results = _results(trials, objectives, limits)
    return [numbers[place] for place in in_order(results, count)]


def contending(
    trials: Iterable[TrialRecord], objectives: Sequence[Objective], limits: Sequence[Limit] = ()
) -> list[int]:
    """Find the trials whose values compare with those of complete ones.

    These are the complete trials, and those that were stopped after at least as many epochs as any of them.

    Args:
        trials: of the run.
        objectives: the run's.
        limits: the run's.

    Returns:
        Their numbers, ascending.
    """
    numbers, results = _results(trials, objectives, limits)
    return [numbers[place] for place in contenders(results)]


def pareto(trials: Iterable[TrialRecord], objectives: Sequence[Objective], limits: Sequence[Limit] = ()) -> list[int]:
    """Find the contending trials that no other one dominates.

    Args:
        trials: of the run.
        objectives: the run's.
        limits: the run's.

    Returns:
        Their numbers, the best in the first objective first; with one objective the best trial alone.
    """
    numbers, results = _results(trials, objectives, limits)
    able = contenders(results)
    numbers, results = [numbers[place] for place in able], [results[place] for place in able]
    if len(objectives) == 1:
        return [numbers[place] for place in in_order(results, 1)]
    return [numbers[place] for place in front([one.scores for one in results])]


def _results(
    trials: Iterable[TrialRecord], objectives: Sequence[Objective], limits: Sequence[Limit]
) -> tuple[list[int], list[Result]]:
    """The numbers of the trials with a value, ascending, and their results in the same order."""
    numbers, results = [], []
    for trial in sorted(trials, key=lambda trial: trial.number):
        result = result_of(trial, objectives, limits)
        if result is not None:
            numbers.append(trial.number)
            results.append(result)
    return numbers, results
