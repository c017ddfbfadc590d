"""`max_seconds` ends a search within a second or two, also in the middle of an epoch; what was whole by then counts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nas_tune
from nas_tune.errors import NoUsableTrialError
from nas_tune.ledger import Event, Reported, RunState
from search_spaces import Architecture
from tests.toys import Climber, tiny_space
from trainables import check_time


class Batched(Climber):
    """Epochs of batches, of `pace` seconds but for the first."""

    pace: ClassVar[float] = 20.0

    def step(self) -> dict[str, float]:
        """One epoch."""
        for _ in range(50):
            check_time()
            time.sleep(self.pace / 50 if self._epoch else 0)
        return super().step()


def looking(architecture: Architecture, *, slow: float = 0.0) -> Iterator[dict[str, float]]:
    """A generator that looks at the time within its second epoch."""
    yield {"accuracy": 0.5}
    for _ in range(100):
        check_time()
        time.sleep(slow / 100)
    yield {"accuracy": 0.75}


def stuck(architecture: Architecture, *, slow: float = 0.0) -> Iterator[dict[str, float]]:
    """A generator whose second epoch looks at nothing."""
    yield {"accuracy": 0.5}
    time.sleep(slow)
    yield {"accuracy": 0.75}


def timed(folder: Path, trainable: Any, **more: Any) -> nas_tune.Run:
    """A run of at most six trials."""
    options = {"executor": "inline", "max_epochs": 9, "max_trials": 6, "scheduler": "none", "strategy": "random"}
    return nas_tune.search(tiny_space(), trainable, run_dir=folder, **{**options, **more})


@pytest.mark.parametrize(("trainable", "settings"), [(Batched, {}), (looking, {"slow": 20.0})])
def test_the_last_whole_epoch_counts(tmp_path: Path, trainable: Any, settings: dict[str, Any]) -> None:
    run = timed(tmp_path / "run", trainable, settings=settings, max_seconds=0.5)
    assert 0.5 <= run.state.seconds < 1.5
    assert run.state.finished == "time"
    (best,) = run.best(1).itertuples()
    assert (best.state, best.epochs) == ("paused", 1)
    assert best.value == run.epochs()["accuracy"][0]
    assert any(trial == 0 and "the time was up in epoch 2" in text for trial, text in run.state.notes)


@pytest.mark.slow
def test_a_resume_with_more_time_goes_on_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = timed(tmp_path / "run", Batched, max_seconds=0.3)
    again = nas_tune.resume(run.path, max_seconds=0.2)
    assert (again.state.counts["paused"], again.state.trials) == (1, 1)
    monkeypatch.setattr(Batched, "pace", 0.0)
    done = nas_tune.resume(run.path, max_seconds=1000.0)
    whole = timed(tmp_path / "whole", Batched)
    columns = ["trial", "state", "value", "epochs", "architecture_id"]
    assert done.state.finished == whole.state.finished
    assert done.trials()[columns].equals(whole.trials()[columns])
    assert done.epochs()["accuracy"].equals(whole.epochs()["accuracy"])


def test_without_a_whole_epoch_it_says_what_to_do(tmp_path: Path) -> None:
    def never(architecture: Architecture) -> Iterator[dict[str, float]]:
        while True:
            check_time()
            time.sleep(0.01)
        yield {}

    with pytest.raises(NoUsableTrialError, match=r"max_seconds = 0\.2 was up before .* whole epoch.*resume the run"):
        timed(tmp_path / "run", never, max_seconds=0.2)
    run = nas_tune.open_run(tmp_path / "run")
    assert run.state.finished == "time"
    with pytest.raises(NoUsableTrialError, match="no trial with a value yet"):
        nas_tune.evaluate(run, trainable=never)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["classifier", "supernet"])
def test_networks_leave_their_epochs_and_can_be_evaluated(tmp_path: Path, what: str) -> None:
    data = {"channels": 2, "cells": 1, "batch_size": 256, "device": "cpu"}
    given: dict[str, Any] = {"max_epochs": 500, "max_trials": 1, "executor": "inline", "run_dir": tmp_path / "run"}
    if what == "supernet":
        given |= {"strategy": "spos", "trainable": {"name": "image_classifier"}}
    run = nas_tune.search("nb201", **{"trainable": {"name": "image_classifier", **data}, **given}, max_seconds=12.0)
    assert run.state.seconds < 14
    assert run.best(1)["epochs"][0] >= 1
    assert 0 <= nas_tune.evaluate(run)["accuracy"] <= 1


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize(("trainable", "workers"), [(looking, 1), (stuck, 2)])
def test_on_ray_too_where_the_driver_ends_who_does_not_look(tmp_path: Path, trainable: Any, workers: int) -> None:
    more = {"executor": "ray", "workers": workers, "settings": {"slow": 100.0}, "max_seconds": 15.0}
    run = timed(tmp_path / "run", trainable, **more)
    assert 15 <= run.state.seconds < 18.5
    assert set(run.trials()["state"]) == {"paused"}
    assert run.best(1)["value"][0] == 0.5
    assert_ray_is_free(tmp_path)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize(
    ("signum", "ends"),
    [(signal.SIGINT, KeyboardInterrupt), pytest.param(signal.SIGTERM, SystemExit, marks=pytest.mark.slow)],
)
def test_a_search_that_is_stopped_leaves_ray_to_the_next(
    tmp_path: Path, signum: signal.Signals, ends: type[BaseException]
) -> None:
    class Stopping:
        def on_event(self, event: Event, state: RunState) -> None:
            if isinstance(event, Reported):
                os.kill(os.getpid(), signum)

    whole = {"executor": "ray", "resources": {"cpus": 2.0}, "settings": {"slow": 100.0}}
    with pytest.raises(ends) as kept:
        timed(tmp_path / "run", stuck, observers=[Stopping()], **whole)
    assert_ray_is_free(tmp_path)
    # A notebook keeps the exception, and with it all that was on the stack.
    assert kept.tb is not None


def assert_ray_is_free(folder: Path) -> None:
    """A search that needs all processors of the tests' Ray ends."""
    keys = {"resources": {"cpus": 2.0}, "max_trials": 1, "max_seconds": 60.0}
    after = timed(folder / "after", looking, executor="ray", **keys)
    assert after.state.counts["complete"] == 1
