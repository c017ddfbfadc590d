"""Translates the outcome of an epoch into the events that the ledger keeps of it.

A report becomes `Reported`, with the verdict of the scheduler beside it. An outcome that no run can use ends its trial
as failed, with the reason. Nothing here writes to the ledger or changes a state but the names of the metrics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from nas_tune.coordination.intervals import Intervals
from nas_tune.ledger import Ended, Event, Found, Noted, Paused, Reported, TrialRecord
from nas_tune.objectives.objective import Objective
from nas_tune.schedulers import Verdict
from search_spaces.names import did_you_mean
from trainables.metrics import Metric
from trainables.trial.bounds import LONGEST_NODE, cut, writable
from trainables.trial.session import Outcome

__all__ = ["Outcomes"]


class Outcomes:
    """Translates outcomes into events.

    Args:
        objectives: of the run, the leading one first.
        at_end: whether only the last report of a training needs the metrics of the objectives.
        declared: the declarations of the metrics.
    """

    def __init__(self, objectives: Sequence[Objective], *, at_end: bool, declared: Sequence[Metric] = ()) -> None:
        self._metrics = [objective.metric for objective in objectives]
        self._at_end = at_end
        self._intervals = Intervals(declared, self._metrics)
        self._spelled = {metric.lower(): metric for metric in self._metrics}

    def learn(self, names: Iterable[str]) -> None:
        """Learn how the metrics of a report in the ledger are spelled.

        Args:
            names: the names of the metrics.
        """
        for name in names:
            self._spelled.setdefault(name.lower(), name)

    def events(
        self, record: TrialRecord, outcome: Outcome, node: str, judge: Callable[[Reported], Verdict]
    ) -> list[Event]:
        """Translate an outcome.

        Args:
            record: of the trial, as it was before the outcome.
            outcome: of the epoch.
            node: the node on which the epoch ran.
            judge: gives the scheduler's verdict on a report; called at most once.

        Returns:
            The events in their order; none where the outcome says nothing new.
        """
        notes = [Noted(record.number, text) for text in (*outcome.notes, *self._intervals.notes(outcome.metrics))]
        found = outcome.found
        is_new = found is not None and found.id != record.found_id
        architecture = [Found(record.number, found.tree, found.id)] if found is not None and is_new else []
        return [*notes, *architecture, *self._of_epoch(record, outcome, node, judge)]

    def _of_epoch(
        self, record: TrialRecord, outcome: Outcome, node: str, judge: Callable[[Reported], Verdict]
    ) -> list[Event]:
        trial, metrics = record.number, dict(outcome.metrics)
        if outcome.failure is not None:
            why = outcome.failure
            return [Ended(trial, "failed", None, why.kind, why.message, why.traceback or None)]
        if not outcome.metrics or outcome.epoch <= record.epochs:
            return [self._complete(record)] if outcome.finished else []
        bad = next((outcome.unusable[metric] for metric in self._metrics if metric in outcome.unusable), None)
        bad = bad or self._equal_names(metrics)
        if bad is not None:
            return [Ended(trial, "failed", None, "bad_result", bad)]
        reported = Reported(trial, outcome.epoch, metrics, outcome.seconds, cut(writable(node), LONGEST_NODE))
        if self._at_end and not outcome.finished and not any(metric in metrics for metric in self._metrics):
            return [reported]
        for metric in self._metrics:
            if metric not in metrics:
                hint, seen = did_you_mean(metric, metrics), ", ".join(sorted(metrics))
                what = f"no metric {metric!r} in the report{hint or ','} only: {seen}"
                return [Ended(trial, "failed", None, "bad_result", what)]
            if not math.isfinite(metrics[metric]):
                what = f"{metric} is {metrics[metric]} after epoch {outcome.epoch}"
                return [reported, Ended(trial, "failed", None, "diverged", what)]
        if beyond := self._intervals.failure(metrics):
            return [reported, Ended(trial, "failed", None, "bad_result", beyond)]
        # The scheduler learns of the last report of a training, too.
        verdict, value = judge(reported), metrics[self._metrics[0]]
        if outcome.finished:
            return [reported, Ended(trial, "complete", value)]
        match verdict:
            case Verdict.STOP:
                return [reported, Ended(trial, "pruned", value)]
            case Verdict.PAUSE:
                return [reported, Paused(trial, value)]
            case Verdict.GO_ON:
                return [reported]

    def _equal_names(self, metrics: Iterable[str]) -> str | None:
        """The error of a metric name that differs from an earlier or a configured one only in case; else None."""
        for name in metrics:
            other = self._spelled.get(name.lower(), name)
            if other != name:
                return f"a metric is called {name!r}, and before that {other!r}: they differ only in case; rename one"
        return None

    def _complete(self, record: TrialRecord) -> Ended:
        """The end of a training that ended without a further report."""
        if not record.reports:
            return Ended(record.number, "failed", None, "bad_result", "the training ended without a report")
        metric, last = self._metrics[0], record.reports[-1].metrics
        if metric not in last:
            return Ended(record.number, "failed", None, "bad_result", f"the training ended without a {metric}")
        return Ended(record.number, "complete", last[metric])
