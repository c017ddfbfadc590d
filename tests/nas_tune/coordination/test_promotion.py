"""Pausing and promoting in a whole search: what is handed out when, and what becomes of those that wait."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import nas_tune
from nas_tune.coordination.coordinator import Coordinator
from nas_tune.ledger import Ended, Event, Paused, Promoted, RunState
from tests import toys
from tests.nas_tune.runs import Setup, epoch, failure
from tests.toys import climb


def begin(coordinator: Coordinator) -> int:
    assignment = coordinator.ask()
    assert assignment is not None
    return assignment.trial


def opened(folder: Path, **more: object) -> Coordinator:
    made: dict[str, object] = {"scheduler": "asha_promote", "max_trials": 3, "max_epochs": 4, **more}
    return Setup(folder, space=toys.conditional_space(), **made).open()  # type: ignore[arg-type]


class Watch:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    def on_event(self, event: Event, state: RunState) -> None:
        self.seen.append(event)


def test_a_paused_trial_is_promoted_before_a_new_one_is_asked_for(tmp_path: Path) -> None:
    coordinator = opened(tmp_path, max_trials=9)
    for trial, value in ((0, 0.2), (1, 0.9), (2, 0.1)):
        assert begin(coordinator) == trial
        assert not coordinator.report(trial, epoch(1, value))
        assert coordinator.state.trials[trial].state == "paused"
    again = coordinator.ask()
    assert again is not None
    assert (again.trial, again.epochs) == (1, 1)
    assert (again.architecture.id, again.seed) == (
        coordinator.state.trials[1].architecture_id,
        coordinator.state.trials[1].seed,
    )
    assert begin(coordinator) == 3


def test_what_a_worker_says_late_of_a_paused_trial_is_not_heard(tmp_path: Path) -> None:
    coordinator = opened(tmp_path)
    begin(coordinator)
    coordinator.report(0, epoch(1))
    assert not coordinator.report(0, epoch(2))
    assert not coordinator.lost(0, "the worker is gone")
    coordinator.failed(0, "error", "late")
    record = coordinator.state.trials[0]
    assert (record.state, record.epochs, record.lost) == ("paused", 1, 0)


def test_while_others_run_the_end_waits_for_promotions(tmp_path: Path) -> None:
    coordinator = opened(tmp_path)
    assert [begin(coordinator) for _ in range(3)] == [0, 1, 2]
    assert coordinator.ask() is None
    assert coordinator.stopping is None
    coordinator.report(0, epoch(1, 0.9))
    coordinator.report(1, epoch(1, 0.1))
    assert coordinator.ask() is None
    assert coordinator.stopping is None
    coordinator.report(2, epoch(1, 0.2))
    assert begin(coordinator) == 0
    coordinator.report(0, epoch(4, 0.95, finished=True))
    assert coordinator.ask() is None
    assert coordinator.stopping == "done"


@pytest.mark.parametrize(("reason", "state"), [("done", "pruned"), ("time", "pruned"), ("interrupted", "paused")])
def test_with_the_budget_paused_trials_end_as_pruned(reason: str, state: str, tmp_path: Path) -> None:
    coordinator = opened(tmp_path)
    for trial, value in ((0, 0.2), (1, 0.1)):
        begin(coordinator)
        coordinator.report(trial, epoch(1, value))
    coordinator.stop(reason)
    coordinator.close()
    found = {trial: (record.state, record.value) for trial, record in coordinator.state.trials.items()}
    assert found == {0: (state, 0.2), 1: (state, 0.1)}
    # The strategy has heard of them as they are.
    study = coordinator._proposer._study
    assert [(trial.state.name, trial.value, trial.last_step) for trial in study.get_trials()] == [
        ("PRUNED", 0.2, 1),
        ("PRUNED", 0.1, 1),
    ]


def test_an_interrupted_session_leaves_paused_trials_to_the_next_one(tmp_path: Path) -> None:
    coordinator = opened(tmp_path)
    for trial, value in ((0, 0.2), (1, 0.9)):
        begin(coordinator)
        coordinator.report(trial, epoch(1, value))
    coordinator.stop("interrupted")
    coordinator.close()
    again = opened(tmp_path)
    assert begin(again) == 2
    again.report(2, epoch(1, 0.1))
    assert begin(again) == 1


def test_the_strategy_sees_a_promoted_trial_grow(tmp_path: Path) -> None:
    coordinator = opened(tmp_path, max_epochs=9)
    for trial, value in ((0, 0.9), (1, 0.1), (2, 0.2)):
        begin(coordinator)
        coordinator.report(trial, epoch(1, value))
    assert begin(coordinator) == 0
    coordinator.report(0, epoch(2, 0.95))
    trial = coordinator._proposer._study.get_trials()[0]
    assert (trial.state.name, trial.value, trial.last_step) == ("PRUNED", 0.95, 2)
    coordinator.report(0, failure())
    trial = coordinator._proposer._study.get_trials()[0]
    assert (trial.state.name, trial.value) == ("FAIL", None)


def test_a_repeat_of_a_paused_trial_is_answered_with_what_is_known(tmp_path: Path) -> None:
    setup = Setup(tmp_path, scheduler="asha_promote", max_trials=None, max_epochs=4)
    coordinator = setup.run(climb)
    assert coordinator.stopping == "exhausted"
    assert coordinator.state.answered > 0
    assert coordinator.state.paused
    states = {trial.state.name for trial in coordinator._proposer._study.get_trials()}
    # Six are too few for a complete one: two of them reach the second rung, and it promotes one of three.
    assert states == {"PRUNED"}


def test_every_epoch_is_trained_once_and_the_tables_tell(tmp_path: Path) -> None:
    """Inline, with checkpoints."""
    log = tmp_path / "log"
    log.mkdir()
    watch = Watch()
    run = nas_tune.search(
        toys.conditional_space(),
        toys.Climber,
        settings={"log": str(log)},
        scheduler="asha_promote",
        strategy="random",
        max_trials=12,
        max_epochs=4,
        executor="inline",
        metric="accuracy",
        observers=[watch],
        run_dir=tmp_path / "run",
    )
    trials = run.trials()
    assert set(trials["state"]) == {"complete", "pruned"}
    for row in trials.itertuples():
        lines = (log / f"{row.seed}.txt").read_text().splitlines()
        assert lines == [str(number) for number in range(1, row.epochs + 1)]
    told = Counter(type(event) for event in watch.seen)
    assert told[Promoted] > 0
    assert told[Paused] == told[Promoted] + (trials["state"] == "pruned").sum()
    assert told[Ended] == 12
    # A checkpoint is kept for as long as its trial may go on.
    kept = {int(folder.name) for folder in (tmp_path / "run" / "trials").iterdir() if any(folder.iterdir())}
    assert kept <= set(trials.loc[trials["state"] == "complete", "trial"])
