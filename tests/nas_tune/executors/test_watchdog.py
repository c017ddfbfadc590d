"""What a watchdog leaves behind is found once, and is not what any other death leaves."""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import TextIO

import pytest

from nas_tune.executors.watchdog import Watchdog


def test_the_place_where_it_hung_is_told_once(tmp_path: Path) -> None:
    watchdog = Watchdog(tmp_path / "trial", 5.0, process=3)
    assert watchdog.found() is None
    with watchdog.watching():
        (left,) = (tmp_path / "trial").iterdir()
    assert not left.exists()
    left.write_text("in step")
    found = Watchdog(tmp_path / "trial", 5.0).found()
    assert found is not None
    assert found.failure is not None
    assert (found.failure.kind, found.failure.traceback) == ("timeout", "in step")
    assert watchdog.found() is None


def test_a_worker_that_was_killed_in_an_epoch_did_not_hang(tmp_path: Path) -> None:
    (tmp_path / "timeout-0.txt").touch()
    assert Watchdog(tmp_path, 5.0).found() is None
    assert Watchdog(tmp_path, None).found() is None


def test_an_epoch_has_so_many_seconds_and_then_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, bool, str]] = []
    cancelled: list[bool] = []

    def later(seconds: float, exit: bool, file: TextIO) -> None:
        asked.append((seconds, exit, Path(file.name).name))

    monkeypatch.setattr(faulthandler, "dump_traceback_later", later)
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: cancelled.append(True))
    with Watchdog(tmp_path / "a" / "trial", 5.0, process=3).watching():
        assert (asked, cancelled) == ([(5.0, True, "timeout-3.txt")], [])
    assert cancelled == [True]
    with pytest.raises(KeyError), Watchdog(tmp_path / "a" / "trial", 5.0).watching():
        raise KeyError
    assert cancelled == [True, True]
    assert not list((tmp_path / "a" / "trial").iterdir())
    with Watchdog(tmp_path / "none", None).watching():
        assert not (tmp_path / "none").exists(), "without a limit nothing is watched"
    assert len(asked) == 2


def test_the_first_trace_of_several_processes_is_told_and_all_are_removed(tmp_path: Path) -> None:
    for process, text in enumerate(("", "of the second", "of the third")):
        (tmp_path / f"timeout-{process}.txt").write_text(text)
    found = Watchdog(tmp_path, 2.5).found()
    assert found is not None
    assert found.failure is not None
    assert (found.epoch, dict(found.metrics), found.finished) == (0, {}, True)
    assert found.failure.message == "an epoch took longer than epoch_timeout = 2.5 seconds"
    assert found.failure.traceback == "of the second"
    assert not list(tmp_path.iterdir())
