"""Batches of inputs, targets and outputs: a tensor, a tuple of tensors, or a dict of tensors by name.

Dimension 0 of each tensor counts the examples. A network gets the tensors of a tuple as its arguments, and those of a
dict as its keyword arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

__all__ = ["OF_VOLUMES", "Batch", "called", "laid_out", "length", "mapped", "tensors_of", "with_length"]

Batch: TypeAlias = Any
"""A tensor, a tuple of tensors, or a dict of tensors by name; `Any`, so that a task may declare which of them."""


OF_VOLUMES = {torch.channels_last: torch.channels_last_3d}
"""The memory format of volumes by that of images, where they differ."""


def mapped(function: Callable[[Tensor], Tensor], batch: Batch) -> Batch:
    """Apply a function to each tensor of a batch.

    Args:
        function: a function of one tensor.
        batch: the batch.

    Returns:
        A batch of the same form with the results.
    """
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, dict):
        return {name: mapped(function, part) for name, part in batch.items()}
    return tuple(mapped(function, part) for part in batch)


def tensors_of(batch: Batch) -> list[Tensor]:
    """List the tensors of a batch.

    Args:
        batch: the batch.

    Returns:
        Its tensors, in the order of a tuple or dict.
    """
    if isinstance(batch, Tensor):
        return [batch]
    parts = batch.values() if isinstance(batch, dict) else batch
    found: list[Tensor] = []
    for part in parts:
        found.extend(tensors_of(part))
    return found


def length(batch: Batch) -> int:
    """Count the examples of a batch.

    Args:
        batch: a batch with at least one tensor.

    Returns:
        The length of dimension 0 of its first tensor.
    """
    while not isinstance(batch, Tensor):
        batch = next(iter(batch.values() if isinstance(batch, dict) else batch))
    return len(batch)


def with_length(batch: Batch, count: int) -> Batch:
    """Take the first examples of a batch, and its examples again where it has too few.

    Args:
        batch: a batch of at least one example.
        count: the number of examples.

    Returns:
        A batch of the same form with `count` examples.
    """
    rows = torch.arange(count) % length(batch)
    return mapped(lambda tensor: tensor.index_select(0, rows.to(tensor.device)), batch)


def called(network: Callable[..., Batch], inputs: Batch) -> Batch:
    """Run a network on a batch.

    Args:
        network: a module, or another function of tensors.
        inputs: a tensor, a tuple for several arguments, or a dict for keyword arguments.

    Returns:
        The outputs.
    """
    if isinstance(inputs, Tensor):
        return network(inputs)
    return network(**inputs) if isinstance(inputs, dict) else network(*inputs)


def laid_out(batch: Batch, layout: torch.memory_format) -> Batch:
    """Lay out images and volumes in memory; other tensors stay as they are.

    Args:
        batch: tensors; those with four dimensions are images (n, c, h, w), with five volumes (n, c, d, h, w).
        layout: the memory format of images; volumes have the one that corresponds to it.

    Returns:
        A batch of the same values.
    """
    formats = {4: layout, 5: OF_VOLUMES.get(layout, layout)}

    def one(tensor: Tensor) -> Tensor:
        return tensor.contiguous(memory_format=formats[tensor.dim()]) if tensor.dim() in formats else tensor

    return mapped(one, batch)
