"""What honest users did to a search that once ended in a traceback, in lost events or in unreadable results."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import (
    ConfigError,
    LedgerDamagedError,
    NoUsableTrialError,
    ResumeRefusedError,
    RunFolderError,
    StrategyError,
)
from nas_tune.ledger import ledger_path
from nas_tune.session.versions import versions
from nas_tune.strategies import make as make_strategy
from search_spaces import Space, SpaceError, choice, integer
from tests.toys import climb, conditional_space, tiny_space


class Wordless(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def wordless(architecture: object) -> Iterator[Any]:
    raise Wordless
    yield {}


def odd_file_name(architecture: object) -> Iterator[Any]:
    """The name of a file that is not UTF-8 comes as lone surrogates."""
    raise FileNotFoundError(os.fsdecode(b"caf\xe9.png"))
    yield {}


def verbose(architecture: object) -> Iterator[Any]:
    raise RuntimeError("x" * 1_000_000)
    yield {}


def leaves(architecture: Any) -> Iterator[Any]:
    if architecture["op"] == "a":
        sys.exit(3)
    yield {"accuracy": 0.5}


def broken_rule(architecture: object) -> bool:
    raise ZeroDivisionError("broken")


def sized(most: int) -> Space:
    return Space({"n": integer(1, most)})


def unmade() -> Space:
    raise RuntimeError("cannot be made")


def search(folder: Path, space: Any = None, trainable: Any = climb, **more: Any) -> nas_tune.Run:
    given: dict[str, Any] = {"max_trials": 4, "max_epochs": 2, "executor": "inline", "run_dir": folder, **more}
    return nas_tune.search(space or tiny_space(), trainable, **given)


# Trainings


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (wordless, "Wordless: its text cannot be read: str() raised ValueError"),
        (odd_file_name, r"FileNotFoundError: caf\udce9.png"),
        (verbose, "characters left out"),
    ],
)
def test_whatever_an_exception_says_the_results_stay_readable(target: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError) as why:
        search(tmp_path / "run", trainable=target)
    assert said in str(why.value)
    assert len(str(why.value)) < 5_000
    trials = nas_tune.open_run(tmp_path / "run").trials()
    assert trials["message"].str.contains(said, regex=False).all()
    assert trials["traceback"].str.contains("test_hostile.py").all()
    assert trials["traceback"].str.len().max() < 50_000


def test_a_training_that_leaves_the_process_fails_and_the_search_goes_on(tmp_path: Path) -> None:
    run = search(tmp_path / "run", trainable=leaves, max_trials=6, scheduler="none")
    trials = run.trials()
    left = trials[trials["arch.op"] == "a"]
    assert list(left["state"]) == ["failed"] * 2
    assert left["message"].str.contains("sys.exit(3)", regex=False).all()
    assert set(trials[trials["arch.op"] != "a"]["state"]) == {"complete"}


@pytest.mark.slow
def test_a_strategy_that_cannot_go_on_ends_the_session_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, count = make_strategy, [0]

    def broken(*arguments: Any) -> Any:
        count[0] += 1
        if count[0] > 4:
            raise RuntimeError("broken")
        return made(*arguments)

    monkeypatch.setattr("nas_tune.session.search_setup.make_strategy", broken)
    with pytest.raises(StrategyError, match="failed 5 times in a row"):
        search(tmp_path / "run", conditional_space(), max_trials=30)
    assert nas_tune.open_run(tmp_path / "run").state.finished == "failed"
    monkeypatch.undo()
    assert len(nas_tune.resume(tmp_path / "run").trials()) == 30


# Spaces


def test_a_rule_that_raises_is_named_before_anything_is_written(tmp_path: Path) -> None:
    space = Space({"n": integer(1, 4)}, valid=broken_rule)
    with pytest.raises(SpaceError, match=r"rule broken_rule raised ZeroDivisionError.* on {\"n\":\d}; it must"):
        search(tmp_path / "run", space)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"name": f"{__name__}:sized", "mots": 3}, "takes no setting 'mots'; did you mean 'most'"),
        (f"{__name__}:sized", "needs the setting 'most'"),
        ({"name": f"{__name__}:sized", "most": "x"}, "'x' is a str"),
        (f"{__name__}:unmade", "raised RuntimeError: cannot be made"),
    ],
)
def test_a_function_that_makes_no_space_is_explained(space: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        search(tmp_path / "run", space)
    assert not (tmp_path / "run").exists()


# Folders


def test_a_folder_whose_name_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"too long.*run_dir"):
        search(tmp_path / ("a" * 300))
    with pytest.raises(LedgerDamagedError, match="holds no run"):
        nas_tune.resume(tmp_path / ("a" * 300))


def test_the_copy_of_the_ledger_never_takes_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage: .* would replace the ledger; name another folder"):
        search(tmp_path / "run", storage=str(tmp_path / "x" / ".."))
    assert not (tmp_path / "run").exists()
    search(tmp_path / "run", storage=str(tmp_path / "away"))
    assert ledger_path(tmp_path / "away" / "run").exists()
    with pytest.raises(ConfigError, match="would replace the ledger"):
        nas_tune.resume(tmp_path / "run", storage=str(tmp_path), max_trials=5)
    assert len(nas_tune.open_run(tmp_path / "run").trials()) == 4


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM events WHERE kind = 'asked' AND trial = 0",
        "UPDATE meta SET value = '{' WHERE key = 'config'",
    ],
)
def test_a_ledger_with_holes_is_damaged_for_readers_and_drivers(change: str, tmp_path: Path) -> None:
    search(tmp_path / "run")
    with closing(sqlite3.connect(ledger_path(tmp_path / "run"))) as ledger, ledger:
        ledger.execute(change)
    with pytest.raises(LedgerDamagedError, match=r"--from-backup"):
        nas_tune.open_run(tmp_path / "run").trials()
    with pytest.raises(LedgerDamagedError, match=r"--from-backup"):
        nas_tune.resume(tmp_path / "run", max_trials=5)
    assert len(nas_tune.resume(tmp_path / "run", max_trials=5, from_backup=True).trials()) == 5


# Upgrades


def session_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **installed: str) -> None:
    """A run of which the last session had other versions installed."""
    now = versions()
    with monkeypatch.context() as patched:
        patched.setattr("nas_tune.session.driver.versions", lambda: {**now, **installed})
        search(folder)


def test_other_versions_are_noted_by_the_session_that_first_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = versions()
    same_major = f"{now['optuna'].partition('.')[0]}.999.0"
    session_of(tmp_path / "run", monkeypatch, torch="1.0", optuna=same_major, pandas="0.1")
    run = nas_tune.resume(tmp_path / "run", max_trials=5)
    ((trial, text),) = run.state.notes
    assert trial == -1
    assert f"optuna {same_major} is now {now['optuna']}, torch 1.0 is now {now['torch']};" in text
    assert "pandas" not in text
    assert nas_tune.resume(tmp_path / "run", max_trials=6).state.notes == ((trial, text),)


def test_another_major_version_of_optuna_is_refused_unless_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_of(tmp_path / "run", monkeypatch, optuna="1.9.9")
    events = nas_tune.open_run(tmp_path / "run").state.sessions
    with pytest.raises(ResumeRefusedError, match=r"searched with Optuna 1\.9\.9, .*--accept-code-change") as why:
        nas_tune.resume(tmp_path / "run", max_trials=5)
    assert why.value.exit_code == 5
    assert nas_tune.open_run(tmp_path / "run").state.sessions == events
    assert len(nas_tune.resume(tmp_path / "run", max_trials=5, accept_code_change=True).trials()) == 5
    assert len(nas_tune.resume(tmp_path / "run", max_trials=6).trials()) == 6


# What is left of a training that keeps nothing


def test_a_function_has_no_trained_network_and_says_why(tmp_path: Path) -> None:
    run = search(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"climb keeps no checkpoints.*save\(\) and load\(\)"):
        nas_tune.trained(run)


def test_options_that_no_file_can_hold_are_written_out(tmp_path: Path) -> None:
    run = search(tmp_path / "run", Space({"op": choice("a", "\udce9")}))
    assert set(run.trials()["arch.op"]) <= {"a", r"\udce9"}
