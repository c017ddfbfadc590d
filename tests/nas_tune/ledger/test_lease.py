"""At most one driver writes a run, and a dead one holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from nas_tune.errors import RunFolderError, RunLockedError
from nas_tune.ledger import Lease

HOLD = """
import sys, time
from pathlib import Path
from nas_tune.ledger import Lease
lease = Lease(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def another_driver(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def test_a_second_driver_is_told_who_holds_the_run(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    with pytest.raises(RunLockedError, match=rf"process {os.getpid()} on \S+, since \d{{4}}-.*nas-tune results") as why:
        Lease(tmp_path)
    assert why.value.exit_code == 4
    lease.release()


def test_the_lease_is_free_after_release_and_releasing_twice_is_nothing(tmp_path: Path) -> None:
    first = Lease(tmp_path)
    first.release()
    first.release()
    Lease(tmp_path).release()


def test_a_refused_driver_leaves_the_holders_signature_alone(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    with pytest.raises(RunLockedError):
        Lease(tmp_path)
    assert json.loads(lease.path.read_text())["pid"] == os.getpid()
    lease.release()


def test_a_killed_driver_holds_nothing(tmp_path: Path) -> None:
    with another_driver(tmp_path) as holder:
        with pytest.raises(RunLockedError, match=f"process {holder.pid} on"):
            Lease(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lease = Lease(tmp_path)
        assert json.loads(lease.path.read_text())["pid"] == os.getpid()
        lease.release()


def test_an_unsigned_or_garbled_lock_is_still_a_lock(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.path.write_text("{torn")
    with pytest.raises(RunLockedError, match="its process is not recorded yet"):
        Lease(tmp_path)
    lease.release()


def test_a_folder_that_is_not_there_or_full_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"cannot write in the run folder .*nowhere"):
        Lease(tmp_path / "nowhere")
    (tmp_path / "driver.lock").symlink_to("/dev/full")
    with pytest.raises(RunFolderError, match=r"cannot write in the run folder"):
        Lease(tmp_path)


def test_a_system_without_flock_locks_by_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: no `fcntl`, and a lock of bytes by `msvcrt`."""
    locked: set[int] = set()

    def locking(file: int, how: int, count: int) -> None:
        place = os.fstat(file).st_ino
        if how == 2 and place in locked:
            raise PermissionError(13, "Permission denied")
        (locked.add if how == 2 else locked.discard)(place)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, LK_UNLCK=0, locking=locking))
    lease = Lease(tmp_path)
    assert len(locked) == 1
    with pytest.raises(RunLockedError, match=f"process {os.getpid()} on"):
        Lease(tmp_path)
    lease.release()
    assert not locked
    Lease(tmp_path).release()


def test_a_run_is_read_where_there_is_no_posix(tmp_path: Path) -> None:
    """Nothing that only POSIX has is imported or looked up by this package when a run is searched and read."""
    code = (
        "import os, signal, sys\n"
        "import numpy, optuna, pandas, psutil, pyarrow, pydantic\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "for name in ('fork', 'statvfs', 'sched_getaffinity', 'getuid', 'geteuid', 'uname', 'killpg', 'setsid'):\n"
        "    delattr(os, name)\n"
        "del signal.pthread_sigmask\n"
        "import nas_tune\n"
        "from tests.toys import climb, tiny_space\n"
        "nas_tune.search(tiny_space(), climb, max_trials=2, max_epochs=1, executor='inline', run_dir=sys.argv[1])\n"
        "print(len(nas_tune.open_run(sys.argv[1]).trials()))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert done.stdout == "2\n", done.stderr
