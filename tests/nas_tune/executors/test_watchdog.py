"""What a watchdog leaves behind is found once, and is not what any other death leaves."""

from __future__ import annotations

from pathlib import Path

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
