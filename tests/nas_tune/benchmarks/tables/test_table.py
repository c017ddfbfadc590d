"""A table answers as its file says, in order, and refuses what it does not hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from nas_tune.benchmarks.tables import Table
from nas_tune.errors import ConfigError
from search_spaces import ArchitectureError
from tests.nas_tune.benchmarks.tables.made import SPACE, convolutions, row, settings, written
from trainables.errors import EndOfTraining, TrainableError

CELL = SPACE.validate(dict.fromkeys(SPACE.sample(0).keys(), "nor_conv_3x3"))
SAME = [SPACE.validate({**dict.fromkeys(CELL.keys(), "none"), "edge_0_3": "nor_conv_1x1", "edge_1_3": op})
        for op in ("skip_connect", "nor_conv_3x3")]  # fmt: skip


def table(file: Path, **more: Any) -> Table:
    return Table(space="nb201", **settings(file, **more))


def test_fidelities_come_in_order_with_what_they_cost(tmp_path: Path) -> None:
    looked_up = table(written(tmp_path, [row(CELL)]))
    looked_up.setup(CELL, seed=0, max_epochs=3)
    assert looked_up.step() == {"epoch": 1, "accuracy": 0.6, "cost_seconds": 10.0}
    assert looked_up.step() == {"epoch": 3, "accuracy": 1.0, "cost_seconds": 26.0}
    with pytest.raises(EndOfTraining):
        looked_up.step()
    assert looked_up.evaluate("test") == {"accuracy": pytest.approx(6 / 7)}
    with pytest.raises(TrainableError, match="validation"):
        looked_up.evaluate("validation")


def test_a_csv_file_answers_as_the_parquet_file(tmp_path: Path) -> None:
    file = written(tmp_path, [row(CELL)])
    parquet.read_table(file).to_pandas().to_csv(tmp_path / "table.csv", index=False)
    for one in (file, tmp_path / "table.csv"):
        looked_up = table(one)
        looked_up.setup(CELL, seed=0, max_epochs=3)
        assert looked_up.step() == {"epoch": 1, "accuracy": 0.6, "cost_seconds": 10.0}
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ConfigError, match=r"empty\.csv cannot be read"):
        table(tmp_path / "empty.csv").setup(CELL, seed=0, max_epochs=3)


def test_rows_of_one_architecture_are_repeated_trainings(tmp_path: Path) -> None:
    looked_up = table(written(tmp_path, [row(CELL), row(CELL, 0.5)]))
    values = []
    for seed in (0, 1, 2):
        looked_up.setup(CELL, seed=seed, max_epochs=3)
        values.append(looked_up.step()["accuracy"])
    assert values == [0.6, 1.1, 0.6]


def test_a_cell_that_is_not_there_is_found_by_its_id(tmp_path: Path) -> None:
    assert SAME[0].id == SAME[1].id
    looked_up = table(written(tmp_path, [row(SAME[0])]))
    looked_up.setup(SAME[1], seed=0, max_epochs=3)
    assert looked_up.step()["accuracy"] == convolutions(SAME[0]) / 10
    with pytest.raises(ArchitectureError, match=r"is not in table\.parquet"):
        looked_up.setup(CELL, seed=0, max_epochs=3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"column": "cel"}, "did you mean 'cell'"),
        ({"fidelities": ("1:value_1",)}, "EPOCHS:VALUE_COLUMN:COST_COLUMN"),
        ({"fidelities": ("3:value_3:seconds_3", "1:value_1:seconds_1")}, "increasing order"),
        ({"fidelities": ()}, "at least one"),
        ({"test": "tests"}, "did you mean 'test'"),
        ({"encoding": "text"}, "known: string, genotype, json"),
        ({"encoding": "genotype"}, "has no genotype form"),
    ],
)
def test_what_the_file_does_not_hold_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    file = written(tmp_path, [row(CELL)])
    with pytest.raises(ConfigError, match=said):
        _ = table(file, **more).benchmark


def test_a_row_that_is_no_cell_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, [row(CELL), {**row(CELL), "cell": "|none~0|"}])
    with pytest.raises(ConfigError, match=r"row 1, column cell: .*1 nodes instead of 3"):
        _ = table(file).benchmark


def test_an_empty_file_and_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    whole = parquet.read_table(written(tmp_path, [row(CELL)]))
    parquet.write_table(whole.slice(0, 0), tmp_path / "empty.parquet")
    with pytest.raises(ConfigError, match=r"empty\.parquet has no rows"):
        _ = table(tmp_path / "empty.parquet").benchmark
    with pytest.raises(ConfigError, match="column 'cell' holds string, and numbers are needed"):
        _ = table(tmp_path / "table.parquet", test="cell").benchmark


def test_the_best_test_score_is_that_of_an_architecture_and_not_of_one_training(tmp_path: Path) -> None:
    rows = [row(CELL), {**row(CELL, 0.5), "test": 0.1}, row(SAME[0])]
    benchmark = table(written(tmp_path, rows)).benchmark
    assert benchmark.best("max", "test") == pytest.approx((6 / 7 + 0.1) / 2)
    assert benchmark.best("min", "test") == 0.0
    assert benchmark.best("max", "validation") == pytest.approx(1.5)
    untested = table(tmp_path / "table.parquet", test=None).benchmark
    assert untested.best("max", "test") is None


def test_a_file_is_looked_for_below_the_folder_of_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, [row(CELL)])
    monkeypatch.delenv("NAS_TUNE_TABLES", raising=False)
    with pytest.raises(ConfigError, match="set NAS_TUNE_TABLES"):
        table(Path("table.parquet"))
    monkeypatch.setenv("NAS_TUNE_TABLES", str(tmp_path))
    table(Path("table.parquet")).setup(CELL, seed=0, max_epochs=3)
    assert os.fspath(tmp_path)
