"""Failed trials that are tried again: by architecture or by kind, inline, simulated, in batches, after a kill."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError, NoUsableTrialError
from nas_tune.ledger import Asked, Ended, Reported
from nas_tune.results import Run
from nas_tune.schedulers import SCHEDULERS
from search_spaces import Space, integer
from tests.nas_tune.test_api_inline import At
from trainables.errors import DivergedError

SPACE = Space({"w": integer(1, 64)}, name="one")


def train(architecture: Any, *, mount: str, seed: int = 0, max_epochs: int = 3) -> Iterator[dict[str, float]]:
    """Needs a folder for even widths; what is 5 diverges."""
    for epoch in range(1, max_epochs + 1):
        if epoch == 2 and architecture["w"] % 2 == 0 and not Path(mount).exists():
            raise OSError("the disk is not mounted")
        if architecture["w"] == 5:
            raise DivergedError("it is five")
        yield {"accuracy": architecture["w"] / 64 + epoch / 1000, "cost_seconds": 1.0}


def searched(folder: Path, *widths: int, mounted: bool = False, **more: Any) -> Run:
    mount = folder / "mount"
    if mounted:
        mount.mkdir(parents=True)
    given: dict[str, Any] = {"executor": "inline", "strategy": "random", "scheduler": "none", "max_epochs": 3, **more}
    given.setdefault("max_trials", len(widths))
    enqueue = [{"w": width} for width in widths]
    return nas_tune.search(
        SPACE, train, settings={"mount": str(mount)}, enqueue=enqueue, run_dir=folder / "run", seed=1, **given
    )


def states(run: Run) -> list[str]:
    return [str(state) for state in run.trials()["state"]]


@pytest.mark.parametrize(
    "more",
    [{}, {"executor": "simulated", "workers": 2}, {"deterministic": True, "batch": 2}, {"strategy": "tpe"}],
    ids=["inline", "simulated", "batches", "tpe"],
)
def test_a_failed_architecture_that_is_enqueued_again_is_tried_again(more: Any, tmp_path: Path) -> None:
    run = searched(tmp_path, 3, 10, 12, **more)
    assert states(run) == ["complete", "failed", "failed"]
    (tmp_path / "mount").mkdir()
    run = nas_tune.resume(run.path, trainable=train, enqueue=[{"w": 10}])
    trials = run.trials()
    assert states(run) == ["complete", "complete", "failed"]
    assert trials["attempts"].tolist() == [1, 2, 1]
    assert trials["value"][1] == pytest.approx(10 / 64 + 0.003)
    assert run.epochs().query("trial == 1")["epoch"].tolist() == [1, 2, 3]
    assert run.query("select attempts from trials where trial = 1")["attempts"].tolist() == [2]
    assert run.state.counts["failed"] == 1
    assert [text for trial, text in run.state.notes if trial == 1] == [
        "tried again, attempt 2; the last one failed, error: OSError: the disk is not mounted"
    ]
    more_of_it = nas_tune.resume(run.path, trainable=train, max_trials=5)
    assert more_of_it.state.trials == 5


def test_all_of_a_kind_are_tried_again_and_what_fails_again_says_how_often(tmp_path: Path) -> None:
    run = searched(tmp_path, 3, 10, 5, 12)
    again = nas_tune.resume(run.path, trainable=train, retry_failed="diverged")
    assert (states(again), again.trials()["attempts"].tolist()) == (["complete", *["failed"] * 3], [1, 1, 2, 1])
    (tmp_path / "mount").mkdir()
    again = nas_tune.resume(run.path, trainable=train, retry_failed=True)
    assert states(again) == ["complete", "complete", "failed", "complete"]
    assert again.trials()["attempts"].tolist() == [1, 2, 3, 2]
    assert again.trials()["failure"][2] == "diverged"
    assert nas_tune.resume(run.path, trainable=train, retry_failed=["oom", "storage"]).state.sessions == 4
    with pytest.raises(
        ConfigError, match=r"retry_failed: 'diverge' is not a kind of failure; did you mean 'diverged'\?"
    ):
        nas_tune.resume(run.path, trainable=train, retry_failed="diverge")
    wrong: Any = 3
    with pytest.raises(ConfigError, match="retry_failed: got 3; give True, a kind of failure, or a list of kinds"):
        nas_tune.resume(run.path, trainable=train, retry_failed=wrong)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_no_scheduler_minds(scheduler: str, tmp_path: Path) -> None:
    run = searched(tmp_path, 3, 10, 12, 14, 7, scheduler=scheduler, max_trials=8, max_epochs=4)
    (tmp_path / "mount").mkdir()
    run = nas_tune.resume(run.path, trainable=train, retry_failed=True)
    assert "failed" not in states(run)
    assert nas_tune.resume(run.path, trainable=train, max_trials=12).state.trials == 12


def test_killed_in_the_middle_of_a_retry_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    for folder in (tmp_path / "cut", tmp_path / "whole"):
        searched(folder, 3, 10, 12, strategy="tpe", max_trials=6)
        (folder / "mount").mkdir()
    for kind in (Reported, Ended, Asked):
        stop = At(kind, 1, lambda: signal.raise_signal(signal.SIGINT))
        given: dict[str, Any] = {"trainable": train, "retry_failed": True, "max_trials": 10, "observers": [stop]}
        with pytest.raises(KeyboardInterrupt):
            nas_tune.resume(tmp_path / "cut" / "run", **given)
    cut = nas_tune.resume(tmp_path / "cut" / "run", trainable=train)
    whole = nas_tune.resume(tmp_path / "whole" / "run", trainable=train, retry_failed=True, max_trials=10)
    columns = ["trial", "state", "value", "seed", "architecture_id", "attempts"]
    assert cut.trials()[columns].equals(whole.trials()[columns])


def test_five_that_fail_again_at_the_start_end_the_session(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError):
        searched(tmp_path, 2, 4, 6, 8, 10, max_trials=9)
    with pytest.raises(NoUsableTrialError):
        nas_tune.resume(tmp_path / "run", trainable=train, retry_failed=True)
    run = nas_tune.open_run(tmp_path / "run")
    assert run.trials()["attempts"].tolist() == [2] * 5
    (tmp_path / "mount").mkdir()
    assert nas_tune.resume(run.path, trainable=train, retry_failed=True).state.counts["failed"] == 0


def test_the_command_line_retries_all_or_a_kind(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        f"""space = "tests.nas_tune.session.test_retries:SPACE"
executor = "inline"
strategy = "random"
scheduler = "none"
max_epochs = 3
max_trials = 2
run_dir = "{tmp_path / "run"}"
[trainable]
name = "tests.nas_tune.session.test_retries:train"
mount = "{tmp_path / "mount"}"
"""
    )
    (tmp_path / "first.json").write_text('[{"w": 3}, {"w": 10}]')
    invoke = CliRunner().invoke
    assert invoke(app, ["search", str(config), "-q", "--enqueue", str(tmp_path / "first.json")]).exit_code == 0
    run = Run(tmp_path / "run")
    for arguments, attempts in (
        (["--retry-failed", "oom"], 1),
        (["--retry-failed", "error"], 2),
        (["--retry-failed"], 3),
    ):
        assert invoke(app, ["resume", str(run.path), "-q", *arguments]).exit_code == 0
        trials = run.trials()
        assert (int(trials["attempts"][1]) if "attempts" in trials else 1) == attempts
    assert invoke(app, ["resume", "--retry-failed", str(run.path), "-q"]).exit_code == 0
    for wrong in (
        ["resume", str(run.path), "--retry-failed=omm"],
        ["resume", str(run.path), "--retry-failed", "omm"],
        ["resume", "--retry-failed", "omm", str(run.path)],
        ["--debug", "resume", "-q", "--set", "max_trials=9", str(run.path), "--retry-failed", "omm"],
    ):
        said = invoke(app, wrong)
        assert said.exit_code == 2
        assert "retry_failed: 'omm' is not a kind of failure; did you mean 'oom'?; known: error, diverged" in " ".join(
            said.stderr.replace("error: ", "").split()
        )
