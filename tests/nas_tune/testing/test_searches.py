"""The conformance suite of whole searches with commands that are made up: what is called, and what it refuses.

Its own test runs the commands, which takes too long for every day.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from nas_tune.testing import searches
from tests.nas_tune.results.made import begun, make, trial

TRIALS = pd.DataFrame(
    {"trial": [0, 1], "state": ["complete", "pruned"], "architecture_id": ["a", "b"], "epochs": [3, 1]}
).assign(accuracy=[0.5, 0.25])


class Commands:
    """Stands for the commands and the runs that they make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called: list[tuple[tuple[str, ...], Sequence[int]]] = []
        self.killed: list[tuple[list[str], Path, int]] = []
        self.other, self.scores = TRIALS, [0.5]
        self.problem, self.events = "", 30
        monkeypatch.setattr(searches, "_called", self._call)
        monkeypatch.setattr(searches, "_killed", lambda *given: self.killed.append(given))
        monkeypatch.setattr(searches, "_events", lambda run: self.events)
        monkeypatch.setattr(searches, "Run", self._run)

    def _call(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        self.called.append((arguments, codes))
        return json.dumps({"formats": [{"format": "py", "problem": ""}, {"format": "onnx", "problem": self.problem}]})

    def _run(self, path: Path) -> Any:
        if path.name == "retrain":
            return SimpleNamespace(metric="accuracy", trials=lambda: pd.DataFrame({"test_accuracy": self.scores}))
        return SimpleNamespace(metric="accuracy", trials=lambda: self.other if path.name == "killed" else TRIALS)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(monkeypatch)


def refused(folder: Path) -> str:
    with pytest.raises(AssertionError) as caught:
        searches.check_search("search.toml", folder)
    return str(caught.value)


def test_a_search_is_run_whole_killed_resumed_and_used(commands: Commands, tmp_path: Path) -> None:
    searches.check_search("search.toml", tmp_path, formats=("py", "onnx"))
    given, whole, killed = str(Path("search.toml").absolute()), str(tmp_path / "whole"), str(tmp_path / "killed")
    assert [arguments for arguments, _ in commands.called] == [
        ("search", given, "--set", f"run_dir={whole}", "--quiet"),
        ("resume", killed, "--quiet"),
        ("retrain", killed, "--seeds", "1", "--epochs", "1", "--baselines", "1", "--quiet"),
        ("report", killed),
        ("explain", killed),
        ("compare", whole, killed),
        ("export", killed, "--format", "py,onnx", "--json"),
        ("compress", killed, "--prune", "0.3", "--method", "magnitude", "--epochs", "1"),
    ]
    assert [codes for _, codes in commands.called] == [(0,)] * 7 + [(0, 2)]
    assert commands.killed == [
        (["search", given, "--set", f"run_dir={killed}", "--quiet"], tmp_path / "killed", 15),
    ]


@pytest.mark.parametrize(("events", "half"), [(30, 15), (5, 2), (3, 2), (1, 2)])
def test_it_is_killed_in_its_middle_but_not_before_its_second_event(
    events: int, half: int, commands: Commands, tmp_path: Path
) -> None:
    commands.events = events
    searches.check_search("search.toml", tmp_path)
    assert commands.killed[0][2] == half


@pytest.mark.parametrize("column", ["state", "architecture_id", "epochs", "accuracy"])
def test_a_search_that_ends_otherwise_is_told(column: str, commands: Commands, tmp_path: Path) -> None:
    commands.other = TRIALS.assign(**{column: TRIALS[column].iloc[::-1].to_list()})
    assert refused(tmp_path).startswith("a killed search ends as one that was not killed: broken by [(0, ")


@pytest.mark.parametrize("scores", [[], [math.nan], [0.5, math.inf]])
def test_a_winner_that_is_not_judged_is_told(scores: list[float], commands: Commands, tmp_path: Path) -> None:
    commands.scores = scores
    assert refused(tmp_path) == f"the test split is judged by the metric: broken by {scores}"


def test_a_format_that_fails_is_told(commands: Commands, tmp_path: Path) -> None:
    commands.problem = "no such operator"
    assert refused(tmp_path) == ("the winner is exported in every format: broken by {'onnx': 'no such operator'}")


# The commands themselves


@pytest.mark.parametrize(("code", "codes", "works"), [(0, (0,), True), (2, (0, 2), True), (2, (0,), False)])
def test_a_command_works_if_its_exit_code_is_expected(
    code: int, codes: Sequence[int], works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **how: Any) -> Any:
        ran.append((command, how))
        return SimpleNamespace(returncode=code, stdout="out", stderr="err" if code else "")

    monkeypatch.setattr(subprocess, "run", run)
    if works:
        assert searches._called("report", "x", codes=codes) == "out"
    else:
        with pytest.raises(AssertionError, match=r"^`nas-tune report x` works: broken by exit 2: err$"):
            searches._called("report", "x", codes=codes)
    how = {"capture_output": True, "text": True, "timeout": 600.0, "check": False}
    assert ran == [([sys.executable, "-m", "nas_tune", "report", "x"], how)]


class Process:
    """Ends by itself after some polls, if it ends."""

    returncode = 3

    def __init__(self, polls: int) -> None:
        self.polls, self.acts = polls, list[str]()

    def poll(self) -> int | None:
        self.polls -= 1
        return None if self.polls >= 0 else 3

    def kill(self) -> None:
        self.acts.append("kill")

    def wait(self) -> None:
        self.acts.append("wait")


@pytest.mark.parametrize(("polls", "found", "sleeps"), [(9, [0, 0, 4, 5, 5], 3), (1, [0, 4, 4], 1), (9, [7, 7], 0)])
def test_a_search_is_killed_when_it_has_so_many_events_or_has_ended(
    polls: int, found: list[int], sleeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, slept, left = Process(polls), list[float](), list(found)
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: process)
    monkeypatch.setattr(searches, "_events", lambda run: left.pop(0))
    monkeypatch.setattr(searches.time, "sleep", slept.append)
    searches._killed(["search", "x"], Path("run"), 5)
    assert (process.acts, left, slept) == (["kill", "wait"], [], [0.02] * sleeps)


def test_a_search_that_never_begins_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: Process(0))
    monkeypatch.setattr(searches, "_events", lambda run: 0)
    with pytest.raises(AssertionError, match=r"^the search begins: broken by exit 3$"):
        searches._killed(["search"], Path("run"), 5)


def test_events_are_counted_where_there_is_a_whole_ledger(tmp_path: Path) -> None:
    assert searches._events(tmp_path) == 0
    (tmp_path / "ledger.sqlite").write_bytes(b"begun")
    assert searches._events(tmp_path) == 0
    (tmp_path / "run").mkdir()
    make(tmp_path / "run", begun(), *trial(0, [0.5])).close()
    assert searches._events(tmp_path / "run") == 4
