"""The fold: what a sequence of events comes to, whatever comes twice, late, or in pieces."""

from __future__ import annotations

import random

import pytest

from nas_tune.errors import LedgerDamagedError
from nas_tune.ledger import (
    Answered,
    Asked,
    BudgetChanged,
    Costed,
    Ended,
    Event,
    Found,
    Lost,
    Measured,
    Noted,
    Paused,
    Promoted,
    Refused,
    Reported,
    Retried,
    RunState,
    SessionEnded,
    SessionStarted,
    replay,
)

TREE = {"op": "a"}


def asked(trial: int, ask: int | None = None, identity: str | None = None) -> Asked:
    return Asked(trial, trial if ask is None else ask, TREE, identity or f"id{trial}", 100 + trial)


def told(*events: Event, state: RunState | None = None) -> RunState:
    state = state or RunState()
    for second, event in enumerate(events):
        state.apply(event, 1000.0 + second)
    return state


def test_a_trial_from_its_ask_to_its_end() -> None:
    state = told(
        asked(0), Reported(0, 1, {"a": 0.1}, 2.0, "n"), Reported(0, 2, {"a": 0.2}, 3.0), Ended(0, "complete", 0.2)
    )
    trial = state.trials[0]
    assert (trial.state, trial.over, trial.value, trial.epochs) == ("complete", True, 0.2, 2)
    assert [(r.epoch, r.metrics, r.seconds, r.time, r.node) for r in trial.reports] == [
        (1, {"a": 0.1}, 2.0, 1001.0, "n"),
        (2, {"a": 0.2}, 3.0, 1002.0, ""),
    ]
    assert (trial.started, trial.ended, trial.seed) == (1000.0, 1003.0, 100)
    assert state.counts == {"complete": 1, "pruned": 0, "failed": 0}
    assert not state.unfinished


def test_the_architecture_of_a_search_is_what_it_has_found() -> None:
    state = told(Asked(0, 0, {"search": 0}, "n0", 100, searches=True))
    trial = state.trials[0]
    assert (trial.asked, trial.tree, trial.architecture_id) == ({"search": 0}, None, None)
    told(Found(0, TREE, "x"), Reported(0, 1, {"a": 0.1}, 1.0), Found(0, {"op": "b"}, "y"), state=state)
    assert (trial.tree, trial.architecture_id) == ({"op": "b"}, "y")
    told(Ended(0, "complete", 0.1), Found(0, TREE, "x"), state=state)
    assert trial.architecture_id == "y"


def test_what_a_trainable_finds_stands_beside_the_settings_that_it_was_asked_with() -> None:
    trial = told(asked(0), Found(0, {"op": "b"}, "y")).trials[0]
    assert (trial.tree, trial.architecture_id) == (TREE, "id0")
    assert (trial.found, trial.found_id) == ({"op": "b"}, "y")


def test_a_paused_trial_keeps_its_value_until_it_goes_on() -> None:
    state = told(asked(0), Reported(0, 1, {"a": 0.1}, 1.0), Paused(0, 0.1))
    trial = state.trials[0]
    assert (trial.state, trial.value, trial.over, trial.active) == ("paused", 0.1, False, False)
    assert (list(state.unfinished), list(state.paused)) == ([0], [0])
    # What its worker says afterwards changes nothing.
    told(Reported(0, 2, {"a": 0.2}, 1.0), Lost(0, "late", worker=True), state=state)
    assert (trial.state, trial.epochs, trial.lost) == ("paused", 1, 0)
    told(Promoted(0), state=state)
    assert (trial.state, trial.value, trial.active, state.paused) == ("running", None, True, {})
    told(Reported(0, 2, {"a": 0.2}, 1.0), Paused(0, 0.2), Ended(0, "pruned", 0.2), Promoted(0), state=state)
    assert (trial.state, trial.value, trial.epochs) == ("pruned", 0.2, 2)
    assert not state.unfinished
    assert not state.paused


