"""Post-training quantization to int8 by onnxruntime: weights per channel, activations by the ranges in examples.

The file expresses quantization by QuantizeLinear and DequantizeLinear nodes (QDQ), which other engines read, too.
Weights are signed and activations unsigned 8-bit numbers: of the combinations that engines support, the faster one on
x86. Weights use 7 of their 8 bits: processors without VNNI saturate sums of two products (on one, the outputs of a
small nb201 network were off by seven times as much), so that one file would give other results on another machine.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from trainables.drafts import draft_folder
from trainables.errors import TrainableError, first_line
from trainables.export.naming import INPUT
from trainables.training.batches import Batch

__all__ = ["QUANTIZATIONS", "quantized"]

QUANTIZATIONS = ("int8",)
_BATCH = 32
_NORMALISING = ("Sub", "Div", "Mul", "Add")
_FOLDED = 50_000
"""Bytes by which a file may grow during preparation, for the shapes that are written into it."""
_FLOAT_ONLY = "BatchNormalization"
"""No engine computes it in int8: if it is not part of a convolution, quantization would only round its values."""


def quantized(source: Path, target: Path, examples: Batch) -> None:
    """Quantize the weights and activations of an ONNX file to int8.

    Args:
        source: the ONNX file to quantize.
        target: the file to write.
        examples: inputs (n, ...) as the file expects them, a tensor or a dict of tensors by name; the smallest and
            greatest values to which they lead are the ranges.

    Raises:
        TrainableError: onnxruntime cannot quantize the file.
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with draft_folder(target.parent, "int8") as aside, _silence():
        prepared = aside / "prepared.onnx"
        try:
            quant_pre_process(source, prepared, skip_symbolic_shape=True)
            if prepared.stat().st_size > source.stat().st_size + _FOLDED:
                # The optimizer replaces what depends on no input by constants: relative positions become large tables.
                quant_pre_process(source, prepared, skip_symbolic_shape=True, skip_optimization=True)
            graph = onnx.load(prepared).graph
            nodes, given = graph.node, [one.name for one in graph.input]
            quantization.quantize_static(
                prepared,
                target,
                _reader(examples),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                nodes_to_exclude=[
                    *(node.name for node in nodes if node.op_type == _FLOAT_ONLY),
                    *_normalising_inputs(nodes, given),
                ],
            )
            _copy_metadata(target, onnx.load(source))
        except (RuntimeError, ValueError, NotImplementedError, KeyError) as error:
            raise TrainableError(
                f"onnxruntime cannot quantize this network: {first_line(error)}; leave int8 out"
            ) from error


def _normalising_inputs(nodes: Iterable[Any], inputs: Iterable[str]) -> Iterator[str]:
    """Yield the names of the nodes that normalise the inputs: quantized, they would round the inputs twice."""
    reached = set(inputs)
    for node in nodes:
        if node.op_type in _NORMALISING and reached.intersection(node.input):
            reached.update(node.output)
            yield node.name


def _copy_metadata(target: Path, source: Any) -> None:
    """Copy the metadata of the source model that the target file lacks into the target file."""
    import onnx

    model = onnx.load(target)
    own = {entry.key for entry in model.metadata_props}
    model.metadata_props.extend(entry for entry in source.metadata_props if entry.key not in own)
    onnx.save(model, target)


def _reader(examples: Batch) -> Any:
    """Return the examples in batches, in the form that onnxruntime's calibration takes."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = self._split(examples if isinstance(examples, dict) else {INPUT: examples})

        def get_next(self) -> dict[str, Any] | None:
            return next(self._batches, None)

        def _split(self, named: dict[str, torch.Tensor]) -> Iterator[dict[str, Any]]:
            parts = [torch.split(tensor, _BATCH) for tensor in named.values()]
            for batch in zip(*parts, strict=True):
                yield {name: one.numpy() for name, one in zip(named, batch, strict=True)}

    return Reader()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress what onnxruntime's tools print and log."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
