"""Batches of trials that are judged apart from each other, so that the order in which they report does not matter.

Within a batch a trial is judged by what all earlier batches came to and by itself: by a copy of the inner scheduler
as it stood when the batch began. When the next batch begins, what this one came to is folded into the inner
scheduler, in the order in which its trials were asked for. So nothing waits for anything but the end of the batch,
and nothing depends on who was faster; the price is that trials of one batch do not stop each other.

A batch grows by `began` and `promoted` until its first report or end closes it; what comes after that begins the
next one. The fold of events alone says therefore how far a batch had got when its driver was killed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from nas_tune.schedulers.base import Scheduler, Score, Verdict, judged

__all__ = ["Batched"]


@dataclass(slots=True)
class _Slot:
    """What one trial of the batch came to, and who judges it; nobody before a verdict is wanted."""

    reports: list[tuple[int, Score]] = field(default_factory=list)
    over: bool = False
    judge: Scheduler | None = None


class Batched:
    """The scheduler `inner`, for batches; every trial is over or paused when the next batch begins."""

    def __init__(self, inner: Scheduler) -> None:
        self.inner = inner
        self._slots: dict[int, _Slot] = {}
        self._closed = False

    @property
    def pauses(self) -> bool:
        """As the inner scheduler."""
        return self.inner.pauses

    @property
    def growing(self) -> int:
        """How many trials the batch has that nothing was heard of yet; 0 once it is closed."""
        return 0 if self._closed else len(self._slots)

    def began(self, trial: int) -> None:
        """A new trial belongs to the batch, or begins the next one."""
        self.fold()
        self._slots[trial] = _Slot()

    def promoted(self, trial: int) -> None:
        """Likewise, with a trial that was paused."""
        self.began(trial)
        self.inner.promoted(trial)

    def again(self, trial: int) -> None:
        """A failed trial is begun anew, within the batch that is there: others of it may wait to go on."""
        self._slots[trial] = _Slot()

    def learn(self, trial: int, epoch: int, score: Score) -> None:
        """Take in a report whose verdict is known: a replay needs no judges."""
        self._closed = True
        self._slots[trial].reports.append((epoch, score))

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """As the trial's own judge says."""
        slot = self._slots[trial]
        if slot.judge is None:
            slot.judge = copy.deepcopy(self.inner)
            for report in slot.reports:
                judged(slot.judge, trial, *report)
        self.learn(trial, epoch, score)
        return judged(slot.judge, trial, epoch, score)

    def next_promotion(self) -> int | None:
        """By what all earlier batches came to."""
        return self.inner.next_promotion()

    def forget(self, trial: int) -> None:
        """A trial that was not of this batch was paused, and ends with the budget."""
        self._closed = True
        self._slots.setdefault(trial, _Slot()).over = True

    def fold(self) -> None:
        """Let the inner scheduler know what a closed batch came to, and begin the next; else nothing."""
        if not self._closed:
            return
        slots, self._slots, self._closed = self._slots, {}, False
        for trial, slot in slots.items():
            self._tell(trial, slot)
        for trial, slot in slots.items():
            if slot.over:
                self.inner.forget(trial)

    def _tell(self, trial: int, slot: _Slot) -> None:
        """A trial that reported again after it would have paused goes on."""
        verdict = Verdict.GO_ON
        for report in slot.reports:
            if verdict is Verdict.PAUSE:
                self.inner.promoted(trial)
            verdict = self.inner.observe(trial, *report)
