"""The one who decides: what it hands out, what it makes of what comes back, and when it has had enough."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.samplers import BaseSampler, RandomSampler

import search_spaces
from nas_tune.coordination.coordinator import Coordinator
from nas_tune.coordination.proposer import Proposer
from nas_tune.errors import StrategyError
from nas_tune.ledger import Answered, Asked, Ended, Event, Ledger, Noted, RunState, SessionEnded, SessionStarted
from search_spaces import Space, choice, real
from tests import toys
from tests.nas_tune.runs import Killed, Setup, epoch, failure, kill, table
from tests.toys import climb, tiny_space
from trainables.trial.session import Finding, Outcome


def events_of(setup: Setup) -> list[Event]:
    ledger = Ledger.open(setup.folder, readonly=True)
    found = [event for event, _ in ledger.events()]
    ledger.close()
    return found


def begin(coordinator: Coordinator, number: int = 1) -> list[int]:
    """Ask for so many trials."""
    assignments = [coordinator.ask() for _ in range(number)]
    return [assignment.trial for assignment in assignments if assignment is not None]


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# Budgets


def test_max_trials_is_the_total_of_the_run(tmp_path: Path) -> None:
    setup = Setup(tmp_path, max_trials=3)
    first = setup.run()
    assert (len(first.state.trials), first.stopping) == (3, "done")
    again = setup.run()
    assert (len(again.state.trials), again.stopping) == (3, "done")
    more = Setup(tmp_path, max_trials=5).run()
    assert (len(more.state.trials), more.stopping) == (5, "done")
    assert more.state.counts["complete"] == 5


def test_without_a_limit_it_ends_with_the_space(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_trials=None).run()
    assert (len(coordinator.state.trials), coordinator.stopping) == (6, "exhausted")


@pytest.mark.parametrize("strategy", ["random", "tpe", "evolution"])
def test_a_small_space_is_searched_whole_and_each_member_once(strategy: str, tmp_path: Path) -> None:
    settings = {"population": 3, "sample": 2} if strategy == "evolution" else {}
    setup = Setup(tmp_path, strategy=strategy, settings=settings, max_trials=100)
    coordinator = setup.run(climb)
    assert coordinator.stopping == "exhausted"
    trained = [trial.architecture_id for trial in coordinator.state.trials.values()]
    assert sorted(trained) == sorted(made.id for made in tiny_space().enumerate())
    assert coordinator.state.answered == sum(isinstance(event, Answered) for event in events_of(setup)) > 0


def test_members_that_no_mutation_reaches_are_found_by_walking_through_the_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An enumerable space is searched whole; of a larger one nobody knows what is left."""
    monkeypatch.setattr(Space, "mutate", lambda self, architecture, rng: architecture)
    coordinator = Setup(tmp_path / "whole", max_trials=100).run(climb)
    trained = [trial.architecture_id for trial in coordinator.state.trials.values()]
    assert sorted(trained) == sorted(made.id for made in tiny_space().enumerate())
    assert coordinator.stopping == "exhausted"
    for limit, whole in ((6, True), (5, False)):
        for bound in ("LISTED_UP_TO", "PROVEN_UP_TO"):
            monkeypatch.setattr(f"nas_tune.strategies.unseen.{bound}", limit)
        for tries in ("_DRAWS", "_MUTATIONS"):
            monkeypatch.setattr(f"nas_tune.strategies.unseen.{tries}", 0)
        monkeypatch.setattr("nas_tune.coordination.coordinator._ASKS_BEFORE_CHOOSING", 1)
        coordinator = Setup(tmp_path / str(limit), max_trials=100).run(climb)
        assert (len(coordinator.state.trials) == 6) is whole


