"""The counted costs of a subject, as a device has them: in its precision, with the memory that its engine plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from trainables.costs.cost import cost_of
from trainables.costs.liveness import peak_memory
from trainables.costs.storage import stored_bytes
from trainables.errors import TrainableError
from trainables.hardware.device import Device
from trainables.hardware.engines import Subject
from trainables.training.batches import Batch, with_length

__all__ = ["COUNTED", "counted_of"]

_EAGER = ("torch", "cuda")
"""Engines that compute as PyTorch does, and plan no memory."""

_COUNTS: dict[str, Callable[[nn.Module, Batch, Device], int]] = {
    "parameters": lambda network, one, device: cost_of(network, one).parameters,
    "macs": lambda network, one, device: cost_of(network, one).macs,
    "size": lambda network, one, device: stored_bytes(network, device.precision),
    "peak_memory": lambda network, one, device: peak_memory(
        network, one, device.precision, eager=device.engine in _EAGER
    ),
    "flash": lambda network, one, device: stored_bytes(network, "int8"),
    "sram": lambda network, one, device: peak_memory(network, one, "int8"),
}


COUNTED = tuple(_COUNTS)
"""The quantities that are counted from a network."""


def counted_of(subject: Subject, quantities: Sequence[str], device: Device) -> dict[str, float]:
    """Count costs of a subject.

    Args:
        subject: makes a network; a file cannot be counted.
        quantities: names of counted quantities; none for nothing.
        device: its precision and engine decide `size` and `peak_memory`.

    Returns:
        Each value by the name of its quantity, in its kept unit.

    Raises:
        TrainableError: the subject is a file.
    """
    if not quantities:
        return {}
    if isinstance(subject, Path):
        raise TrainableError(f"{', '.join(quantities)} of an ONNX file is not counted; give the network, or the run")
    network, inputs = subject()
    one = with_length(inputs, 1)
    return {name: float(_COUNTS[name](network, one, device)) for name in quantities}