@pytest.mark.parametrize("state", ["complete", "pruned", "failed"])
def test_the_first_end_wins_and_what_comes_after_it_changes_nothing(state: str) -> None:
    before = told(asked(0), Reported(0, 1, {"a": 0.1}, 1.0), Ended(0, state, 0.1, "error", "m", "t"))
    after = told(asked(0), Reported(0, 1, {"a": 0.1}, 1.0), Ended(0, state, 0.1, "error", "m", "t"))
    for late in (Reported(0, 2, {"a": 9.0}, 1.0), Ended(0, "complete", 9.0), Ended(0, "failed"), Lost(0, "late", True)):
        after.apply(late, 1002.0)
    assert after.trials == before.trials
    assert after.counts == before.counts


def test_an_epoch_counts_once() -> None:
    state = told(asked(0), *[Reported(0, epoch, {"a": epoch / 10}, 1.0) for epoch in (1, 1, 2, 1, 2, 3)])
    assert [report.epoch for report in state.trials[0].reports] == [1, 2, 3]


def test_a_lost_trial_is_not_over_and_runs_again_with_its_next_report() -> None:
    state = told(asked(0), Reported(0, 1, {}, 1.0), Lost(0, "the driver left"), Lost(0, "killed", worker=True))
    trial = state.trials[0]
    assert (trial.state, trial.over, trial.lost, trial.worker_losses) == ("lost", False, 2, 1)
    assert list(state.unfinished) == [0]
    state.apply(Reported(0, 2, {}, 1.0), 1010.0)
    assert (trial.state, trial.lost) == ("running", 2)


def test_proposals_are_counted_apart_from_trials() -> None:
    state = told(asked(0, ask=0), Answered(0, 1, TREE), Answered(0, 4, TREE), asked(1, ask=6))
    assert (state.asks, state.answered, len(state.trials)) == (7, 2, 2)
    assert state.by_architecture == {"id0": 0, "id1": 1}


def test_repeats_are_those_since_the_last_trial_began() -> None:
    state = told(asked(0), Answered(0, 1, TREE), asked(1, 2), Answered(1, 3, TREE), Answered(0, 4, TREE))
    assert state.repeats == [1, 0]


def test_the_first_trial_of_an_architecture_is_the_one_that_answers() -> None:
    assert told(asked(0, identity="x"), asked(1, identity="x")).by_architecture == {"x": 0}


def test_sessions_changes_and_notes() -> None:
    state = told(
        SessionStarted("h", 1, {}),
        Noted(-1, "a"),
        SessionEnded("time"),
        BudgetChanged({"max_trials": 5, "workers": 2}),
        SessionStarted("h", 2, {}),
        BudgetChanged({"max_trials": 7}),
        Noted(3, "b"),
    )
    assert (state.sessions, state.end_reason) == (2, None)
    assert state.changes == {"max_trials": 7, "workers": 2}
    assert state.notes == [(-1, "a"), (3, "b")]
    state.apply(SessionEnded("done"), 2000.0)
    assert state.end_reason == "done"


def test_the_time_between_sessions_is_not_active_time() -> None:
    """A resume writes its changes before it starts its session; the night before them was no work."""
    night = 40_000.0
    state = replay(
        [
            (SessionStarted("h", 1, {}), 1000.0),
            (Noted(-1, "work"), 1010.0),
            (SessionEnded("time"), 1015.0),
            (BudgetChanged({"max_seconds": 60.0}), 1015.0 + night),
            (SessionStarted("h", 2, {}), 1016.0 + night),
            (Noted(-1, "work"), 1020.0 + night),
        ]
    )
    assert state.active_seconds == pytest.approx(15.0 + 4.0)


def test_a_clock_that_is_set_back_takes_no_time_away() -> None:
    state = replay([(SessionStarted("h", 1, {}), 1000.0), (Noted(-1, "x"), 1010.0), (Noted(-1, "y"), 500.0)])
    assert state.active_seconds == 10.0


def test_a_ledger_without_a_session_has_no_active_time() -> None:
    assert told(asked(0)).active_seconds == 0.0