def test_time_ends_the_run_in_the_middle_of_trials(tmp_path: Path) -> None:
    clock = Clock()
    setup = Setup(tmp_path, max_trials=None, max_seconds=60.0)
    coordinator = setup.open(clock=clock)
    begin(coordinator, 2)
    assert coordinator.report(0, epoch(1))
    clock.now += 61.0
    assert not coordinator.report(0, epoch(2))
    assert coordinator.stopping == "time"
    assert coordinator.ask() is None
    coordinator.close()
    states = {n: (trial.state, trial.epochs) for n, trial in coordinator.state.trials.items()}
    assert states == {0: ("paused", 2), 1: ("lost", 0)}
    assert coordinator.state.trials[0].value == epoch(2).metrics["accuracy"]
    assert coordinator.state.end_reason == "time"


@pytest.mark.parametrize("scheduler", ["none", "asha", "asha_promote"])
@pytest.mark.parametrize("batch", [None, 2])
def test_what_the_time_cut_goes_on_in_a_session_with_more(tmp_path: Path, scheduler: str, batch: int | None) -> None:
    """A kill between the two sessions, and a session without time, change nothing."""
    clock = Clock()
    setup = Setup(tmp_path, scheduler=scheduler, max_trials=2, max_seconds=60.0, max_epochs=9)
    coordinator = setup.open(clock=clock, batch=batch)
    begin(coordinator, 2)
    assert coordinator.report(0, epoch(1)) == (scheduler != "asha_promote")
    clock.now += 61.0
    coordinator.report(1, epoch(1))
    coordinator.close()
    waited = {0: "pruned", 1: "pruned"} if scheduler == "asha_promote" else {0: "paused", 1: "paused"}
    assert {n: trial.state for n, trial in coordinator.state.trials.items()} == waited
    coordinator._ledger.close()
    if scheduler == "asha_promote":
        return
    setup.budget = replace(setup.budget, max_seconds=1000.0)
    again = setup.open(clock=Clock(), batch=batch)
    assert {n: (trial.state, trial.value) for n, trial in again.state.trials.items()} == dict.fromkeys(
        (0, 1), ("running", None)
    )
    assert begin(again, 2) == [0, 1]
    again.report(0, epoch(2))
    again._ledger.close()
    killed = setup.open(clock=Clock(), batch=batch)
    assert begin(killed, 2) == [0, 1]
    for number in range(3, 9):
        assert killed.report(0, epoch(number))
    assert not killed.report(0, replace(epoch(9), finished=True))
    assert killed.state.trials[0].state == "complete"


def test_a_session_without_time_leaves_them_where_they_are(tmp_path: Path) -> None:
    clock = Clock()
    setup = Setup(tmp_path, max_trials=None, max_seconds=60.0)
    coordinator = setup.open(clock=clock)
    begin(coordinator, 1)
    coordinator.report(0, epoch(1))
    coordinator.report(0, Outcome(1, {}, notes=("left",), out_of_time=True))
    assert coordinator.stopping == "time"
    coordinator.close()
    coordinator._ledger.close()
    setup.budget = replace(setup.budget, max_seconds=1e-9)
    again = setup.open(clock=clock)
    again._seconds_before = 1.0
    assert again.ask() is None
    again.close()
    assert again.state.trials[0].state == "paused"


def test_time_counts_also_after_the_last_trial_was_handed_out(tmp_path: Path) -> None:
    clock = Clock()
    coordinator = Setup(tmp_path, max_trials=1, max_seconds=60.0).open(clock=clock)
    begin(coordinator)
    assert coordinator.ask() is None
    assert coordinator.stopping == "done"
    assert coordinator.report(0, epoch(1))
    clock.now += 61.0
    assert not coordinator.report(0, epoch(2))
    assert coordinator.stopping == "time"


