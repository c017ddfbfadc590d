"""A ledger with values of a wrong type, checksums fitting: every reader ends with exit 4 and says what, or reads it."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import LedgerDamagedError, NasTuneError
from nas_tune.ledger import (
    Answered,
    Ended,
    Event,
    Known,
    Paused,
    Promoted,
    Reported,
    Retried,
    ledger_path,
)
from tests.nas_tune.ledger.damage import change_event, change_meta, execute, seal
from tests.nas_tune.results.made import begun, eventful, make, trial

ODD: list[Any] = [
    None, True, -1, 0, 1.5, "x", "1", "", [], {}, [[]], [1], {"a": 1}, [["accuracy"]], 10**400, 1e300, -(2**63) - 1,
    float("nan"), float("inf"), "\ud800", "a\nb", "complete", "paused", {"x": {"x": []}}, 2**63,
]  # fmt: skip
DEEP = "[" * 100_000


def run_of(folder: Path) -> Path:
    folder.mkdir()
    make(folder, begun(), *eventful()).close()
    return folder


def read_all(folder: Path) -> None:
    """Everything that reads a run without training."""
    run = nas_tune.open_run(folder)
    assert run.state
    run.trials(), run.epochs(), run.best(5), run.pareto(), run.query("SELECT count(*) FROM epochs"), run.config
    nas_tune.report(run, folder / "report.html")
    nas_tune.explain(run)


EVENTS = [
    (3, "trial", "1"), (3, "seed", "x"), (3, "ask", 1.5), (3, "id", 7), (3, "tree", "deep"), (3, "trial", 3),
    (4, "epoch", "1"), (4, "epoch", 10**400), (4, "metrics", [1]), (4, "metrics", {"a b": 1}), (4, "trial", 77),
    (4, "metrics", {"accuracy": "x"}), (4, "seconds", float("nan")), (4, "node", 5), (5, "epoch", 1),
]  # fmt: skip


@pytest.mark.parametrize(("seq", "name", "value"), EVENTS)
def test_an_event_is_refused_by_its_number(seq: int, name: str, value: object, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    made = json.loads("[" * 200 + "]" * 200) if value == "deep" else value
    change_event(folder, seq, lambda fields: {**fields, name: made})
    with pytest.raises(LedgerDamagedError, match=rf"event {seq}\b") as why:
        nas_tune.open_run(folder).trials()
    assert why.value.exit_code == 4


@pytest.mark.parametrize("body", [DEEP, "{", "[]", "7", '{"trial": 0, "trial": 1}', '{"trial": 0, "colour": 1}'])
def test_what_is_no_event_is_refused(body: str, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    change_event(folder, 3, lambda fields: body)
    with pytest.raises(LedgerDamagedError, match="event 3"):
        nas_tune.open_run(folder).trials()


@pytest.mark.parametrize("key", ["config", "metric", "mode", "parameters", "trainable", "versions", "created"])
def test_meta_is_refused_by_its_key(key: str, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    change_meta(folder, key, 7.5 if key != "created" else 1e300)
    with pytest.raises(LedgerDamagedError, match=f"meta: {key} is"):
        nas_tune.open_run(folder)
    change_meta(folder, key, DEEP)
    with pytest.raises(LedgerDamagedError, match=f"meta: {key}"):
        nas_tune.open_run(folder)


@pytest.mark.parametrize("value", [[["accuracy"]], [["accuracy", "max"]], [["loss", "min"], ["accuracy", "max"]], "x"])
def test_objectives_that_cannot_be_are_refused(value: object, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    execute(folder, "INSERT INTO meta VALUES ('objectives', '[]')")
    change_meta(folder, "objectives", value)
    with pytest.raises(LedgerDamagedError, match="meta: objectives"):
        nas_tune.open_run(folder)


@pytest.mark.parametrize("time", [1e300, -1e300, 9e999])
def test_a_time_that_is_none_is_refused(time: float, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    execute(folder, f"UPDATE events SET time = {time if time < 9e999 else '9e999'} WHERE seq = 3")
    seal(folder)
    with pytest.raises(LedgerDamagedError, match=r"event 3 \(asked\): its time"):
        nas_tune.open_run(folder).trials()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("trial = 1 WHERE seq = 4", r"event 4 \(reported\) is of trial 1 by its column, and its body tells of trial 0"),
        (
            "trial = NULL WHERE seq = 3",
            r"event 3 \(asked\) is of no trial by its column, and its body tells of trial 0",
        ),
        (
            "trial = 2 WHERE seq = 2",
            r"event 2 \(session_started\) is of trial 2 by its column, and its body tells of none",
        ),
        ("kind = 'paused' WHERE seq = 4", r"event 4, not an event of this version: 'paused'"),
        ("kind = 'found' WHERE seq = 3", r"event 3, not an event of this version: 'found'"),
    ],
)
def test_what_columns_say_and_what_bodies_say_is_the_same(change: str, why: str, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    execute(folder, f"UPDATE events SET {change}")
    seal(folder)
    with pytest.raises(LedgerDamagedError, match=why):
        nas_tune.open_run(folder).trials()


IMPOSSIBLE: dict[str, tuple[list[Event], str]] = {
    "trained on": ([*trial(0, [0.5]), Reported(0, 2, {"accuracy": 1.0}, 0.1)], "trial 0, which is complete"),
    "ended twice": ([*trial(0, [0.5]), Ended(0, "pruned", 0.5)], "trial 0, which is complete"),
    "tried again": ([*trial(0, [0.5]), Retried(0, 1)], "trial 0, which is complete"),
    "paused twice": ([*trial(0, [0.5], None), Paused(0, 0.5), Paused(0, 0.5)], "trial 0, which is paused"),
    "never paused": ([*trial(0, [0.5], None), Promoted(0)], "trial 0, which is running"),
    "another's proposal": (
        [Known("r", 0, {}, "a", "complete", [[1, 0.5]]), *trial(0, [0.5])],
        "proposal 0 comes after",
    ),
    "no proposal": ([*trial(0, [0.5]), Answered(0, 10**12, {})], "proposal 1000000000000 comes after 1 proposals"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_events_that_cannot_follow_one_another_are_refused(what: str, tmp_path: Path) -> None:
    events, why = IMPOSSIBLE[what]
    folder = tmp_path / "run"
    folder.mkdir()
    make(folder, begun(), *events).close()
    with pytest.raises(LedgerDamagedError, match=rf"event \d+ \(.*\): .*{why}"):
        nas_tune.open_run(folder).trials()


@pytest.mark.parametrize("table", ["events", "meta", "head"])
@pytest.mark.parametrize("made", ["TABLE {0} AS SELECT * FROM typed", "VIEW {0} AS SELECT * FROM typed"])
def test_a_table_without_types_is_refused(table: str, made: str, tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    execute(folder, f"ALTER TABLE {table} RENAME TO typed", "CREATE " + made.format(table))
    with pytest.raises(LedgerDamagedError, match=f"{table}: no table whose columns have types"):
        nas_tune.open_run(folder)


def mutated(folder: Path, rng: random.Random) -> str:
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        if rng.random() < 0.4:
            key, text = rng.choice(connection.execute("SELECT key, value FROM meta").fetchall())
            said = _changed(json.loads(text), rng)
            connection.execute("UPDATE meta SET value = ? WHERE key = ?", (json.dumps(said), key))
            what = f"meta {key}: {json.dumps(said)[:300]}"
        else:
            seq, body = rng.choice(connection.execute("SELECT seq, body FROM events").fetchall())
            said = _changed(json.loads(body), rng)
            connection.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(said), seq))
            what = f"event {seq}: {json.dumps(said)[:300]}"
    seal(folder)
    return what


def _changed(value: Any, rng: random.Random) -> Any:
    """The same with one value, at whatever depth, replaced."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        return {**value, key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        return [*value[:place], _changed(value[place], rng), *value[place + 1 :]]
    return rng.choice(ODD)


def attack(tmp_path: Path, seed: int, times: int) -> None:
    whole = run_of(tmp_path / "whole")
    rng = random.Random(seed)
    for number in range(times):
        folder = Path(shutil.copytree(whole, tmp_path / str(number)))
        what = mutated(folder, rng)
        try:
            read_all(folder)
        except NasTuneError as error:
            assert error.exit_code == 4, (what, error)  # noqa: PT017 -- either is right
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
        shutil.rmtree(folder)


def test_no_wrong_value_is_a_raw_error(tmp_path: Path) -> None:
    attack(tmp_path, seed=0, times=15)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_no_wrong_value_among_many_is_a_raw_error(seed: int, tmp_path: Path) -> None:
    attack(tmp_path, seed, times=150)
