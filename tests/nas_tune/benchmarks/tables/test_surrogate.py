"""The surrogate of NAS-Bench-301 answers as its network does; skipped where it, or onnxruntime, is not at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import search_spaces
from nas_tune.benchmarks.tables import SurrogateBenchmark, Table
from nas_tune.errors import ConfigError
from search_spaces import Architecture, ArchitectureError
from trainables.errors import EndOfTraining

FILE = Path(os.environ.get("NAS_TUNE_TABLES", ".")) / "nb301" / "nb301_v0.onnx"
DARTS = search_spaces.get("darts")

needs_the_table = pytest.mark.skipif(not FILE.is_file(), reason="needs nb301/nb301_v0.onnx below NAS_TUNE_TABLES")
pytest.importorskip("onnx")
ort: Any = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def surrogate() -> SurrogateBenchmark:
    return SurrogateBenchmark(FILE, DARTS)


@needs_the_table
def test_edges_are_numbered_node_by_node_and_inputs_named_in_order(surrogate: SurrogateBenchmark) -> None:
    ops = ["max_pool_3x3", "avg_pool_3x3"]
    cell = {
        "node_2": [{"input_0": ops[0]}, {"input_1": ops[1]}],
        "node_3": [{"input_0": ops[0]}, {"input_2": ops[1]}],
        "node_4": [{"input_1": ops[0]}, {"input_3": ops[1]}],
        "node_5": [{"input_3": ops[0]}, {"input_4": ops[1]}],
    }
    codes = surrogate.codes(DARTS.validate({"normal": cell, "reduce": cell})).tolist()
    # As encoding.json has it: max_pool_3x3 is 4, avg_pool_3x3 is 1, no edge is 0.
    edges = [4, 1, 4, 0, 1, 0, 4, 0, 1, 0, 0, 0, 4, 1]
    inputs = [2, 5, 10]
    assert codes == [*edges, *edges, *inputs, *inputs]


@needs_the_table
def test_batches_answer_what_the_file_answers_one_by_one(surrogate: SurrogateBenchmark) -> None:
    session = ort.InferenceSession(FILE, providers=["CPUExecutionProvider"])
    architecture = DARTS.sample(7)
    curve = surrogate.curve(architecture, 0)
    codes = surrogate.codes(architecture)[None, :]
    one_by_one = [
        session.run(None, {"x_cat": codes, "x_cont": np.array([[epoch]], np.float32)})[0][0] for epoch in range(1, 99)
    ]
    np.testing.assert_allclose(list(curve.values), [answer[0] for answer in one_by_one], rtol=1e-5)
    assert curve.seconds[-1] == pytest.approx(one_by_one[-1][1])
    assert np.allclose(np.diff(curve.seconds), curve.seconds[0])
    assert curve.values[-1] == curve.values[97]
    assert curve.values[3:5] == (curve.values[3], curve.values[4])
    with pytest.raises(IndexError):
        curve.values[98]


@needs_the_table
def test_curves_rise_and_their_first_epochs_tell_good_from_bad(surrogate: SurrogateBenchmark) -> None:
    curves = np.array([list(surrogate.curve(DARTS.sample(seed), 0).values) for seed in range(40)])
    assert (np.diff(curves, axis=1) > 0).all()
    assert 91 < curves[:, -1].min() < curves[:, -1].max() < 97
    assert np.corrcoef(curves[:, 8], curves[:, -1])[0, 1] > 0.7


@needs_the_table
def test_as_a_table_it_reports_the_epochs_that_are_asked_for() -> None:
    whole = Table(space="darts", file=str(FILE))
    assert whole.benchmark.epochs == tuple(range(1, 99))
    table = Table(space="darts", file=str(FILE), fidelities=("1", "9", "98"))
    architecture = DARTS.sample(1)
    table.setup(architecture, seed=0, max_epochs=98)
    reports = [table.step() for _ in range(3)]
    assert [report["epoch"] for report in reports] == [1, 9, 98]
    values = whole.benchmark.curve(architecture, 0).values
    assert [report["accuracy"] for report in reports] == pytest.approx([values[0], values[8], values[97]], rel=1e-6)
    total = sum(report["cost_seconds"] for report in reports)
    assert total == pytest.approx(whole.benchmark.curve(architecture, 0).seconds[-1])
    with pytest.raises(EndOfTraining):
        table.step()


@needs_the_table
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"space": "nb201"}, "answers about the space 'darts', not 'nb201'"),
        ({"fidelities": ("1", "99")}, r"fidelities \(1, 99\): give epochs in increasing order, between 1 and 98"),
        ({"fidelities": ("9", "1")}, "give epochs in increasing order, between 1 and 98"),
        ({"fidelities": ("12:a:b",)}, "a surrogate without columns: leave out 12:a:b"),
        ({"column": "cell"}, "a surrogate without columns: leave out column = 'cell'"),
    ],
)
def test_what_it_cannot_answer_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _ = Table(**{"space": "darts", "file": str(FILE), **settings}).benchmark


@needs_the_table
def test_what_is_no_member_is_refused(surrogate: SurrogateBenchmark) -> None:
    with pytest.raises(ArchitectureError, match="not a member of darts"):
        surrogate.curve(Architecture({"normal": {}, "reduce": {"node_2": "x"}}), 0)


def test_a_file_without_its_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"model\.onnx is read with the input_order\.json beside it"):
        SurrogateBenchmark(tmp_path / "model.onnx", DARTS)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "input_order.json").write_text("[]")
    (tmp_path / "encoding.json").write_text("{}")
    (tmp_path / "config_space.json").write_text('{"hyperparameters": [{"name": "epoch", "lower": 1, "upper": 98}]}')
    with pytest.raises(ConfigError, match="cannot be read"):
        SurrogateBenchmark(tmp_path / "model.onnx", DARTS)


def test_a_parquet_table_without_a_column_is_refused(table_of_cells: Path) -> None:
    with pytest.raises(ConfigError, match="name the column that holds the architectures"):
        _ = Table(space="nb201", file=str(table_of_cells)).benchmark
