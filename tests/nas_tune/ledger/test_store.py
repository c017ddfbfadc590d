"""The ledger's file: whole or refused, never guessed at, never changed by looking at it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nas_tune.errors import LedgerDamagedError, NewerFormatError, RunFolderError
from nas_tune.ledger import (
    Asked,
    Event,
    Ledger,
    Noted,
    Reported,
    SessionStarted,
    backup_path,
    connections,
    ledger_path,
)

META = {"config": {"space": "tiny", "seed": 3}, "created": 1.5}
NOTES: list[Event] = [Noted(-1, f"note {number}") for number in range(200)]


def made(folder: Path, *events: Event) -> Ledger:
    ledger = Ledger.create(folder, META)
    for event in events:
        ledger.append(event)
    return ledger


def texts(folder: Path, *, readonly: bool = True) -> list[str]:
    with closing(Ledger.open(folder, readonly=readonly)) as ledger:
        return [event.text for event, _ in ledger.events() if isinstance(event, Noted)]


def test_events_come_back_in_order_with_their_times(tmp_path: Path) -> None:
    events = [SessionStarted("h", 1, {}), Asked(0, 0, {"op": "a"}, "x", 5), Reported(0, 1, {"a": 0.5}, 0.1)]
    with closing(made(tmp_path)) as ledger:
        times = [ledger.append(event) for event in events]
        assert list(ledger.events()) == list(zip(events, times, strict=True))
        assert len(ledger) == 3
        assert [event for event, _ in ledger.events(after=2)] == events[2:]
    with closing(Ledger.open(tmp_path)) as again:
        assert list(again.events()) == list(zip(events, times, strict=True))
        assert again.meta == {**META, "format_version": 2}


def test_a_transaction_is_all_of_its_events_or_none(tmp_path: Path) -> None:
    with closing(made(tmp_path, *NOTES[:3])) as ledger:
        ledger._connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON events WHEN NEW.body LIKE '%note 5%' "
            "BEGIN SELECT RAISE(ABORT, 'injected'); END"
        )
        with pytest.raises(RunFolderError, match=r"cannot write to .*injected.*MiB free.*resume the run"):
            ledger.append(*NOTES[3:8])
        assert len(ledger) == 3
        ledger.append(NOTES[3])
    assert texts(tmp_path) == [f"note {number}" for number in range(4)]


def test_a_full_disk_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    with closing(made(tmp_path, NOTES[0])) as ledger:
        (pages,) = ledger._connection.execute("PRAGMA page_count").fetchone()
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(RunFolderError, match="database or disk is full") as why:
            ledger.append(Noted(-1, "x" * 100_000))
        assert why.value.exit_code == 4
        ledger._connection.execute("PRAGMA max_page_count = 100000")
        ledger.append(NOTES[1])
    assert texts(tmp_path) == ["note 0", "note 1"]


def test_a_run_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    made(tmp_path, NOTES[0]).close()
    with pytest.raises(RunFolderError, match=r"holds a run already.*--new"):
        Ledger.create(tmp_path, META)
    assert texts(tmp_path) == ["note 0"]


def test_a_ledger_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RunFolderError, match="No space left on device"):
        Ledger.create(tmp_path, META)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RunFolderError, match="cannot write the ledger"):
        Ledger.create(tmp_path / "nowhere", META)


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(len(content) * share)]


def garbled(content: bytes) -> bytes:
    """Whole pages of noise after the first, as a torn disk leaves them."""
    return content[:4096] + random.Random(0).randbytes(len(content) - 4096)


def noise(content: bytes) -> bytes:
    return random.Random(1).randbytes(5000)


def foreign(content: bytes) -> bytes:
    return b"SELECT * FROM events; -- not a database at all\n" * 50


DAMAGES = [cut(0.0), cut(0.001), cut(0.1), cut(0.5), cut(0.9), cut(0.999), garbled, noise, foreign]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("readonly", [True, False])
def test_a_damaged_ledger_is_recognised_and_not_changed(
    tmp_path: Path, damage: Callable[[bytes], bytes], readonly: bool
) -> None:
    made(tmp_path, *NOTES).close()
    path = ledger_path(tmp_path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(LedgerDamagedError, match=r"ledger.sqlite is damaged \(.*\); it was not changed$") as why:
        Ledger.open(tmp_path, readonly=readonly)
    assert why.value.exit_code == 4
    assert path.read_bytes() == damaged


def test_a_damaged_ledger_beside_a_full_wal_is_not_changed(tmp_path: Path) -> None:
    """What SQLite recovers of a killed driver's log must not be written over the evidence."""
    path = ledger_path(tmp_path)
    holder = made(tmp_path, *NOTES)
    content, log = path.read_bytes(), path.with_name("ledger.sqlite-wal").read_bytes()
    holder.close()
    damaged = content[:100] + random.Random(0).randbytes(len(content) - 100)
    for file, left in ((path, damaged), (path.with_name("ledger.sqlite-wal"), log[: len(log) // 2])):
        file.write_bytes(left)
    with pytest.raises(LedgerDamagedError):
        Ledger.open(tmp_path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("sql", ["DROP TABLE events", "DELETE FROM meta", "UPDATE meta SET value = '\"x\"'"])
def test_a_database_that_is_no_ledger_is_refused(tmp_path: Path, sql: str) -> None:
    made(tmp_path, NOTES[0]).close()
    with closing(sqlite3.connect(ledger_path(tmp_path))) as connection, connection:
        connection.execute(sql)
    with pytest.raises(LedgerDamagedError, match="is damaged"):
        Ledger.open(tmp_path)


def test_an_event_of_no_known_kind_is_damage(tmp_path: Path) -> None:
    made(tmp_path, NOTES[0]).close()
    with closing(sqlite3.connect(ledger_path(tmp_path))) as connection, connection:
        connection.execute("UPDATE events SET kind = 'nonsense'")
    with closing(Ledger.open(tmp_path)) as ledger, pytest.raises(LedgerDamagedError, match="nonsense"):
        list(ledger.events())


def test_a_missing_ledger_is_said_so_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerDamagedError, match=r"holds no run: there is no ledger\.sqlite$"):
        Ledger.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_refusal_names_the_backup(tmp_path: Path) -> None:
    with closing(made(tmp_path, *NOTES[:3])) as ledger:
        ledger.backup(backup_path(tmp_path))
    ledger_path(tmp_path).write_bytes(b"gone")
    with pytest.raises(LedgerDamagedError, match=r"a copy of \d{4}-.* is in .*backup.*resume .* --from-backup"):
        Ledger.open(tmp_path)
    ledger_path(tmp_path).unlink()
    with pytest.raises(LedgerDamagedError, match="--from-backup"):
        Ledger.open(tmp_path)


def test_a_newer_format_is_refused_unchanged(tmp_path: Path) -> None:
    made(tmp_path, NOTES[0]).close()
    path = ledger_path(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'format_version'")
    before = path.read_bytes()
    with pytest.raises(NewerFormatError, match=r"format 3, this nas_tune reads up to 2: upgrade nas_tune") as why:
        Ledger.open(tmp_path)
    assert why.value.exit_code == 4
    assert path.read_bytes() == before


def test_readers_see_each_transaction_while_the_driver_writes(tmp_path: Path) -> None:
    writer = made(tmp_path)
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        with closing(Ledger.open(tmp_path, readonly=True)) as reader:
            while not done.is_set():
                seen.append(len(list(reader.events())))
            seen.append(len(list(reader.events())))

    thread = threading.Thread(target=read)
    thread.start()
    for start in range(0, 200, 2):
        writer.append(*NOTES[start : start + 2])
    done.set()
    thread.join()
    writer.close()
    assert seen == sorted(seen)
    assert seen[-1] == 200
    assert all(count % 2 == 0 for count in seen)


@pytest.fixture
def foreign_folder() -> Iterator[Path]:
    """A folder in which this test may read and not write, also where tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield folder
        folder.chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root writes wherever it likes: inside, it is another user. What fails inside is told by root again."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_run_that_lies_where_nothing_may_be_written_can_be_read(foreign_folder: Path) -> None:
    made(foreign_folder, *NOTES[:3]).close()
    foreign_folder.chmod(0o555)
    with as_nobody():
        assert not os.access(foreign_folder, os.W_OK, effective_ids=True)
        found = texts(foreign_folder)
    assert found == ["note 0", "note 1", "note 2"]


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    made(tmp_path, NOTES[0]).close()
    with (
        closing(Ledger.open(tmp_path, readonly=True)) as reader,
        pytest.raises(RunFolderError, match="readonly"),
    ):
        reader.append(NOTES[1])
    assert texts(tmp_path) == ["note 0"]


def test_what_append_returned_from_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom nas_tune.ledger import Ledger, Noted\n"
        "ledger = Ledger.create(Path(sys.argv[1]), {})\n"
        "for number in range(25): ledger.append(Noted(-1, f'note {number}'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -signal.SIGKILL
    assert texts(tmp_path) == [f"note {number}" for number in range(25)]
    assert len(texts(tmp_path, readonly=False)) == 25


def test_a_backup_is_the_ledger_as_of_then_and_replaces_the_one_before(tmp_path: Path) -> None:
    target = backup_path(tmp_path)
    with closing(made(tmp_path, *NOTES[:3])) as ledger:
        ledger.backup(target)
        ledger.append(NOTES[3])
        assert len(texts(target.parent)) == 3
        ledger.backup(target)
    assert len(texts(target.parent)) == 4
    assert [path.name for path in target.parent.iterdir()] == ["ledger.sqlite"]


def test_a_backup_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = backup_path(tmp_path)
    with closing(made(tmp_path, *NOTES[:3])) as ledger:
        ledger.backup(target)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full)
            with pytest.raises(RunFolderError, match="cannot back the ledger up"):
                ledger.backup(target)
        (tmp_path / "file").touch()
        with pytest.raises(RunFolderError, match="cannot back the ledger up"):
            ledger.backup(tmp_path / "file" / "ledger.sqlite")
    assert len(texts(target.parent)) == 3
    assert [path.name for path in target.parent.iterdir()] == ["ledger.sqlite"]


def test_on_a_network_drive_the_ledger_needs_no_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "is_network_folder", lambda folder: True)
    with closing(made(tmp_path, *NOTES[:3])) as ledger:
        assert ledger._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        ledger.append(NOTES[3])
        assert {path.name for path in tmp_path.iterdir()} == {"ledger.sqlite"}
    assert len(texts(tmp_path)) == 4


def test_a_cut_transaction_on_a_network_drive_is_rolled_back_when_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed driver leaves a hot journal, which is not a damage."""
    monkeypatch.setattr(connections, "is_network_folder", lambda folder: True)
    with closing(made(tmp_path, *NOTES[:50])):
        pass
    code = (
        "import os, signal, sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\nc.execute('BEGIN')\n"
        'c.execute("UPDATE events SET body = body || hex(zeroblob(4000))")\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(ledger_path(tmp_path))], check=False)
    assert ledger_path(tmp_path).with_name("ledger.sqlite-journal").exists()
    assert len(texts(tmp_path, readonly=False)) == 50


def test_the_kind_of_file_system_is_that_of_the_nearest_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from nas_tune.ledger import filesystem

    mounts = [("/", "ext4"), ("/net", "NFS4"), ("/net/fast", "xfs")]
    found = [SimpleNamespace(mountpoint=place, fstype=kind) for place, kind in mounts]
    monkeypatch.setattr(filesystem.psutil, "disk_partitions", lambda all: found)
    assert filesystem.is_network_folder(Path("/net/runs"))
    assert not filesystem.is_network_folder(Path("/net/fast/runs"))
    assert not filesystem.is_network_folder(Path("/network"))


def test_what_a_killed_driver_left_beside_the_ledger_and_its_copy_goes(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    backup = backup_path(tmp_path)
    backup.parent.mkdir()
    left = [folder / f".ledger.sqlite.{dead.pid}" for folder in (tmp_path, backup.parent)]
    for draft in left:
        draft.write_bytes(b"half")
    with closing(Ledger.create(tmp_path, {"space": "x"})) as ledger:
        ledger.backup(backup)
    assert not any(draft.exists() for draft in left)
    assert sorted(path.name for path in backup.parent.iterdir()) == ["ledger.sqlite"]
