"""ONNX files are loaded for one batch size, so that what depends on no input is computed in advance."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from trainables.errors import TrainableError
from trainables.hardware.sessions import session, session_inputs


def file_of(path, shape, *, kind=TensorProto.FLOAT):
    """A file that returns its input, of a shape in which texts are open sizes."""
    given = helper.make_tensor_value_info("input", kind, shape)
    left = helper.make_tensor_value_info("output", kind, shape)
    graph = helper.make_graph([helper.make_node("Identity", ["input"], ["output"])], "graph", [given], [left])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16])
def test_inputs_have_the_type_of_the_file_and_the_size_of_a_batch(tmp_path, kind):
    loaded = session(file_of(tmp_path / "one.onnx", ["n", 3], kind=kind), 1, batch=4)
    inputs = session_inputs(loaded, 4)
    assert inputs["input"].shape == (4, 3)
    assert loaded.run(None, inputs)[0].dtype == inputs["input"].dtype


def test_the_engine_knows_the_size_that_the_file_leaves_open(tmp_path):
    loaded = session(file_of(tmp_path / "one.onnx", ["n", 3]), 1, batch=4)
    assert loaded.get_inputs()[0].shape == [4, 3]


@pytest.mark.parametrize(
    ("shape", "said"),
    [([2, 3], "takes batches of 2 as 'input', and the device has batch = 4"), (["n", "length"], "open size 'length'")],
)
def test_a_file_of_another_size_is_refused(tmp_path, shape, said):
    with pytest.raises(TrainableError) as refused:
        session_inputs(session(file_of(tmp_path / "one.onnx", shape), 1, batch=4), 4)
    assert said in str(refused.value)
