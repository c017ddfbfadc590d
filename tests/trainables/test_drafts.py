from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from trainables.drafts import draft_folder, ends_in_order, remove_abandoned


def test_a_draft_is_empty_says_whose_it_is_and_goes(tmp_path: Path) -> None:
    parent = tmp_path / "new"
    with draft_folder(parent, "export") as draft:
        assert draft.name == f".export.{os.getpid()}.{socket.gethostname()}"
        assert list(draft.iterdir()) == []
        (draft / "half").write_text("x")
    assert list(parent.iterdir()) == []


def test_a_draft_that_was_renamed_stays(tmp_path: Path) -> None:
    with draft_folder(tmp_path, "trial-000001") as draft:
        (draft / "whole").write_text("x")
        draft.rename(tmp_path / "trial-000001")
    assert [one.name for one in tmp_path.iterdir()] == ["trial-000001"]


def test_two_threads_fill_two_drafts(tmp_path: Path) -> None:
    with draft_folder(tmp_path, "export") as first:
        names: list[str] = []

        def fill() -> None:
            with draft_folder(tmp_path, "export") as second:
                names.append(second.name)

        other = threading.Thread(target=fill)
        other.start()
        other.join()
        assert first.is_dir()
    assert names == [f"{first.name}.2"]


def test_only_what_no_living_process_owns_is_removed(tmp_path: Path) -> None:
    alive = subprocess.Popen(["sleep", "60"])
    dead = subprocess.Popen(["true"])
    dead.wait()
    host, day = socket.gethostname(), 86_500.0
    names = {
        f".export.{dead.pid}": False,
        f".export.{dead.pid}.{host}": False,
        f".export.{dead.pid}.{host}.2": False,
        f".export.{dead.pid}.elsewhere": True,
        f".export.{dead.pid}.elsewhere.gone": False,
        f".export.{alive.pid}": True,
        f".export.{alive.pid}.{host}": True,
        f".export.{os.getpid()}.{host}.2": True,
        f".export.{os.getpid()}.{host}": False,
        f".other.{dead.pid}": True,
        ".export.mine": True,
    }
    try:
        for name in names:
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text("x")
        for name in (f".export.{dead.pid}.elsewhere.gone", f".export.{os.getpid()}.{host}"):
            os.utime(tmp_path / name, (time.time() - day,) * 2)  # of another process of the same number
        remove_abandoned(tmp_path, "export")
    finally:
        alive.kill()
        alive.wait()
    assert {one.name for one in tmp_path.iterdir()} == {name for name, stays in names.items() if stays}


def test_sigterm_ends_in_order_and_is_as_before_afterwards() -> None:
    with pytest.raises(SystemExit) as ended, ends_in_order():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_who_handles_sigterm_goes_on_doing_so() -> None:
    def mine(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with ends_in_order():
            assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
def test_a_killed_process_leaves_a_draft_for_the_next_to_remove(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom trainables.drafts import draft_folder\n"
        "with draft_folder(Path(sys.argv[1]), 'export') as draft:\n    (draft / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), int(sys.argv[2]))\n"
    )
    for signum, left, code in ((signal.SIGKILL, 1, -9), (signal.SIGTERM, 0, 143)):
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(int(signum))])
        assert done.returncode == code
        assert len(list(tmp_path.glob(".export.*"))) == left
        with draft_folder(tmp_path, "export"):
            assert len(list(tmp_path.glob(".export.*"))) == 1


def test_what_earlier_versions_and_databases_left_goes_too(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    names = {
        f".ledger.sqlite.{dead.pid}": False,
        f".ledger.sqlite.{dead.pid}-journal": False,
        f".ledger.sqlite.{dead.pid}.{host}-journal": False,
        f".ledger.sqlite-{dead.pid}": False,
        f".ledger.sqlite.{os.getpid()}.{host}": True,
        f".ledger.sqlite.{os.getpid()}.{host}-journal": True,
        f".other.sqlite.{dead.pid}": True,
        "ledger.sqlite": True,
        "ledger.sqlite-wal": True,
    }
    for name in names:
        (tmp_path / name).write_text("x")
    remove_abandoned(tmp_path, "ledger.sqlite")
    assert {name: (tmp_path / name).exists() for name in names} == names
    odd = tmp_path / f".a[b].csv.{dead.pid}"
    odd.mkdir()
    remove_abandoned(tmp_path, "a[b].csv")
    assert not odd.exists()
