"""Run: the best trials, the state, SQL that is kept in its place, Parquet, reading while it is written."""

from __future__ import annotations

import pickle
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import nas_tune
from nas_tune.errors import ConfigError, LedgerDamagedError, NewerFormatError, RunFolderError
from nas_tune.ledger import Answered, BudgetChanged, Ended, Reported, ledger_path
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, ended, eventful, make, mixed, trial


@pytest.fixture
def run(tmp_path: Path) -> Run:
    make(tmp_path, *eventful()).close()
    return Run(tmp_path)


def test_complete_trials_are_best_then_the_longest_trained_pruned_ones(tmp_path: Path) -> None:
    make(
        tmp_path,
        begun(),
        *trial(0, [0.99], "pruned"),
        *trial(1, [0.1, 0.2, 0.3], "pruned"),
        *trial(2, [0.1, 0.2, 0.4], "pruned"),
        *trial(3, [0.7]),
        *trial(4, [0.8]),
        *trial(5, [0.8]),
        *trial(6, [1.0], "failed"),
        *trial(7, [float("inf")]),
        *trial(8, [1.0], None),
    ).close()
    run = Run(tmp_path)
    assert run.best(99)["trial"].tolist() == [4, 5, 3, 2, 1, 0]
    assert run.best()["trial"].tolist() == [4]
    assert run.best(2).index.tolist() == [0, 1]


def test_the_smallest_is_best_where_the_mode_is_min(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.7]), *trial(1, [0.2]), meta={"mode": "min"}).close()
    assert Run(tmp_path).best(2)["trial"].tolist() == [1, 0]


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
def test_best_refuses_what_is_no_count(run: Run, k: object) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        run.best(k)  # type: ignore[arg-type]


def test_the_state_counts_names_what_runs_and_says_when(run: Run) -> None:
    now = run.state
    assert now.counts == {"running": 1, "paused": 0, "lost": 1, "complete": 1, "pruned": 1, "failed": 2}
    assert (now.trials, now.running, now.notes, now.finished) == (6, (4, 5), ((-1, "a note"),), None)
    assert datetime.now(UTC) - now.time < timedelta(minutes=1)
    assert now.last_event is not None
    assert now.last_event <= now.time


def test_an_empty_run_has_a_state_too(tmp_path: Path) -> None:
    make(tmp_path).close()
    run = Run(tmp_path)
    assert (run.state.trials, run.state.last_event, run.state.finished) == (0, None, None)
    assert repr(run).endswith("0 trials)")


def test_duplicates_and_the_end_are_counted(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.5]), Answered(0, 1, {}), ended()).close()
    now = Run(tmp_path).state
    assert (now.asked, now.answered, now.finished) == (2, 1, "done")


def test_repr_says_what_there_is(run: Run) -> None:
    said = repr(run)
    assert "6 trials (1 running, 1 lost, 1 complete, 1 pruned, 2 failed)" in said
    assert said.endswith("best accuracy 0.9)")


def test_the_configuration_is_the_one_in_force(tmp_path: Path) -> None:
    make(tmp_path, begun(), BudgetChanged({"max_trials": 48})).close()
    assert Run(tmp_path).config.max_trials == 48
    assert (Run(tmp_path).metric, Run(tmp_path).mode) == ("accuracy", "max")


def test_an_architecture_comes_back_bound_to_its_space(run: Run) -> None:
    architecture = run.architecture(0)
    assert architecture["op"]["conv"]["kernel"] == 5
    assert architecture == mixed().validate(architecture)
    with pytest.raises(ConfigError, match="no trial 9; the run has 0 to 5"):
        run.architecture(9)


def test_a_tree_that_is_changed_changes_nothing(run: Run) -> None:
    run.tree(0)["width"] = 9999
    assert run.tree(0)["width"] == 16


def test_an_opened_run_is_the_same_by_either_door_and_survives_pickling(run: Run) -> None:
    assert isinstance(nas_tune.open_run(run.path), Run)
    assert pickle.loads(pickle.dumps(run)).trials().equals(run.trials())


# SQL


def test_sql_sees_both_tables_with_their_types(run: Run) -> None:
    found = run.query(
        'SELECT state, count(*) AS n, sum(e.epoch) AS epochs, max(t."arch.width") AS widest '
        "FROM trials t JOIN epochs e USING (trial) GROUP BY ALL ORDER BY ALL".replace("state,", "t.state,", 1)
    )
    assert found["state"].tolist() == ["complete", "failed", "lost", "pruned", "running"]
    assert found["epochs"].tolist() == [6, 3, 1, 1, 3]
    assert [str(kind) for kind in found.dtypes] == ["string", "Int64", "Int64", "Int64"]


def test_sql_over_an_empty_run_is_typed(tmp_path: Path) -> None:
    make(tmp_path).close()
    found = Run(tmp_path).query("SELECT trial, accuracy, started FROM trials")
    assert [str(kind) for kind in found.dtypes] == ["Int64", "Float64", "datetime64[us, UTC]"]


