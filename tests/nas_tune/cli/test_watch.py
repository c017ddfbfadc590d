"""A search that runs elsewhere is followed by its ledger, from where it stands to its end."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.cli.watch import follow
from nas_tune.ledger import Asked, Ended, Event, Ledger, Reported, RunState, SessionEnded, SessionStarted
from tests.toys import climb, tiny_space


class Seen:
    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.trials: list[int] = []

    def on_event(self, event: Event, state: RunState) -> None:
        self.kinds.append(event.kind)
        self.trials.append(len(state.trials))


def test_of_what_was_before_the_last_event_is_shown_and_then_each_new_one(tmp_path: Path) -> None:
    ledger, seen = Ledger.create(tmp_path, {}), Seen()
    ledger.append(SessionStarted("h", 1, {}), Asked(0, 0, {"op": "a"}, "x", 0), Reported(0, 1, {"accuracy": 0.5}, 0.1))
    news: list[list[Event]] = [[], [Ended(0, "complete", 0.5)], [SessionEnded("done")]]
    with closing(ledger), closing(Ledger.open(tmp_path, readonly=True)) as read:
        state = follow(read, seen, lambda: [ledger.append(event) for event in news.pop(0)])
    assert seen.kinds == ["reported", "ended", "session_ended"]
    assert seen.trials == [1, 1, 1]
    assert (state.end_reason, news) == ("done", [])


def test_a_run_that_ended_is_summed_up_at_once(tmp_path: Path) -> None:
    nas_tune.search(tiny_space(), climb, max_trials=2, executor="inline", run_dir=tmp_path / "run")
    done = CliRunner().invoke(app, ["watch", str(tmp_path / "run")])
    assert done.exit_code == 0
    assert "2 trials" in done.stdout


def test_a_silent_run_says_how_it_goes_on_and_is_left_by_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = nas_tune.search(tiny_space(), climb, max_trials=2, executor="inline", run_dir=tmp_path / "run")
    (tmp_path / "killed").mkdir()
    ledger = Ledger.create(tmp_path / "killed", dict(made.meta))
    ledger.clock = lambda: time.time() - 3600
    ledger.append(SessionStarted("h", 1, {}))
    ledger.close()

    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nas_tune.cli.watch.time.sleep", pressed)
    done = CliRunner().invoke(app, ["watch", str(tmp_path / "killed")])
    assert done.exit_code == 130
    assert "nothing was written for 1:00:00" in done.stderr
    assert "nas-tune resume" in done.stderr
