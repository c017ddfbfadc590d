"""The table in the package is what it says: complete, small, and what a training comes to."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import parquet

from nas_tune.benchmarks.tables import Table, digits
from nas_tune.benchmarks.tables.digits import EPOCHS, SEEDS, SPACE, TABLE, train_cell
from nas_tune.session.spaces import make_space

FILE = Path(TABLE["file"])


@pytest.fixture(scope="module")
def rows() -> list[dict[str, float | str]]:
    return parquet.read_table(FILE).to_pylist()


def test_every_cell_stands_in_it_with_every_seed_and_epoch(rows: list[dict[str, float | str]]) -> None:
    space = make_space(SPACE)
    assert FILE.stat().st_size < 2_000_000
    assert space.size == 729
    wanted = {(space.to_string(cell), seed) for cell in space.enumerate() for seed in SEEDS}  # type: ignore[attr-defined]
    assert len(rows) == len(wanted)
    assert {(row["cell"], row["seed"]) for row in rows} == wanted
    accuracies = np.array(
        [[row[f"accuracy_{epoch}"] for epoch in range(1, EPOCHS + 1)] + [row["test"]] for row in rows]
    )
    seconds = np.array([[row[f"seconds_{epoch}"] for epoch in range(1, EPOCHS + 1)] for row in rows])
    assert ((accuracies > 0) & (accuracies <= 1)).all()
    assert (np.diff(seconds, axis=1, prepend=0) > 0).all()


def test_it_answers_as_a_table() -> None:
    space = make_space(SPACE)
    table = Table(space=space, **TABLE)
    table.setup(space.sample(0), seed=1, max_epochs=EPOCHS)
    assert [table.step()["epoch"] for _ in range(EPOCHS)] == list(range(1, EPOCHS + 1))
    assert 0 < table.evaluate("test")["accuracy"] <= 1


@pytest.mark.parametrize("number", [100, *(pytest.param(other, marks=pytest.mark.slow) for other in (800, 1500))])
def test_a_training_comes_to_what_it_says(rows: list[dict[str, float | str]], number: int) -> None:
    """To the last digit on the machine that made it; another processor rounds sums otherwise."""
    space, row = make_space(SPACE), rows[number]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    begun = time.process_time()
    try:
        again = train_cell(space.from_string(row["cell"]), int(row["seed"]))  # type: ignore[attr-defined]
    finally:
        torch.set_num_threads(threads)
    seconds = [0.0, *(again[f"seconds_{epoch}"] for epoch in range(1, EPOCHS + 1)), time.process_time() - begun]
    assert seconds == sorted(set(seconds)), "those of this training, each epoch later than the one before"
    assert {key: again[key] for key in ("parameters", "macs")} == {key: row[key] for key in ("parameters", "macs")}
    assert again["accuracy_1"] == pytest.approx(row["accuracy_1"], abs=0.05)
    assert again[f"accuracy_{EPOCHS}"] == pytest.approx(row[f"accuracy_{EPOCHS}"], abs=0.03)
    assert again["test"] == pytest.approx(row["test"], abs=0.03)


@pytest.mark.slow
def test_the_command_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, float | str]]
) -> None:
    first, second, *_ = digits.trainings()
    monkeypatch.setattr(digits, "trainings", lambda: [first, second])
    known = {**rows[0], "cell": digits.cell_name(first[0]), "seed": first[1], "test": 0.125}
    (tmp_path / "again.jsonl").write_text(json.dumps(known) + '\n{"cell": "|no')
    assert digits.main([str(tmp_path / "again.parquet")]) == 0
    made = parquet.read_table(tmp_path / "again.parquet")
    assert made.schema.equals(parquet.read_schema(FILE))
    assert [row["test"] == 0.125 for row in made.to_pylist()] == [True, False]
    assert [path.name for path in tmp_path.iterdir()] == ["again.parquet"]
