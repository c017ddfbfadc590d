"""A surrogate is refused where it is none; by a tiny one that is made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import search_spaces
from nas_tune.benchmarks.tables import SurrogateBenchmark
from nas_tune.errors import ConfigError

onnx: Any = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
DARTS = search_spaces.get("darts")
PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
CODED = f"{PREFIX}edge_normal_0"


def made(folder: Path, *, inputs: tuple[str, str] = ("x_cat", "x_cont"), epoch: str = "epoch") -> Path:
    """A model of one edge and the epoch: accuracy is the code and a tenth of the epoch, seconds ten times the epoch."""
    helper, kinds = onnx.helper, onnx.TensorProto
    cat, cont = inputs
    nodes = [
        helper.make_node("Cast", [cat], ["code"], to=kinds.FLOAT),
        helper.make_node("Mul", [cont, "tenth"], ["part"]),
        helper.make_node("Add", ["code", "part"], ["accuracy"]),
        helper.make_node("Mul", [cont, "ten"], ["seconds"]),
        helper.make_node("Concat", ["accuracy", "seconds"], ["y"], axis=1),
    ]
    numbers = [helper.make_tensor(name, kinds.FLOAT, [1], [value]) for name, value in (("tenth", 0.1), ("ten", 10.0))]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(cat, kinds.INT32, [1, 1]),
            helper.make_tensor_value_info(cont, kinds.FLOAT, [1, 1]),
        ],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [1, 2])],
        numbers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "tiny.onnx")
    codes = {name: place for place, name in enumerate(("#na#", *sorted(OPERATIONS)))}
    (folder / "input_order.json").write_text(json.dumps([CODED]))
    (folder / "encoding.json").write_text(json.dumps({CODED: codes}))
    known = {"hyperparameters": [{"name": epoch, "lower": 1, "upper": 10}]}
    (folder / "config_space.json").write_text(json.dumps(known))
    return folder / "tiny.onnx"


OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


def test_what_is_one_answers_as_its_network_does(tmp_path: Path) -> None:
    surrogate = SurrogateBenchmark(made(tmp_path), DARTS)
    assert surrogate.epochs == tuple(range(1, 11))
    architecture = DARTS.sample(3)
    curve = surrogate.curve(architecture, 0)
    code = float(surrogate.codes(architecture)[0])
    np.testing.assert_allclose(list(curve.values), [code + epoch / 10 for epoch in range(1, 11)], rtol=1e-6)
    np.testing.assert_allclose(curve.seconds, [10 * epoch for epoch in range(1, 11)])
    assert SurrogateBenchmark(made(tmp_path), DARTS, (2, 10)).epochs == (2, 10)


def test_edges_are_numbered_node_by_node_and_inputs_named_in_order(tmp_path: Path) -> None:
    file = made(tmp_path)
    edges = {f"{PREFIX}edge_{kind}_{place}": place for kind in ("normal", "reduce") for place in range(14)}
    inputs = [f"{PREFIX}inputs_node_{kind}_{node}" for kind in ("normal", "reduce") for node in (3, 4, 5)]
    operations = {"#na#": 0, "max_pool_3x3": 1, "avg_pool_3x3": 2}
    pairs = {"0_1": 1, "0_2": 2, "1_2": 3, "1_3": 4, "3_4": 5}
    codes = {**dict.fromkeys(edges, operations), **dict.fromkeys(inputs, pairs)}
    (tmp_path / "input_order.json").write_text(json.dumps([*edges, *inputs]))
    (tmp_path / "encoding.json").write_text(json.dumps(codes))
    first, second = "max_pool_3x3", "avg_pool_3x3"
    cell = {
        "node_2": [{"input_0": first}, {"input_1": second}],
        "node_3": [{"input_0": first}, {"input_2": second}],
        "node_4": [{"input_1": first}, {"input_3": second}],
        "node_5": [{"input_3": first}, {"input_4": second}],
    }
    found = SurrogateBenchmark(file, DARTS).codes(DARTS.validate({"normal": cell, "reduce": cell})).tolist()
    of_a_cell = [1, 2, *(1, 0, 2), *(0, 1, 0, 2), *(0, 0, 0, 1, 2)]
    assert found == [*of_a_cell, *of_a_cell, *(2, 4, 5), *(2, 4, 5)]


def test_what_is_none_is_refused_with_the_reason(tmp_path: Path) -> None:
    for inputs in (("x_cat", "epoch"), ("x", "x_cont"), ("codes", "epochs")):
        with pytest.raises(ConfigError, match="not a surrogate of YAHPO Gym: its inputs are not x_cat and x_cont"):
            SurrogateBenchmark(made(tmp_path, inputs=inputs), DARTS)
    for epochs in ((0, 1), (1, 11), (2, 2), (3, 1)):
        with pytest.raises(ConfigError, match="give epochs in increasing order, between 1 and 10"):
            SurrogateBenchmark(made(tmp_path), DARTS, epochs)
    with pytest.raises(ConfigError, match="answers about the space 'darts', not 'nb201'"):
        SurrogateBenchmark(made(tmp_path), search_spaces.get("nb201"))


def test_files_that_lack_or_are_damaged_are_named(tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="has no epoch, so it is not a surrogate of trainings"):
        SurrogateBenchmark(made(other, epoch="size"), DARTS)
    (torn := tmp_path / "torn").mkdir()
    made(torn).write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"tiny.onnx cannot be read"):
        SurrogateBenchmark(torn / "tiny.onnx", DARTS)
    (torn / "encoding.json").unlink()
    with pytest.raises(ConfigError, match=r"encoding.json beside it, which cannot be read"):
        SurrogateBenchmark(torn / "tiny.onnx", DARTS)
