"""Post-training quantization to int8 by onnxruntime: weights a channel at a time, values by what examples show.

The file says everything in QuantizeLinear and DequantizeLinear nodes (QDQ), so that other engines take it too. Weights
are signed, values unsigned 8-bit numbers: of the pairs that engines take the faster one on x86. Weights use 7 of their
8 bits, for processors without VNNI would saturate sums of two products (there the outputs of a small nb201 network were
off by seven times as much), and one file would compute another thing on another machine.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.drafts import draft_folder
from trainables.errors import TrainableError, first_line
from trainables.export.onnx import INPUT

__all__ = ["KINDS", "quantized"]

KINDS = ("int8",)
_BATCH = 32
_NORMALISING = ("Sub", "Div", "Mul", "Add")
_FOLDED = 50_000
"""Bytes by which a file may grow while it is prepared, for the shapes that are written into it."""
_WHOLE = "BatchNormalization"
"""No engine computes it in int8: where it stands alone, its values would be rounded for nothing."""


def quantized(source: Path, target: Path, examples: Tensor) -> None:
    """Write the ONNX file `source` to `target` with weights and values in int8.

    The ranges of values are the smallest and the greatest that `examples`, inputs as the network expects them, lead to.

    Raises:
        TrainableError: onnxruntime cannot quantize it.
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with draft_folder(target.parent, "int8") as aside, _silence():
        prepared = aside / "prepared.onnx"
        try:
            quant_pre_process(source, prepared, skip_symbolic_shape=True)
            if prepared.stat().st_size > source.stat().st_size + _FOLDED:
                # Its optimizer computes what depends on no input once and for all: relative positions become tables.
                quant_pre_process(source, prepared, skip_symbolic_shape=True, skip_optimization=True)
            nodes = onnx.load(prepared).graph.node
            quantization.quantize_static(
                prepared,
                target,
                _reader(examples),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                nodes_to_exclude=[*(node.name for node in nodes if node.op_type == _WHOLE), *_before_layers(nodes)],
            )
            _describe(target, onnx.load(source))
        except (RuntimeError, ValueError, NotImplementedError, KeyError) as error:
            raise TrainableError(
                f"onnxruntime cannot quantize this network: {first_line(error)}; leave --quantize out"
            ) from error


def _before_layers(nodes: Iterable[Any]) -> Iterator[str]:
    """What normalises the inputs: they would be rounded twice."""
    reached = {INPUT}
    for node in nodes:
        if node.op_type in _NORMALISING and reached.intersection(node.input):
            reached.update(node.output)
            yield node.name


def _describe(target: Path, source: Any) -> None:
    """Let the file say of itself what the file says that it was made of."""
    import onnx

    model = onnx.load(target)
    own = {entry.key for entry in model.metadata_props}
    model.metadata_props.extend(entry for entry in source.metadata_props if entry.key not in own)
    onnx.save(model, target)


def _reader(examples: Tensor) -> Any:
    """What onnxruntime calibrates by: batches until they are through."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = ({INPUT: batch.numpy()} for batch in torch.split(examples, _BATCH))

        def get_next(self) -> dict[str, Any] | None:
            return next(self._batches, None)

    return Reader()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what onnxruntime's tools print and log to themselves."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
