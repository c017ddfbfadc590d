"""Batches of trials that are judged apart from each other, so that the order in which they report does not matter.

Each trial of a batch is judged by a copy of the inner scheduler as it was when the batch began, so its verdicts
depend on its own reports and on the results of all earlier batches. When the next batch begins, the reports of this one
are folded into the inner scheduler, in the order in which its trials began. So trials wait for the end of a batch
only, and no verdict depends on which trial was faster; the price is that trials of one batch do not stop each other.

A batch grows by `began` and `promoted` until its first report or end closes it; a trial that begins or is promoted
after that opens the next batch. The state of a batch thus follows from the events alone, also after its driver was
killed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from nas_tune.schedulers.base import Scheduler, Score, Verdict, verdict_of

__all__ = ["Batched"]


@dataclass(slots=True)
class _Slot:
    """The reports of one trial of the batch.

    Attributes:
        reports: epoch and score of each, in order.
        over: whether the trial has ended.
        judge: the copy of the inner scheduler that judges the trial; made when its first verdict is needed.
    """

    reports: list[tuple[int, Score]] = field(default_factory=list)
    over: bool = False
    judge: Scheduler | None = None


class Batched:
    """Judges trials in batches by the scheduler `inner`; every trial is over or paused when the next batch begins.

    Args:
        inner: the scheduler that judges; it takes in the reports of a batch when the next one begins.
    """

    def __init__(self, inner: Scheduler) -> None:
        self.inner = inner
        self._slots: dict[int, _Slot] = {}
        self._closed = False

    @property
    def pauses(self) -> bool:
        """Whether the inner scheduler ever pauses a trial."""
        return self.inner.pauses

    @property
    def growing(self) -> int:
        """How many trials the open batch has; 0 once the batch is closed."""
        return 0 if self._closed else len(self._slots)

    def began(self, trial: int) -> None:
        """Add a new trial to the open batch; if the batch is closed, fold it and open the next one.

        Args:
            trial: the number of the trial.
        """
        self.fold()
        self._slots[trial] = _Slot()

    def promoted(self, trial: int) -> None:
        """Add a promoted trial, as `began` adds a new one."""
        self.began(trial)
        self.inner.promoted(trial)

    def again(self, trial: int) -> None:
        """Restart a failed trial within its batch, even a closed one: other trials of the batch may still run.

        Args:
            trial: the number of the trial; its earlier reports are dropped.
        """
        self._slots[trial] = _Slot()

    def learn(self, trial: int, epoch: int, score: Score) -> None:
        """Take in a report whose verdict is already known, as in a replay.

        Args:
            trial: the number of a trial of the batch.
            epoch: the epoch that ended, from 1.
            score: the score at that epoch; greater is better.
        """
        self._closed = True
        self._slots[trial].reports.append((epoch, score))

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Take in a report, and judge the trial by its own copy of the inner scheduler."""
        slot = self._slots[trial]
        if slot.judge is None:
            slot.judge = copy.deepcopy(self.inner)
            for report in slot.reports:
                verdict_of(slot.judge, trial, *report)
        self.learn(trial, epoch, score)
        return verdict_of(slot.judge, trial, epoch, score)

    def next_promotion(self) -> int | None:
        """Choose by the inner scheduler, which has seen all earlier batches."""
        return self.inner.next_promotion()

    def forget(self, trial: int) -> None:
        """Record that a trial is over; a trial outside the batch was paused and ends with the budget."""
        self._closed = True
        self._slots.setdefault(trial, _Slot()).over = True

    def fold(self) -> None:
        """If the batch is closed, pass its reports to the inner scheduler and open the next batch; else do nothing."""
        if not self._closed:
            return
        slots, self._slots, self._closed = self._slots, {}, False
        for trial, slot in slots.items():
            verdict = Verdict.GO_ON
            for report in slot.reports:
                # A trial that reports again after a pause was promoted within the batch.
                if verdict is Verdict.PAUSE:
                    self.inner.promoted(trial)
                verdict = self.inner.observe(trial, *report)
        for trial, slot in slots.items():
            if slot.over:
                self.inner.forget(trial)