def test_time_is_the_total_of_all_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Clock()
    monkeypatch.setattr("nas_tune.ledger.store.time.time", wall)
    setup = Setup(tmp_path, max_trials=None, max_seconds=60.0)
    coordinator = setup.open(clock=Clock())
    coordinator._ledger.append(SessionStarted("h", 1, {}))
    begin(coordinator)
    wall.now += 50.0
    coordinator.report(0, epoch(1))
    coordinator.close()
    wall.now += 100_000.0
    clock = Clock()
    again = setup.open(clock=clock)
    assert begin(again) == [0]
    clock.now += 9.0
    assert again.report(0, epoch(2))
    clock.now += 2.0
    assert not again.report(0, epoch(3))
    assert again.stopping == "time"


def test_a_clock_is_asked_for_nothing_without_a_limit(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open(clock=iter([0.0]).__next__)
    begin(coordinator)
    assert coordinator.report(0, epoch(1))


# Duplicates


def test_an_architecture_is_trained_once_and_repeats_are_answered(tmp_path: Path) -> None:
    setup = Setup(
        tmp_path,
        space=search_spaces.get("nb201"),
        max_trials=6,
        settings={"population": 2, "sample": 1},
        strategy="evolution",
    )
    coordinator = setup.open()
    for trial in range(6):
        begin(coordinator)
        coordinator.report(trial, epoch(1, trial / 10, finished=True))
    begun = [event.id for event in events_of(setup) if isinstance(event, Asked)]
    assert len(set(begun)) == len(begun) == 6


def test_two_trees_with_one_id_are_one_architecture(tmp_path: Path) -> None:
    """A canonical form decides: here only whether there is an `a`."""
    space = Space({"x": choice("a", "b"), "y": choice("a", "b")}, canonical=lambda made: "a" in made.values())
    coordinator = Setup(tmp_path, space=space, max_trials=10).run(climb)
    assert (len(coordinator.state.trials), coordinator.stopping) == (2, "exhausted")


def test_a_space_too_large_to_walk_is_not_walked(tmp_path: Path) -> None:
    space = Space({"x": real(0.0, 1.0)}, canonical=lambda made: 1)
    coordinator = Setup(tmp_path, space=space, max_trials=10).run(climb)
    assert (len(coordinator.state.trials), coordinator.stopping) == (1, "exhausted")


# What comes back


def test_a_complete_trial_has_its_last_value(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    assert coordinator.report(0, epoch(1, 0.9))
    assert coordinator.report(0, epoch(2, 0.4))
    assert not coordinator.report(0, epoch(3, 0.6, finished=True))
    record = coordinator.state.trials[0]
    assert (record.state, record.value, record.epochs) == ("complete", 0.6, 3)


def test_a_training_that_ends_early_by_itself_is_complete(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    coordinator.report(0, epoch(1, 0.7))
    assert not coordinator.report(0, epoch(1, None, finished=True))
    record = coordinator.state.trials[0]
    assert (record.state, record.value, record.epochs) == ("complete", 0.7, 1)


def test_a_trial_that_the_scheduler_stops_is_pruned_with_its_step(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, scheduler="asha", max_epochs=9).open()
    begin(coordinator, 2)
    assert coordinator.report(0, epoch(1, 0.9))
    assert not coordinator.report(1, epoch(1, 0.1))
    record = coordinator.state.trials[1]
    assert (record.state, record.value, record.epochs) == ("pruned", 0.1, 1)


def test_where_less_is_better_the_greater_is_stopped(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, scheduler="asha", max_epochs=9, mode="min").open()
    begin(coordinator, 3)
    assert coordinator.report(0, epoch(1, 0.5))
    assert coordinator.report(1, epoch(1, 0.1))
    assert not coordinator.report(2, epoch(1, 0.9))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_a_trial_that_diverged(value: float, tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, scheduler="asha").open()
    begin(coordinator, 2)
    assert not coordinator.report(0, epoch(1, value))
    record = coordinator.state.trials[0]
    assert (record.state, record.failure, record.value) == ("failed", "diverged", None)
    assert record.message == f"accuracy is {value} after epoch 1"
    assert repr(record.reports[0].metrics["accuracy"]) == repr(value)
    # It is nothing that others are measured against.
    assert coordinator.report(1, epoch(1, -1e9))


@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "median"])
def test_a_trial_that_diverged_is_no_measure_after_a_resume_either(scheduler: str, tmp_path: Path) -> None:
    setup = Setup(tmp_path, scheduler=scheduler, max_trials=6, max_epochs=9)
    coordinator = setup.open()
    begin(coordinator, 6)
    for trial in range(4):
        coordinator.report(trial, epoch(1, math.inf))
    assert setup.open().report(4, epoch(1, 0.5))


def test_a_report_without_the_metric_lists_what_it_has(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    coordinator.report(0, Outcome(1, {"loss": 1.0, "acuracy": 0.5}))
    record = coordinator.state.trials[0]
    assert (record.state, record.failure) == ("failed", "bad_result")
    assert record.message is not None
    assert "no metric 'accuracy' in the report" in record.message
    assert "acuracy, loss" in record.message


def test_a_training_that_ends_without_a_report_is_a_bad_result(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    coordinator.report(0, epoch(0, None, finished=True))
    assert coordinator.state.trials[0].failure == "bad_result"


def test_a_failure_keeps_its_kind_message_and_traceback(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    assert not coordinator.report(0, failure("oom", "no room"))
    record = coordinator.state.trials[0]
    assert (record.state, record.failure, record.message) == ("failed", "oom", "no room")
    assert record.traceback == "Traceback: no"


def test_notes_of_a_session_are_kept_with_the_trial(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path).open()
    begin(coordinator)
    coordinator.report(0, epoch(1, notes=("not saved",)))
    coordinator.note("of the run")
    assert coordinator.state.notes == [(0, "not saved"), (-1, "of the run")]


def test_a_finding_is_kept_once_and_told_before_its_epoch(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    coordinator = setup.open(searches=True)
    begin(coordinator)
    for number, name in enumerate("aab", start=1):
        coordinator.report(0, epoch(number, found=Finding({"op": name}, name)))
    kinds = [event.kind for event in events_of(setup)]
    assert kinds == ["asked", "found", "reported", "reported", "found", "reported"]
    assert coordinator.state.trials[0].tree == {"op": "b"}


def test_late_and_repeated_results_change_nothing(tmp_path: Path) -> None:
    setup = Setup(tmp_path, scheduler="asha")
    coordinator = setup.open()
    begin(coordinator)
    coordinator.report(0, epoch(1, 0.5))
    before = len(events_of(setup))
    assert coordinator.report(0, epoch(1, 0.9))
    assert len(events_of(setup)) == before
    coordinator.report(0, epoch(3, 0.6, finished=True))
    before, done = len(events_of(setup)), table(coordinator.state)
    assert not coordinator.report(0, epoch(2, 0.1))
    assert not coordinator.report(0, failure())
    assert not coordinator.lost(0, "late")
    coordinator.failed(0, "timeout", "late")
    assert table(coordinator.state) == done
    assert len(events_of(setup)) == before


# Losses


def test_a_lost_worker_is_replaced_so_many_times(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_retries=2).open()
    begin(coordinator)
    coordinator.report(0, epoch(1))
    assert coordinator.lost(0, "killed")
    assert coordinator.state.trials[0].state == "lost"
    assert coordinator.report(0, epoch(2))
    assert coordinator.lost(0, "killed")
    assert not coordinator.lost(0, "signal 9")
    record = coordinator.state.trials[0]
    assert (record.state, record.failure, record.message) == (
        "failed",
        "error",
        "its worker died 3 times, at last: signal 9",
    )


def test_what_was_running_is_lost_when_the_session_ends_and_handed_out_first_in_the_next(tmp_path: Path) -> None:
    setup = Setup(tmp_path, max_trials=5)
    coordinator = setup.open()
    began = [coordinator.ask() for _ in range(3)]
    coordinator.report(1, epoch(3, finished=True))
    coordinator.stop("interrupted")
    assert coordinator.ask() is None
    assert not coordinator.report(0, epoch(1))
    coordinator.close("by hand")
    assert events_of(setup)[-1] == SessionEnded("interrupted", "by hand")
    again = setup.open()
    assert began[0] is not None
    assert [again.ask(), again.ask()] == [replace(began[0], epochs=1), began[2]]
    assert begin(again) == [3]
    # A session's end is nobody's fault.
    assert [again.state.trials[n].worker_losses for n in (0, 2)] == [0, 0]
    assert len(again.state.unfinished) == 3


def test_a_killed_session_leaves_its_trials_running_and_they_are_handed_out_again(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    begin(setup.open(), 2)
    again = setup.open()
    assert begin(again, 2) == [0, 1]
    assert [trial.state for trial in again.state.trials.values()] == ["running", "running"]


# A search that cannot work


def test_five_failures_at_the_start_end_the_run(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, space=search_spaces.get("nb201"), max_trials=50).run(toys.raises)
    assert (coordinator.stopping, len(coordinator.state.trials)) == ("failed", 5)
    cause = coordinator.first_cause()
    assert cause is not None
    assert (cause.number, cause.failure) == (0, "error")
    assert cause.message == "RuntimeError: this training is broken"
    assert "toys.py" in (cause.traceback or "")


@pytest.mark.parametrize("target", toys.BAD_RESULTS, ids=lambda target: target.__name__)
def test_what_is_no_report_fails_the_trial_as_a_bad_result(target: Any, tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_trials=6).run(target)
    assert (coordinator.stopping, len(coordinator.state.trials)) == ("failed", 5)
    assert {trial.failure for trial in coordinator.state.trials.values()} == {"bad_result"}


def test_trials_that_diverge_do_not_end_the_run(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_trials=6).run(toys.returns_nan)
    assert (coordinator.stopping, len(coordinator.state.trials)) == ("done", 6)
    assert {trial.failure for trial in coordinator.state.trials.values()} == {"diverged"}


def test_infeasible_architectures_do_not_end_the_run(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_trials=6).run(toys.too_large)
    assert (coordinator.stopping, len(coordinator.state.trials)) == ("done", 6)
    told = {(trial.failure, trial.message) for trial in coordinator.state.trials.values()}
    assert told == {("constraint", "InfeasibleArchitectureError: 2 MB, at most 1 MB fit")}


def test_after_one_success_failures_do_not_end_the_run(tmp_path: Path) -> None:
    coordinator = Setup(tmp_path, max_trials=None).open()
    begin(coordinator)
    coordinator.report(0, epoch(3, finished=True))
    for trial in range(1, 6):
        begin(coordinator)
        coordinator.report(trial, failure())
    assert coordinator.stopping is None


def test_a_resume_tries_again_after_failures(tmp_path: Path) -> None:
    setup = Setup(tmp_path, space=search_spaces.get("nb201"), max_trials=50)
    setup.run(toys.raises)
    again = setup.run(toys.raises)
    assert (again.stopping, len(again.state.trials)) == ("failed", 10)
    assert again.first_cause() is again.state.trials[5]


# Observers


class Watcher:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[tuple[Event, int]] = []

    def on_event(self, event: Event, state: RunState) -> None:
        self.seen.append((event, len(state.trials)))


def test_observers_see_every_event_after_it_was_taken_in(tmp_path: Path) -> None:
    setup, watcher = Setup(tmp_path, max_trials=2), Watcher()
    setup.run(climb, setup.open(observers=[watcher]))
    assert [event for event, _ in watcher.seen] == events_of(setup)
    assert [trials for event, trials in watcher.seen if isinstance(event, Asked)] == [1, 2]


class Spoiler:
    """Raises whatever happens."""

    def on_event(self, event: Event, state: RunState) -> None:
        raise ZeroDivisionError("an observer with a mistake")


def test_an_observer_that_raises_does_not_harm_the_run(tmp_path: Path) -> None:
    setup, watcher = Setup(tmp_path / "watched"), Watcher()
    with pytest.warns(UserWarning, match="Spoiler raised ZeroDivisionError"):
        watched = setup.run(climb, setup.open(observers=[Spoiler(), watcher]))
    assert table(watched.state) == table(Setup(tmp_path / "alone").run(climb).state)
    assert len(watcher.seen) == len(events_of(setup))


# The strategy fails


def test_a_note_tells_of_a_strategy_that_failed(tmp_path: Path) -> None:
    setup = Setup(tmp_path, space=search_spaces.get("nb201"), max_trials=4)
    made = iter(range(100))

    def fails(seed: int) -> BaseSampler:
        if next(made) in (1, 2):
            raise RuntimeError("a strategy with a mistake")
        return RandomSampler(seed)

    proposer = Proposer(setup.space, fails, seed=0, mode="max", metric="accuracy")
    coordinator = setup.run(climb, setup.open(proposer=proposer))
    notes = [event for event in events_of(setup) if isinstance(event, Noted)]
    assert coordinator.state.counts["complete"] == 4
    assert [note.trial for note in notes] == [1, 2]
    assert "a strategy with a mistake" in notes[0].text


def test_a_strategy_that_always_fails_ends_the_run_with_the_ledger_whole(tmp_path: Path) -> None:
    setup = Setup(tmp_path, space=search_spaces.get("nb201"), max_trials=10)
    hopeless = Proposer(setup.space, lambda seed: 1 // 0, seed=0, mode="max", metric="accuracy")  # type: ignore[arg-type]
    with pytest.raises(StrategyError, match="5 times in a row, at last with ZeroDivisionError"):
        setup.run(climb, setup.open(proposer=hopeless))
    again = setup.run(climb)
    assert again.state.counts["complete"] == 10


# A kill at any moment


def resumed_at(transaction: int, before: bool, setup: Setup, target: Any) -> Coordinator:
    """Killed at one transaction, then run to its end."""
    dying = setup.open()
    kill(dying, transaction, before=before)
    with pytest.raises(Killed):
        setup.run(target, dying)
    return setup.run(target)


def transactions(setup: Setup, target: Any) -> tuple[int, list[Any]]:
    """How many an uninterrupted run has, and its table."""
    coordinator = setup.open()
    append, count = coordinator._ledger.append, [0]

    def counted(*events: Event) -> float:
        count[0] += 1
        return append(*events)

    coordinator._ledger.append = counted  # type: ignore[method-assign]
    setup.run(target, coordinator)
    return count[0], table(coordinator.state)


QUICK = {"random-asha_promote", "tpe-asha", "evolution-hyperband"}
SEARCHES = [
    pytest.param(
        {"strategy": strategy, "settings": settings, "scheduler": scheduler},
        id=f"{strategy}-{scheduler}",
        marks=[] if f"{strategy}-{scheduler}" in QUICK else pytest.mark.slow,
    )
    for strategy, settings in (("random", {}), ("tpe", {"startup": 2}), ("evolution", {"population": 3, "sample": 2}))
    for scheduler in ("none", "asha", "asha_promote", "hyperband", "median")
]


@pytest.mark.parametrize("search", SEARCHES)
def test_killed_at_any_transaction_and_resumed_it_ends_as_if_it_had_not_been(
    search: dict[str, Any], tmp_path: Path
) -> None:
    made = {"space": toys.conditional_space(), "max_trials": 6, "max_epochs": 4, "seed": 3, **search}
    number, expected = transactions(Setup(tmp_path / "whole", **made), toys.Climber)
    assert number > 12
    for transaction in range(1, number + 1):
        setup = Setup(tmp_path / str(transaction), **made)
        # By turns before the write, with the checkpoint already there, and right after it.
        coordinator = resumed_at(transaction, transaction % 2 == 0, setup, toys.Climber)
        assert table(coordinator.state) == expected, f"killed at transaction {transaction}"


@pytest.mark.parametrize(
    "scheduler", ["asha_promote", *(pytest.param(one, marks=pytest.mark.slow) for one in ("none", "asha", "median"))]
)
def test_a_training_without_checkpoints_begins_again_and_ends_the_same(scheduler: str, tmp_path: Path) -> None:
    made: dict[str, Any] = {"space": toys.conditional_space(), "max_trials": 6, "max_epochs": 4, "scheduler": scheduler}
    number, expected = transactions(Setup(tmp_path / "whole", **made), climb)
    for transaction in range(1, number + 1):
        setup = Setup(tmp_path / str(transaction), **made)
        assert table(resumed_at(transaction, False, setup, climb).state) == expected


@pytest.mark.parametrize(
    "strategy", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("evolution", "tpe")), "random"]
)
def test_killed_while_repeats_are_answered_it_ends_as_if_it_had_not_been(strategy: str, tmp_path: Path) -> None:
    """In a small space, where most proposals are repeats and the last members are chosen, not proposed."""
    settings = {"population": 2, "sample": 1} if strategy == "evolution" else {}
    made: dict[str, Any] = {"strategy": strategy, "settings": settings, "max_trials": 9, "max_epochs": 1, "seed": 5}
    number, expected = transactions(Setup(tmp_path / "whole", **made), climb)
    assert len(expected) == 6
    assert number > 30
    for transaction in range(1, number + 1):
        setup = Setup(tmp_path / str(transaction), **made)
        coordinator = resumed_at(transaction, True, setup, climb)
        assert table(coordinator.state) == expected, f"killed at transaction {transaction}"


class Insisting(RandomSampler):
    """Proposes one architecture for ever."""

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return param_distribution.choices[0]


def test_killed_before_another_architecture_was_chosen_the_same_one_is_chosen(tmp_path: Path) -> None:
    """After twenty repeats in a row the coordinator chooses; a resume goes on counting where the kill was."""

    class Chosen(Setup):
        def proposer(self) -> Proposer:
            return Proposer(self.space, Insisting, seed=self.seed, mode="max", metric="accuracy")

    made: dict[str, Any] = {"space": search_spaces.get("nb201"), "max_trials": 3, "max_epochs": 1}
    number, expected = transactions(Chosen(tmp_path / "whole", **made), climb)
    assert len({str(tree) for _, tree, *_ in expected}) == 3
    assert number == 2 + 2 * (20 + 2)
    for transaction in range(1, number + 1, 3):
        coordinator = resumed_at(transaction, False, Chosen(tmp_path / str(transaction), **made), climb)
        assert table(coordinator.state) == expected, f"killed at transaction {transaction}"
        assert coordinator.state.answered == 40


def test_the_comparison_notices_a_training_that_lost_its_state(tmp_path: Path) -> None:
    """The test above can fail."""
    made: dict[str, Any] = {"max_trials": 3, "max_epochs": 4}
    number, expected = transactions(Setup(tmp_path / "whole", **made), toys.Forgetful)
    found = [
        table(resumed_at(k, False, Setup(tmp_path / str(k), **made), toys.Forgetful).state) == expected
        for k in range(1, number)
    ]
    assert not all(found)


def test_killed_several_times_each_event_stands_once(tmp_path: Path) -> None:
    made: dict[str, Any] = {"space": toys.conditional_space(), "max_trials": 9, "max_epochs": 4, "scheduler": "asha"}
    _, expected = transactions(Setup(tmp_path / "whole", **made), toys.Climber)
    setup = Setup(tmp_path / "cut", **made)
    for after in (3, 4, 2, 5, 1, 1):
        dying = setup.open()
        kill(dying, after, before=False)
        with pytest.raises(Killed):
            setup.run(toys.Climber, dying)
    assert table(setup.run(toys.Climber).state) == expected
    ends = [event.trial for event in events_of(setup) if isinstance(event, Ended)]
    assert sorted(ends) == list(range(9))
