"""Whether the output of a network depends on its input: a cell of zeros and cut edges may give a constant.

It is found without arithmetic: on the meta device, gradients are traced from the output back to the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainables.training.batches import Batch, called, mapped

__all__ = ["depends_on_input"]


def depends_on_input(network: nn.Module, example: Batch) -> bool:
    """Check whether a path of operations leads from an input of a network to an output of it.

    Args:
        network: on the meta device.
        example: the inputs of one example, on any device.

    Returns:
        False where no path does. True where one does, and where nothing can be traced: inputs that are no real numbers,
        such as tokens, or a network that cannot run on the meta device.
    """
    given = mapped(lambda tensor: tensor.detach().to("meta"), example)
    inputs = [tensor for tensor in _tensors(given) if tensor.is_floating_point()]
    if not inputs:
        return True
    for tensor in inputs:
        tensor.requires_grad_(True)
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            outputs = called(network, given)
    except (RuntimeError, NotImplementedError):
        return True
    return any(tensor.requires_grad for tensor in _tensors(outputs))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _of_all(value.values())
    elif isinstance(value, tuple | list):
        yield from _of_all(value)


def _of_all(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        yield from _tensors(value)
