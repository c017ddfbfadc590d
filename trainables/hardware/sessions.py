"""ONNX files in onnxruntime on the CPU, with inputs of the sizes that the file asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trainables.errors import TrainableError

__all__ = ["session", "session_inputs"]

_TYPES = {"float": "float32", "float16": "float16", "double": "float64", "bool": "bool"}


def session(file: Path, threads: int, batch: int) -> Any:
    """Load an ONNX file for batches of one size.

    The engine learns the size of a batch that the file leaves open. It then computes in advance what depends on no
    input; without the size it runs such branches of a network, which can take most of the time. The threads of an
    operation do not spin while they wait, since that would cost CPU time that no user waits for.

    Args:
        file: the ONNX file.
        threads: how many threads an operation may use.
        batch: the number of examples.

    Returns:
        An `onnxruntime.InferenceSession` on the CPU, which runs one operation after the other.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    for one in onnx.load(file, load_external_data=False).graph.input:
        if one.type.tensor_type.shape.dim and (open_size := one.type.tensor_type.shape.dim[0].dim_param):
            options.add_free_dimension_override_by_name(open_size, batch)
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def session_inputs(loaded: Any, batch: int) -> dict[str, Any]:
    """Make random inputs for a loaded file.

    Args:
        loaded: a session by `session`.
        batch: the number of examples.

    Returns:
        An array for each input of the file, (batch, ...); none for a file whose output depends on no input. Floats are
        normal numbers, whole numbers are 0, which every table of embeddings has.

    Raises:
        TrainableError: the file is for another batch size, or leaves another size open.
    """
    random = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for one in loaded.get_inputs():
        kind = one.type.removeprefix("tensor(").removesuffix(")")
        shape = _shape(one.name, one.shape, batch)
        values = random.standard_normal(shape) if kind in ("float", "float16", "double") else np.zeros(shape)
        found[one.name] = values.astype(_TYPES.get(kind, kind))
    return found


def _shape(name: str, shape: list[Any], batch: int) -> list[int]:
    if not shape:
        return []
    first, *others = shape
    if isinstance(first, int) and first != batch:
        raise TrainableError(f"the file takes batches of {first} as {name!r}, and the device has batch = {batch}")
    for size in others:
        if not isinstance(size, int):
            raise TrainableError(
                f"the input {name!r} of the file has the open size {size!r} beside the batch, {tuple(shape)}; write "
                "the file with a fixed size"
            )
    return [batch, *others]
