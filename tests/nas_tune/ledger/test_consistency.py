"""Events that contradict earlier ones, state by state; and those that just fit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nas_tune.ledger import Answered, Asked, Ended, Event, Found, Lost, Noted, Paused, Promoted, Reported, Retried
from nas_tune.ledger.consistency import Consistency
from nas_tune.ledger.events import Costed, Known, Refused


def asked(trial: int, ask: int) -> Asked:
    return Asked(trial, ask, {}, "0" * 16, 1)


def reported(trial: int, epoch: int) -> Reported:
    return Reported(trial, epoch, {"accuracy": 0.5}, 1.0)


def problems(events: Sequence[Event]) -> list[str | None]:
    consistency = Consistency()
    return [consistency.contradicted(event) for event in events]


def last(*events: Event) -> str | None:
    *before, found = problems(events)
    assert before == [None] * len(before)
    return found


RUNNING = [asked(0, 0)]
PAUSED = [*RUNNING, Paused(0, 0.5)]
COMPLETE = [*RUNNING, Ended(0, "complete", 0.5)]
FAILED = [*RUNNING, Ended(0, "failed", failure="error")]
STATES: dict[str, list[Event]] = {"running": [*RUNNING], "paused": PAUSED, "complete": COMPLETE, "failed": FAILED}
ALLOWED = {
    "reported": (reported(0, 1), {"running"}),
    "ended": (Ended(0, "pruned", 0.5), {"running", "paused"}),
    "paused": (Paused(0, 0.5), {"running"}),
    "promoted": (Promoted(0), {"paused"}),
    "found": (Found(0, {}, "0" * 16), {"running"}),
    "lost": (Lost(0, "no"), {"running"}),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ALLOWED)
def test_an_event_fits_the_state_of_its_trial(kind: str, state: str) -> None:
    event, states = ALLOWED[kind]
    wanted = None if state in states else f"it is about trial 0, which is {state}"
    assert last(*STATES[state], event) == wanted
    assert last(event) == "it is about trial 0, which never began"


def test_states_follow_events() -> None:
    assert last(*PAUSED, Promoted(0), reported(0, 1)) is None
    assert last(*RUNNING, Lost(0, "no"), reported(0, 1)) is None
    assert last(*RUNNING, Ended(0, "pruned", 0.5), Promoted(0)) == "it is about trial 0, which is pruned"


def test_epochs_only_rise() -> None:
    assert last(*RUNNING, reported(0, 1), reported(0, 3)) is None
    for epoch in (2, 3):
        assert last(*RUNNING, reported(0, 3), reported(0, epoch)) == f"trial 0 reports epoch {epoch} after epoch 3"
    assert last(*RUNNING, reported(0, 0)) == "trial 0 reports epoch 0 after epoch 0"
    assert last(*RUNNING, asked(1, 1), reported(0, 3), reported(1, 1)) is None


def retried(ask: int) -> Retried:
    return Retried(0, ask)


def test_a_trial_that_failed_begins_again_with_its_epochs() -> None:
    again = [*RUNNING, reported(0, 2), Ended(0, "failed", failure="error")]
    assert last(*again, retried(1), reported(0, 1)) is None
    assert last(*COMPLETE, retried(1)) == "it is about trial 0, which is complete"
    assert last(*again, retried(0)) == "proposal 0 comes after proposal 0"


def test_trials_and_proposals_come_in_order() -> None:
    assert last(*RUNNING, asked(2, 1)) == "trial 2 begins, but the next trial is 1"
    assert last(*RUNNING, asked(0, 1)) == "trial 0 begins, but the next trial is 1"
    assert last(*RUNNING, asked(1, 0)) == "proposal 0 comes after proposal 0"
    assert last(*RUNNING, asked(1, 5), asked(2, 6)) is None
    assert last(*RUNNING, asked(1, 5), asked(2, 5)) == "proposal 5 comes after proposal 5"


@pytest.mark.parametrize(("ask", "fits"), [(10_001, True), (10_002, False)])
def test_too_wide_a_gap_of_proposals_is_damage(ask: int, fits: bool) -> None:
    assert last(*RUNNING, asked(1, ask)) == (None if fits else f"proposal {ask} comes after 1 proposals")


def test_what_belongs_to_no_trial_or_to_a_known_one() -> None:
    assert last(*RUNNING, Noted(-1, "x"), Noted(0, "x")) is None
    assert last(*RUNNING, Noted(1, "x")) == "it is about trial 1, which never began"
    assert last(*RUNNING, Answered(1, 1, {})) == "it is about trial 1, which never began"
    assert last(*RUNNING, Answered(0, 0, {})) == "proposal 0 comes after proposal 0"
    assert last(*RUNNING, Answered(0, 1, {}), asked(1, 2)) is None


def test_refusals_and_costs_and_earlier_runs_count_as_they_say() -> None:
    assert last(*RUNNING, Refused("0", {}, "counted", "macs", 2.0, 1.0, 1), asked(1, 2)) is None
    assert last(*RUNNING, Refused("0", {}, "counted", "macs", 2.0, 1.0, 0)) == "proposal 0 comes after proposal 0"
    assert last(*RUNNING, Refused("0", {}, "counted", "macs", 2.0, 1.0), asked(1, 1)) is None, "it had no proposal"
    assert last(*RUNNING, Costed(0, {"macs": 2.0}, "counted")) is None
    assert last(*RUNNING, Costed(1, {"macs": 2.0}, "counted")) == "it is about trial 1, which never began"
    known = Known("run", 0, {}, "0" * 16, "complete", [[1, 0.5]])
    assert last(known, known, asked(0, 1)) == "proposal 1 comes after proposal 1"
    assert last(known, known, asked(0, 2)) is None