def random_events(seed: int) -> list[Event]:
    """What several workers, deaths and repeats may come to."""
    rng = random.Random(seed)
    events: list[Event] = [SessionStarted("h", 1, {}), *(asked(trial) for trial in range(4))]
    for _ in range(60):
        trial, epoch = rng.randrange(4), rng.randint(1, 6)
        events.append(
            rng.choice(
                [
                    Reported(trial, epoch, {"a": rng.random()}, 1.0),
                    Reported(trial, epoch, {"a": rng.random()}, 1.0),
                    Lost(trial, "x", worker=True),
                    Paused(trial, 0.5),
                    Promoted(trial),
                    Ended(trial, rng.choice(["complete", "pruned", "failed"]), 0.5),
                ]
            )
        )
    return events


@pytest.mark.parametrize("seed", range(5))
def test_every_state_of_a_random_run_is_consistent(seed: int) -> None:
    state = RunState()
    for second, event in enumerate(random_events(seed)):
        state.apply(event, float(second))
        assert set(state.unfinished) == {n for n, trial in state.trials.items() if not trial.over}
        assert set(state.paused) == {n for n, trial in state.trials.items() if trial.state == "paused"}
        assert sum(state.counts.values()) + len(state.unfinished) == len(state.trials)
        for trial in state.trials.values():
            epochs = [report.epoch for report in trial.reports]
            assert epochs == sorted(set(epochs))


@pytest.mark.parametrize("seed", range(5))
def test_ends_and_reports_told_twice_give_the_same_trials(seed: int) -> None:
    events = random_events(seed)
    once = told(*events)
    twice = RunState()
    for second, event in enumerate(events):
        for _ in range(1 if isinstance(event, Lost | Asked) else 2):
            twice.apply(event, 1000.0 + second)
    assert twice.trials == once.trials
    assert twice.counts == once.counts


def test_a_retry_takes_back_the_failure_and_nothing_else() -> None:
    state = told(
        asked(0, 0),
        Ended(0, "complete", 0.5),
        asked(1, 1),
        Reported(1, 1, {"a": 0.1}, 1.0),
        Lost(1, "oom", worker=True),
    )
    told(
        Ended(1, "failed", None, "error", "no", "Traceback"),
        asked(2, 2),
        Ended(2, "failed", None, "error"),
        state=state,
    )
    assert state.counts == {"complete": 1, "pruned": 0, "failed": 2}
    told(Retried(1, 7), state=state)
    trial = state.trials[1]
    assert state.counts == {"complete": 1, "pruned": 0, "failed": 1}
    assert (state.asks, list(state.unfinished)) == (8, [1])
    assert (trial.state, trial.ask, trial.attempts, trial.worker_losses, trial.lost) == ("lost", 7, 2, 0, 1)
    assert (trial.failure, trial.message, trial.traceback, trial.ended, trial.reports) == (None, None, None, None, [])
    told(Retried(0, 3), state=state)
    assert (state.trials[0].state, state.asks, state.counts["complete"]) == ("complete", 8, 1)


def test_of_a_trial_that_never_began_nothing_can_be_told() -> None:
    with pytest.raises(LedgerDamagedError, match="trial 3 has an event, but none that begins it"):
        told(asked(0), Paused(3, 0.5))


def test_a_measured_architecture_that_a_prediction_refused_is_an_audit() -> None:
    slow = Refused("ab" * 8, {"op": "b"}, "predicted", "latency", 6.5, 5.0)
    by_count = Refused("cd" * 8, {"op": "c"}, "counted", "macs", 6.5e7, 5e7)
    both = [Measured(one.id, one.tree, {"latency": 4.5}, "a phone") for one in (slow, by_count)]
    state = told(Measured(slow.id, slow.tree, {"latency": 9.0}, "a phone"), slow, by_count, *both)
    assert state.audits == [(slow, 4.5)]
    assert state.refusals == {("predicted", "latency"): 1, ("counted", "macs"): 1}
    assert state.turned_away == set()


def test_costs_of_a_trial_are_kept_by_how_they_were_found() -> None:
    state = told(
        asked(0),
        Costed(0, {"parameters": 10.0}, "counted"),
        Costed(0, {"latency": 5.5}, "measured", "a phone"),
        Costed(0, {"latency": 5.0}, "predicted", "a phone"),
    )
    record = state.trials[0]
    assert record.costs == {"parameters": 10.0, "latency": 5.5}
    assert record.predicted == {"latency": 5.0}
    assert record.devices == {"latency": "a phone"}
    assert record.values == record.costs
