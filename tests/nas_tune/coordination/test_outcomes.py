"""What the ledger keeps of an outcome."""

from __future__ import annotations

import math

import pytest

from nas_tune.coordination.outcomes import Outcomes
from nas_tune.ledger import Asked, Ended, Event, Noted, Paused, Reported, RunState, TrialRecord
from nas_tune.objectives.objective import Objective
from nas_tune.schedulers import Verdict
from trainables.trial.session import Outcome

ACCURACY, MACS = Objective("accuracy", "max"), Objective("macs", "min")


def begun() -> TrialRecord:
    state = RunState()
    state.apply(Asked(0, 0, {"a": 1}, "id", 7, False), 1.0)
    return state.trials[0]


def events(outcome: Outcome, *objectives: Objective, verdict: Verdict = Verdict.GO_ON) -> list[Event]:
    outcomes = Outcomes(objectives or (ACCURACY,), at_end=False)
    return outcomes.events(begun(), outcome, "node", lambda _: verdict)


@pytest.mark.parametrize(
    ("verdict", "then"),
    [(Verdict.GO_ON, []), (Verdict.STOP, [Ended(0, "pruned", 0.5)]), (Verdict.PAUSE, [Paused(0, 0.5)])],
)
def test_the_verdict_decides_what_follows_a_report(verdict: Verdict, then: list[Event]) -> None:
    assert events(Outcome(1, {"accuracy": 0.5}, 2.0), verdict=verdict) == [
        Reported(0, 1, {"accuracy": 0.5}, 2.0, "node"),
        *then,
    ]


def test_the_end_of_a_training_is_its_value_whatever_the_verdict() -> None:
    last = events(Outcome(1, {"accuracy": 0.5}, finished=True), verdict=Verdict.PAUSE)[-1]
    assert last == Ended(0, "complete", 0.5)


def test_several_objectives_are_looked_for_in_every_report_and_the_first_one_is_the_value() -> None:
    kept = events(Outcome(1, {"macs": 9.0, "accuracy": 0.5}, finished=True), ACCURACY, MACS)
    assert kept[-1] == Ended(0, "complete", 0.5)
    missing = events(Outcome(1, {"accuracy": 0.5, "mac": 9.0}), ACCURACY, MACS)
    assert isinstance(missing[0], Ended)
    assert missing[0].failure == "bad_result"
    assert "no metric 'macs' in the report; did you mean 'mac'?" in (missing[0].message or "")


def test_a_value_that_is_not_finite_is_kept_and_ends_the_trial_before_the_scheduler_sees_it() -> None:
    def judge(report: Reported) -> Verdict:
        raise AssertionError(report)

    kept = Outcomes([ACCURACY], at_end=False).events(begun(), Outcome(1, {"accuracy": math.nan}), "", judge)
    assert isinstance(kept[0], Reported)
    assert isinstance(kept[1], Ended)
    assert (kept[1].failure, kept[1].message) == ("diverged", "accuracy is nan after epoch 1")


def test_notes_come_first_and_an_outcome_without_news_is_no_event() -> None:
    assert events(Outcome(0, {}, notes=("slow",))) == [Noted(0, "slow")]
    assert events(Outcome(0, {})) == []


def test_a_name_that_differs_from_one_of_the_ledger_in_case_alone_ends_the_trial() -> None:
    outcomes = Outcomes([ACCURACY], at_end=False)
    outcomes.learn(["Top5"])
    (ended,) = outcomes.events(begun(), Outcome(1, {"accuracy": 0.5, "top5": 0.9}), "", lambda _: Verdict.GO_ON)
    assert isinstance(ended, Ended)
    assert "'top5', and before that 'Top5'" in (ended.message or "")
