"""The ONNX file of a network for a measurement: written in a tenth of a second, for one batch size.

`trainables.export.onnx` writes the file that a user ships; it takes seconds, which is too long where many networks are
measured. Here torch's older exporter, which traces, writes the file, and the newer one only what the older one cannot.
After the optimisations of onnxruntime the two run equally fast (`tests/benchmarks/hardware.py`).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables.export.naming import named_inputs
from trainables.export.onnx import check_packages, silence, write_onnx
from trainables.training.batches import Batch, called, length, mapped, with_length

__all__ = ["write_graph"]

_STDOUT = 1
"""The descriptor of the standard output of a process."""


def write_graph(network: nn.Module, inputs: Batch, path: Path) -> None:
    """Write the ONNX file of a network for a measurement.

    Args:
        network: the network, in evaluation mode and on the CPU.
        inputs: one batch as the network expects it, (n, ...). The file takes batches of this size, or of any.
        path: the file.

    Raises:
        TrainableError: a package is missing.
        Exception: what torch's exporters raise for a network that they cannot export.
    """
    check_packages()
    names = list(named_inputs(network, inputs))
    tensors = tuple(named_inputs(network, inputs).values())
    try:
        with silence(), _silent_descriptor(), torch.no_grad():
            flat = _Flat(network, inputs).train(network.training)  # torch gives every module this mode afterwards
            torch.onnx.export(flat, tensors, path, input_names=names, dynamo=False, verbose=False)
    except (RuntimeError, TypeError, ValueError):
        # An operation that the older exporter does not know, or a forward that cannot be traced.
        two = with_length(inputs, max(2, length(inputs)))
        write_onnx(network, two, path)


@contextlib.contextmanager
def _silent_descriptor() -> Iterator[None]:
    """Hide what C++ writes to the standard output: for a network that it cannot export, the older exporter prints the
    whole graph there, past Python and whatever its settings are.
    """
    sys.stdout.flush()
    try:
        kept = os.dup(_STDOUT)
    except OSError:  # the process has no standard output
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), _STDOUT)
            yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)


class _Flat(nn.Module):
    """A network that takes its inputs by position, whatever form its batches have, and returns a tuple of tensors."""

    def __init__(self, network: nn.Module, inputs: Batch) -> None:
        super().__init__()
        self.network, self._form = network, inputs

    def forward(self, *tensors: Tensor) -> Any:
        given = iter(tensors)
        return called(self.network, mapped(lambda _: next(given), self._form))
