"""A ledger is what was written, event by event, or it is refused; what older versions wrote is read as it is."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nas_tune.errors import LedgerDamagedError, NewerFormatError, RunFolderError
from nas_tune.ledger import Asked, Ended, Event, Ledger, Noted, Reported, SessionStarted, backup_path, ledger_path
from tests.nas_tune.ledger.damage import execute, make_old

META = {"config": {"space": "tiny", "seed": 3}, "created": 1.5}
EVENTS: list[Event] = [
    SessionStarted("h", 1, {}),
    Asked(0, 0, {"op": "a"}, "x", 5),
    Reported(0, 1, {"accuracy": 0.5}, 0.1),
    Reported(0, 2, {"accuracy": 0.75}, 0.1),
    Ended(0, "complete", 0.75),
]
CHANGES = {
    "a number": "UPDATE events SET body = replace(body, '0.75', '0.85') WHERE seq = 4",
    "a time": "UPDATE events SET time = time + 1 WHERE seq = 3",
    "a trial": "UPDATE events SET trial = 1 WHERE seq = 3",
    "the seed of meta": "UPDATE meta SET value = replace(value, '3', '4') WHERE key = 'config'",
    "a key of meta": "DELETE FROM meta WHERE key = 'created'",
    "a checksum": "UPDATE events SET checksum = checksum + 1 WHERE seq = 2",
    "no checksum": "UPDATE events SET checksum = NULL, time = 7 WHERE seq = 5",
    "how many there are": "UPDATE head SET seq = 4",
    "no head": "DELETE FROM head",
    "the first is gone": "DELETE FROM events WHERE seq = 1",
    "one is gone": "DELETE FROM events WHERE seq = 3",
    "the last is gone": "DELETE FROM events WHERE seq = 5",
    "all are gone": "DELETE FROM events",
    "the format": "UPDATE meta SET value = '1' WHERE key = 'format_version'",
}


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with closing(Ledger.create(folder, META, EVENTS[:1])) as ledger:
        for event in EVENTS[1:]:
            ledger.append(event)
    return folder


def read(folder: Path) -> list[Event]:
    with closing(Ledger.open(folder, readonly=True)) as ledger:
        return [event for event, _ in ledger.events()]


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("of", ["ledger", "backup"])
def test_what_is_not_what_was_written_is_refused(what: str, of: str, tmp_path: Path) -> None:
    folder = made(tmp_path)
    if of == "backup":
        with closing(Ledger.open(folder)) as ledger:
            ledger.backup(backup_path(folder))
        folder = backup_path(folder).parent
    assert read(folder) == EVENTS
    execute(folder, CHANGES[what])
    with pytest.raises(LedgerDamagedError, match=r"ledger.sqlite is damaged \(.*\); it was not changed"):
        read(folder)


def test_the_event_is_named(tmp_path: Path) -> None:
    execute(made(tmp_path), CHANGES["a number"])
    with pytest.raises(LedgerDamagedError, match=r"event 4 \(reported\) was changed after it was written"):
        read(tmp_path)


def test_two_events_that_changed_places_are_refused(tmp_path: Path) -> None:
    execute(
        made(tmp_path),
        "UPDATE events SET seq = 99 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 99",
    )
    with pytest.raises(LedgerDamagedError, match="event 3"):
        read(tmp_path)


def test_a_reader_that_goes_on_notices_what_changes_from_there_on(tmp_path: Path) -> None:
    folder = made(tmp_path)
    with closing(Ledger.open(folder)) as writer, closing(Ledger.open(folder, readonly=True)) as reader:
        assert len(list(reader.events())) == 5
        writer.append(Noted(0, "six"))
        assert [event for event, _ in reader.events(after=5)] == [Noted(0, "six")]
        assert [event for event, _ in reader.events(after=4)] == [EVENTS[4], Noted(0, "six")]
        writer.append(Noted(0, "seven"), Noted(0, "eight"))
        execute(folder, "UPDATE events SET body = replace(body, 'eight', 'three') WHERE seq = 8")
        with pytest.raises(LedgerDamagedError, match="event 8"):
            list(reader.events(after=6))


def test_no_flipped_bit_changes_what_is_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "run")
    before, content, rng = read(folder), ledger_path(folder).read_bytes(), random.Random(0)
    refused = 0
    for _ in range(60):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        ledger_path(folder).write_bytes(flipped)
        try:
            assert read(folder) == before
        except (LedgerDamagedError, NewerFormatError):
            refused += 1
    assert refused > 0


@pytest.mark.slow
def test_no_flipped_bit_among_thousands_changes_what_is_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "run")
    before, content, rng = read(folder), ledger_path(folder).read_bytes(), random.Random(1)
    used = [place for place, byte in enumerate(content) if byte]
    for _ in range(5000):
        flipped = bytearray(content)
        flipped[rng.choice(used)] ^= 1 << rng.randrange(8)
        ledger_path(folder).write_bytes(flipped)
        try:
            assert read(folder) == before
        except RunFolderError:
            continue


# What older versions wrote


def test_an_old_ledger_is_read_and_not_changed_by_that(tmp_path: Path) -> None:
    make_old(made(tmp_path))
    content = ledger_path(tmp_path).read_bytes()
    assert read(tmp_path) == EVENTS
    with closing(Ledger.open(tmp_path)) as ledger:
        assert len(list(ledger.events())) == 5
    assert ledger_path(tmp_path).read_bytes()[100:] == content[100:]


def test_an_old_ledger_that_is_written_on_is_checked_from_there_on(tmp_path: Path) -> None:
    make_old(made(tmp_path))
    with closing(Ledger.open(tmp_path)) as ledger, closing(Ledger.open(tmp_path, readonly=True)) as reader:
        assert len(list(reader.events())) == 5
        ledger.append(Noted(0, "six"))
        ledger.append(Noted(0, "seven"))
        assert [event for event, _ in reader.events(after=5)] == [Noted(0, "six"), Noted(0, "seven")]
    assert read(tmp_path) == [*EVENTS, Noted(0, "six"), Noted(0, "seven")]
    shutil.copytree(tmp_path, tmp_path / "other")
    execute(tmp_path, "UPDATE events SET body = replace(body, 'seven', 'three') WHERE seq = 7")
    with pytest.raises(LedgerDamagedError, match="event 7"):
        read(tmp_path)
    # What was there before is covered by what came next.
    execute(tmp_path / "other", CHANGES["a number"])
    with pytest.raises(LedgerDamagedError, match="event 6"):
        read(tmp_path / "other")


def test_no_older_version_writes_on_without_checksums(tmp_path: Path) -> None:
    make_old(made(tmp_path))
    with closing(Ledger.open(tmp_path)) as ledger:
        ledger.append(Noted(0, "six"))
    with closing(sqlite3.connect(ledger_path(tmp_path))) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'format_version'").fetchone() == ("2",)


def test_an_event_that_is_missing_in_an_old_ledger_is_noticed(tmp_path: Path) -> None:
    make_old(made(tmp_path))
    execute(tmp_path, "DELETE FROM events WHERE seq = 3")
    with pytest.raises(LedgerDamagedError, match="event 3 is missing"):
        read(tmp_path)