def test_sql_may_be_mistaken_and_is_told_what_there_is(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"(?s)acuracy.*trials has: trial, state, .*accuracy"):
        run.query("SELECT acuracy FROM trials")
    with pytest.raises(ConfigError, match="the tables are: trials, epochs"):
        run.query("SELECT * FROM nothing")
    with pytest.raises(ConfigError, match="cannot be answered"):
        run.query("SELEC")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.db'",
        "EXPORT DATABASE '{folder}/dump'",
        "INSTALL httpfs",
        "LOAD sqlite",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SELECT * FROM secret",
    ],
)
def test_sql_reaches_no_file_no_setting_and_no_variable(run: Run, tmp_path: Path, sql: str) -> None:
    secret = pd.DataFrame({"token": ["hidden"]})
    assert len(secret) == 1
    file, out = tmp_path / "secret.csv", tmp_path / "out"
    file.write_text("token\nhidden\n", encoding="utf-8")
    out.mkdir()
    with pytest.raises(ConfigError):
        run.query(sql.format(file=file, folder=out))
    assert list(out.iterdir()) == []


def test_sql_cannot_change_the_run(run: Run) -> None:
    before = run.trials()
    with pytest.raises(ConfigError):
        run.query("DELETE FROM trials")
    assert run.trials().equals(before)


# Parquet


def test_parquet_gives_the_same_frames_back(run: Run, tmp_path: Path) -> None:
    folder = run.to_parquet(tmp_path / "made" / "here")
    # pandas 2.2 asks this option in what it keeps the text that it reads; in pandas 3 it is what is the default.
    with pd.option_context("mode.string_storage", "pyarrow"):
        pd.testing.assert_frame_equal(pd.read_parquet(folder / "trials.parquet"), run.trials())
        pd.testing.assert_frame_equal(pd.read_parquet(folder / "epochs.parquet"), run.epochs())
    assert sorted(path.name for path in folder.iterdir()) == ["epochs.parquet", "trials.parquet"]


def test_parquet_of_an_empty_run_is_typed(tmp_path: Path) -> None:
    make(tmp_path).close()
    run = Run(tmp_path)
    run.to_parquet(tmp_path)
    with pd.option_context("mode.string_storage", "pyarrow"):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "trials.parquet"), run.trials())


def test_parquet_into_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match="cannot write"):
        run.to_parquet(tmp_path / "file")


# Reading while it is written


def test_a_run_is_read_while_it_grows(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun(), *trial(0, [0.5], None))
    run = Run(tmp_path)
    assert run.trials()["state"].tolist() == ["running"]
    ledger.append(Reported(0, 2, {"accuracy": 0.6}, 0.5))
    assert run.trials()["accuracy"].tolist() == [0.6]
    ledger.append(Ended(0, "complete", 0.6), *trial(1, [0.9]))
    assert run.trials()["state"].tolist() == ["complete", "complete"]
    assert run.best()["trial"].tolist() == [1]
    ledger.close()


def test_readers_and_the_writer_do_not_disturb_each_other(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun())
    run, seen, errors = Run(tmp_path), [], []

    def read() -> None:
        try:
            while not seen or seen[-1] < 60:
                trials, epochs = run.trials(), run.epochs()
                assert set(epochs["trial"]) >= set(trials["trial"])
                seen.append(len(trials))
        except Exception as error:  # noqa: BLE001 -- a thread has nobody to raise to
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(60):
        ledger.append(*trial(number, [0.1, 0.2]))
    for reader in readers:
        reader.join(30)
    ledger.close()
    assert errors == []
    assert not any(reader.is_alive() for reader in readers)
    assert seen[-1] == 60


def test_a_ledger_put_back_from_its_backup_is_read_anew(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun(), *trial(0, [0.5]))
    ledger.backup(tmp_path / "copy.sqlite")
    ledger.append(*trial(1, [0.9]))
    ledger.close()
    run = Run(tmp_path)
    assert len(run.trials()) == 2
    for part in ("", "-wal", "-shm"):
        ledger_path(tmp_path).with_name(f"ledger.sqlite{part}").unlink(missing_ok=True)
    (tmp_path / "copy.sqlite").rename(ledger_path(tmp_path))
    assert len(run.trials()) == 1
    assert run.state.counts["complete"] == 1


def test_a_ledger_that_goes_away_is_an_error_not_a_guess(tmp_path: Path) -> None:
    make(tmp_path, begun()).close()
    run = Run(tmp_path)
    ledger_path(tmp_path).unlink()
    with pytest.raises(LedgerDamagedError, match="holds no run"):
        run.trials()


def test_folders_that_hold_no_readable_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerDamagedError, match="holds no run"):
        Run(tmp_path)
    ledger_path(tmp_path).write_bytes(b"no ledger at all" * 100)
    with pytest.raises(LedgerDamagedError, match="damaged"):
        Run(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerFormatError, match="format 99"):
        make(tmp_path, meta={"format_version": 99})
    with pytest.raises(NewerFormatError):
        Run(tmp_path)


def test_reading_writes_nothing_into_the_ledger(run: Run) -> None:
    before = ledger_path(run.path).read_bytes()
    for read in (run.trials, run.epochs, run.best, lambda: run.query("SELECT 1 FROM trials")):
        assert len(read())
    assert ledger_path(run.path).read_bytes() == before
