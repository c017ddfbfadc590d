"""A ledger with values of a wrong type, checksums fitting: every reader ends with exit 4 and says what, or reads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.dashboards.storage import RunStorage
from nas_tune.dashboards.tensorboard import Board
from nas_tune.errors import LedgerDamagedError, NasTuneError
from nas_tune.ledger import (
    Answered,
    Asked,
    BudgetChanged,
    Ended,
    Event,
    Known,
    Ledger,
    Lost,
    Noted,
    Paused,
    Promoted,
    Reported,
    Retried,
    SessionEnded,
)
from nas_tune.results import Run
from tests.nas_tune.ledger.damage import change_event, change_meta, execute, seal
from tests.nas_tune.ledger.mutations import mutate, mutations
from tests.nas_tune.results.made import begun, eventful, make, trial
from tests.toys import Climber, tiny_space

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
        ("trial = 1 WHERE seq = 4", r"event 4 \(reported\): its column says trial 1, and its body says trial 0"),
        (
            "trial = NULL WHERE seq = 3",
            r"event 3 \(asked\): its column says no trial, and its body says trial 0",
        ),
        (
            "trial = 2 WHERE seq = 2",
            r"event 2 \(session_started\): its column says trial 2, and its body says no trial",
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


# Whatever is changed


def wide(folder: Path) -> Path:
    """A run with events of every kind, of a trainable that keeps checkpoints."""
    run = nas_tune.search(
        tiny_space(), Climber, strategy="random", max_trials=4, max_epochs=3, executor="inline", run_dir=folder
    )
    with closing(Ledger.open(run.path)) as ledger:
        tree, asks = tiny_space().sample(1).tree, run.state.asked
        report = Reported(4, 1, {"accuracy": 0.3, "distance": 0.1}, 0.1, "n")
        ledger.append(
            begun(), BudgetChanged({"max_trials": 4}), Known("r", 0, tree, "ab", "pruned", [[1, 0.1], [2, 0.3]]),
            Answered(0, asks + 1, tree), Asked(4, asks + 2, tree, "x4", 7), report, Paused(4, 0.3), Promoted(4),
            Lost(4, "killed", worker=True), Ended(4, "failed", None, "error", "no", "Traceback"), Retried(4, asks + 3),
            report, Paused(4, 0.3), Noted(4, "a note"), SessionEnded("done"),
        )  # fmt: skip
    return folder


def commands(folder: Path, whole: Path) -> dict[str, list[str]]:
    """The command line of everything that reads a run first; `whole` is another run, for what takes two."""
    run = str(folder)
    return {
        "results": ["results", run, "--table", "epochs", "--format", "json"],
        "sql": ["results", run, "--sql", "select * from trials"],
        "best": ["best", run, "-k", "9", "--format", "json"],
        "front": ["best", run, "--front"],
        "report": ["report", run],
        "explain": ["explain", run],
        "compare": ["compare", run, str(whole)],
        "watch": ["watch", run],
        "retrain": ["retrain", run, "--executor", "inline", "--epochs", "1", "--seeds", "1", "--baselines", "0"],
        "export": ["export", run, "--format", "safetensors"],
        "compress": ["compress", run, "--prune", "0.5"],
        "resume": ["resume", run, "--set", "max_trials=5"],
    }


def boards(folder: Path) -> None:
    """What `dashboard` shows of a run, in both ways."""
    run = Run(folder)
    assert RunStorage(run).get_all_trials(0) is not None
    with Board(run) as board:
        board.update()


def taught(folder: Path) -> None:
    """Another search knows the run."""
    known = {"warm_start": [folder], "run_dir": folder / "after"}
    nas_tune.search(tiny_space(), Climber, max_trials=1, max_epochs=1, executor="inline", **known)


CALLS: dict[str, Callable[[Path], object]] = {"read": read_all, "boards": boards, "warm start": taught}
REBUILDS = ("retrain", "export", "compress", "resume")


def answered(name: str, folder: Path, whole: Path, what: str) -> None:
    """The run is read, or refused by name, and never ends in an error of Python's."""
    if name in CALLS:
        try:
            CALLS[name](folder)
        except NasTuneError as error:
            # A search that is to learn from a run may find nothing in it that it could learn.
            assert error.exit_code in ((4, 2) if name == "warm start" else (4,)), (what, error)  # noqa: PT017
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
        return
    done = CliRunner().invoke(app, commands(folder, whole)[name])
    raw = None if isinstance(done.exception, SystemExit) else done.exception
    # A run of another metric is whole, and compares with none.
    fitting = (0, 2, 3, 4, 5, 6) if name in REBUILDS else (0, 2, 3, 4) if name == "compare" else (0, 3, 4)
    if raw is not None or done.exit_code not in fitting:
        raise AssertionError(f"{what}: {done.exit_code} {done.stderr}") from raw


def check(whole: Path, folder: Path, mutation: Any, names: Iterable[str]) -> None:
    """Each of these reads a copy that is changed so."""
    for name in names:
        shutil.copytree(whole, folder)
        try:
            answered(name, folder, whole, f"{name} of a run with {mutate(folder, mutation)}")
        finally:
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wide(tmp_path_factory.mktemp("damaged") / "run")


def test_unchanged_it_can_be_read(whole: Path, tmp_path: Path) -> None:
    """Otherwise the tests below would change what nobody reads."""
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    seal(folder)
    read_all(folder), boards(folder)
    for name in ("best", "front", "compare", "watch", "results"):
        done = CliRunner().invoke(app, commands(folder, whole)[name])
        assert done.exit_code == 0, (name, done.stderr)


@given(mutations(), st.sampled_from(["read", "results", "best", "boards", "warm start", "export"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_no_wrong_value_is_a_raw_error(whole: Path, mutation: Any, name: str) -> None:
    check(whole, whole.with_name("copy"), mutation, [name])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(mutations(), st.sampled_from([*CALLS, *commands(Path(), Path())]))
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
def test_no_wrong_value_among_many_is_a_raw_error(whole: Path, mutation: Any, name: str) -> None:
    check(whole, whole.with_name("other"), mutation, [name])
