"""What a surrogate's file must be, shown with a tiny one of the same inputs: no table is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import search_spaces
from nas_tune.benchmarks.tables.surrogate import SurrogateBenchmark
from nas_tune.errors import ConfigError

onnx: Any = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

DARTS = search_spaces.get("darts")
EDGE = "NetworkSelectorDatasetInfo_COLON_darts_COLON_edge_normal_0"
OPERATIONS = ("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3")


def tiny(folder: Path, categories: str = "x_cat", numbers: str = "x_cont") -> Path:
    """A file that answers (epoch + 10 times the code of the first edge, 3 times the epoch)."""
    helper, kinds = onnx.helper, onnx.TensorProto
    given = [
        helper.make_tensor_value_info(categories, kinds.INT32, [1, 1]),
        helper.make_tensor_value_info(numbers, kinds.FLOAT, [1, 1]),
    ]
    nodes = [
        helper.make_node("Cast", [categories], ["code"], to=kinds.FLOAT),
        helper.make_node("Mul", ["code", "ten"], ["tens"]),
        helper.make_node("Add", [numbers, "tens"], ["accuracy"]),
        helper.make_node("Mul", [numbers, "three"], ["seconds"]),
        helper.make_node("Concat", ["accuracy", "seconds"], ["answer"], axis=1),
    ]
    constants = [helper.make_tensor(name, kinds.FLOAT, [1], [value]) for name, value in (("ten", 10), ("three", 3))]
    answer = [helper.make_tensor_value_info("answer", kinds.FLOAT, [1, 2])]
    graph = helper.make_graph(nodes, "tiny", given, answer, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "tiny.onnx")
    codes = {name: place for place, name in enumerate(("#na#", *OPERATIONS, "dil_conv_5x5"))}
    epochs = {"hyperparameters": [{"name": "epoch", "lower": 1, "upper": 12}]}
    for name, written in (("input_order", [EDGE]), ("encoding", {EDGE: codes}), ("config_space", epochs)):
        (folder / f"{name}.json").write_text(json.dumps(written))
    return folder / "tiny.onnx"


def test_a_tiny_surrogate_answers_batches_of_epochs_by_its_codes(tmp_path: Path) -> None:
    surrogate = SurrogateBenchmark(tiny(tmp_path), DARTS)
    assert surrogate.epochs == tuple(range(1, 13))
    made = DARTS.sample(0)
    code = int(surrogate.codes(made)[0])
    curve = surrogate.curve(made, 0)
    assert list(curve.values) == [epoch + 10 * code for epoch in range(1, 13)]
    assert curve.seconds == tuple(3 * epoch for epoch in range(1, 13))
    seen = {int(surrogate.codes(DARTS.sample(seed))[0]) for seed in range(12)}
    assert len(seen) > 2, "the operation of the first edge"


@pytest.mark.parametrize(("categories", "numbers"), [("x", "x_cont"), ("x_cat", "x"), ("a", "b")])
def test_a_model_of_other_inputs_is_refused(tmp_path: Path, categories: str, numbers: str) -> None:
    with pytest.raises(ConfigError, match="is no surrogate of YAHPO Gym: its inputs are not x_cat and x_cont"):
        SurrogateBenchmark(tiny(tmp_path, categories, numbers), DARTS)


def test_a_surrogate_without_epochs_is_refused(tmp_path: Path) -> None:
    file = tiny(tmp_path)
    (tmp_path / "config_space.json").write_text('{"hyperparameters": [{"name": "lr"}]}')
    with pytest.raises(ConfigError, match="has no epoch, so it is no surrogate of trainings"):
        SurrogateBenchmark(file, DARTS)
