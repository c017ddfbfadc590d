"""A whole run on Ray: its folder is moved under it, its driver is killed, its failed trials are tried again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import RunFolderError
from nas_tune.ledger import Event, Reported, RunState
from search_spaces import Architecture
from tests.faults.processes import events_in, start, wait_for_events
from tests.nas_tune.executors.test_time_limit import assert_ray_is_free  # the check of what is left on Ray
from tests.toys import Climber, tiny_space

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.usefixtures("ray_here")]


def searched(folder: Path, trainable: Any, **more: Any) -> nas_tune.Run:
    keys: dict[str, Any] = {"max_trials": 4, "max_epochs": 3, "strategy": "random", "scheduler": "none"}
    keys |= {"executor": "ray", "resources": {"cpus": 2.0}}
    return nas_tune.search(tiny_space(), trainable, run_dir=folder, **{**keys, **more})


def mounted(architecture: Architecture, *, mount: str, slow: float = 0.0) -> Iterator[dict[str, float]]:
    """Needs a folder."""
    if not Path(mount).is_dir():
        raise FileNotFoundError(f"{mount} is not mounted")
    for epoch in range(3):
        time.sleep(slow)
        yield {"accuracy": 0.5 + epoch / 10}


def test_a_moved_folder_ends_the_run_where_it_was_and_it_goes_on_where_it_is(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"

    class Moving:
        def on_event(self, event: Event, state: RunState) -> None:
            if isinstance(event, Reported) and old.exists():
                old.rename(new)

    with pytest.raises(RunFolderError, match=rf"{old} no longer holds this run: .*, to {new}: go on there") as why:
        searched(old, Climber, observers=[Moving()])
    assert why.value.exit_code == 4
    # What workers wrote into the old place meanwhile is not a run.
    assert not (old / "ledger.sqlite").exists()
    assert nas_tune.open_run(new).state.finished is None
    run = nas_tune.resume(new)
    assert run.state.counts["complete"] == 4
    assert_ray_is_free(tmp_path)


def test_failed_trials_are_tried_again_on_workers(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    first = tiny_space().sample(0)

    def failing(**more: Any) -> nas_tune.Run:
        return searched(tmp_path / "run", mounted, settings={"mount": str(mount)}, **more)

    with pytest.raises(nas_tune.NasTuneError, match="is not mounted"):
        failing(max_trials=2, enqueue=[first])
    mount.mkdir()
    run = nas_tune.resume(tmp_path / "run", retry_failed="error", max_trials=4)
    trials = run.trials()
    assert trials["state"].tolist() == ["complete"] * 4
    assert trials["attempts"].tolist() == [2, 2, 1, 1]
    assert len(run.epochs()) == 12
    again = nas_tune.resume(run.path, retry_failed=True)
    assert again.trials().equals(trials)


def test_a_retry_whose_driver_was_killed_goes_on_and_is_not_begun_again(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"settings": {"mount": str(tmp_path / "mount"), "slow": 0.5}, "max_trials": 2}
    with pytest.raises(nas_tune.NasTuneError, match="is not mounted"):
        searched(tmp_path / "run", mounted, executor="inline", resources=None, **keys)
    (tmp_path / "mount").mkdir()
    run = nas_tune.open_run(tmp_path / "run")
    retry = start("nas_tune", "resume", str(run.path), "-q", "--retry-failed", "error", "--set", "executor=ray")
    # What is tried again, the new session, and the first epoch.
    wait_for_events(run.path, events_in(run.path) + 7, retry)
    assert retry.poll() is None, retry.communicate()[1]
    retry.kill()
    retry.communicate()
    assert nas_tune.open_run(run.path).state.counts["complete"] == 0
    trials = nas_tune.resume(run.path).trials()
    assert trials["state"].tolist() == ["complete", "complete"]
    assert trials["attempts"].tolist() == [2, 2]
