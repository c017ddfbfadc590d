"""The format ONNX, by torch's exporter on `torch.export`, for any batch size."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision  # noqa: F401  # registers its operations
from torch import nn

from trainables.errors import TrainableError
from trainables.export.format import Format, Work
from trainables.export.naming import named_inputs, named_outputs
from trainables.export.program import arguments
from trainables.training.batches import Batch, called

__all__ = ["FORMAT", "ONNX", "check_packages", "silence", "write_onnx"]

ONNX = "model.onnx"
_LARGEST = 1024
"""The largest result, in numbers, that is computed in advance although it takes more room than its inputs."""
_ALL = 2**63 - 1
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_packages() -> None:
    """Check that the packages of this format are installed.

    Raises:
        TrainableError: a package is missing.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainableError(f"onnx needs {', '.join(missing)}, not installed here: pip install 'nas-tune[export]'")


def _translations() -> dict[Callable[..., object], Callable[..., object]]:
    """Operations of torchvision that torch's exporter does not translate rightly.

    Its `roi_pool` has the arguments of an earlier version. The second output, the places of the greatest values, is
    for training; another one takes its place here. Its `nms` takes float64 over, which ONNX does not compare.
    """
    from onnx import TensorProto
    from onnxscript import opset18

    opset: Any = opset18  # Its annotations know no constants.

    def roi_pool(features: Any, boxes: Any, spatial_scale: float, pooled_height: int, pooled_width: int) -> Any:
        pooled = opset.MaxRoiPool(
            features, boxes, pooled_shape=[pooled_height, pooled_width], spatial_scale=spatial_scale
        )
        return pooled, opset.Cast(pooled, to=TensorProto.INT32)

    def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
        some, sure = (opset.Cast(one, to=TensorProto.FLOAT) for one in (boxes, scores))
        # A row for each box that is kept: image, class and place.
        kept = opset.NonMaxSuppression(
            opset.Unsqueeze(some, [0]), opset.Unsqueeze(sure, [0, 1]), [_ALL], [iou_threshold]
        )
        return opset.Reshape(opset.Slice(kept, axes=[1], starts=[2], ends=[3]), [-1])

    return {torch.ops.torchvision.roi_pool.default: roi_pool, torch.ops.torchvision.nms.default: nms}


def write_onnx(network: nn.Module, inputs: Batch, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write one ONNX file with the weights in it.

    One input is called `input`, one output `output`; several have the names of `trainables.export.naming`.

    Args:
        network: the network, in evaluation mode.
        inputs: two examples as the network expects them, (2, ...).
        path: the file.
        metadata: metadata of the file (`get_modelmeta().custom_metadata_map` in onnxruntime).

    Raises:
        TrainableError: a package is missing, or torch's exporter returns nothing.
    """
    check_packages()
    from onnxscript.optimizer import optimize

    given = arguments(network, inputs)
    with silence(), torch.no_grad():
        names = list(named_outputs(called(network, inputs)))
        program = torch.onnx.export(
            network,
            given.by_place,
            kwargs=given.by_name or None,
            dynamo=True,
            input_names=list(named_inputs(network, inputs)),
            output_names=names,
            dynamic_shapes=given.shapes,
            optimize=False,
            verbose=False,
            custom_translation_table=_translations(),
        )
        if program is None:
            raise TrainableError("torch.onnx.export gave no program; try another format")
        # torch's own optimization stores results of up to 1 MB that follow from weights, such as the vectors between
        # all patches of a transformer. With this limit the file computes them and stays small.
        optimize(program.model, output_size_limit=_LARGEST)
        for node in program.model.graph.all_nodes():
            node.metadata_props.clear()  # source lines and paths of this machine, up to half of a small file
        program.model.metadata_props.update(metadata or {})
        program.save(path, external_data=False)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Hide the output and the warnings of torch's exporters.

    Yields:
        Nothing.
    """
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _write(work: Work, folder: Path) -> None:
    write_onnx(work.network, work.examples, folder / ONNX, work.metadata)


_LOADS = """
import onnxruntime
onnxruntime.set_default_logger_severity(3)
session = onnxruntime.InferenceSession(place, providers=["CPUExecutionProvider"])
def run(*values, **named):
    given = dict(zip([one.name for one in session.get_inputs()], values), **named)
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, given)))
"""

FORMAT = Format(
    files=(ONNX,),
    write=_write,
    loads=_LOADS,
    arrays=True,
    tolerance=1e-4,
    check=check_packages,
    shows=(
        'python -c \'import onnxruntime; s = onnxruntime.InferenceSession("model.onnx"); '
        "print(s.get_inputs()[0].shape)'"
    ),
)
