"""Batches: judged apart, and told to the inner scheduler as one after another, in the order of their beginning."""

from __future__ import annotations

from nas_tune.schedulers import Batched, Score, Verdict


class Recording:
    """Pauses every trial after its odd epochs; a list knows what it was told."""

    pauses = True

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def __deepcopy__(self, memo: object) -> Recording:
        """A judge, whose telling does not count."""
        return Recording()

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        self.told.append(("observe", trial, epoch, score))
        return Verdict.PAUSE if epoch % 2 else Verdict.GO_ON

    def next_promotion(self) -> int | None:
        return None

    def promoted(self, trial: int) -> None:
        self.told.append(("promoted", trial))

    def forget(self, trial: int) -> None:
        self.told.append(("forget", trial))


def test_a_batch_is_told_when_the_next_begins_by_trial_and_not_by_time() -> None:
    inner = Recording()
    batched = Batched(inner)
    batched.began(0)
    batched.began(1)
    assert batched.growing == 2
    assert batched.observe(1, 2, 0.2) is Verdict.GO_ON
    assert batched.growing == 0
    assert batched.observe(0, 2, 0.1) is Verdict.GO_ON
    batched.forget(1)
    assert inner.told == []
    batched.began(2)
    assert inner.told == [("observe", 0, 2, 0.1), ("observe", 1, 2, 0.2), ("forget", 1)]
    assert batched.growing == 1


def test_a_trial_that_reports_after_its_pause_was_promoted() -> None:
    inner = Recording()
    batched = Batched(inner)
    batched.began(0)
    for epoch in (1, 2, 3, 4):
        batched.learn(0, epoch, 0.5)
    batched.fold()
    reports = [("observe", 0, epoch, 0.5) for epoch in (1, 2, 3, 4)]
    assert inner.told == [reports[0], ("promoted", 0), *reports[1:3], ("promoted", 0), reports[3]]


def test_a_promotion_begins_a_batch_too() -> None:
    inner = Recording()
    batched = Batched(inner)
    batched.began(0)
    assert batched.observe(0, 1, 0.5) is Verdict.PAUSE
    batched.promoted(0)
    assert inner.told == [("observe", 0, 1, 0.5), ("promoted", 0)]
