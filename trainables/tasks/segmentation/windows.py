"""Evaluation of large scans in windows that overlap by half, whose outputs are averaged."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.volumes.scans import starts_of

__all__ = ["in_windows"]

_WIDTH = 8.0
"""The side of a window by the deviation of the bell by which its outputs are weighed (as in nnU-Net, 1809.10486)."""


def in_windows(run: Callable[[Tensor], Tensor], inputs: Tensor, window: Sequence[int]) -> Tensor:
    """Run a network on windows of scans, and average what it returns where windows overlap.

    The middle of a window counts most. Scans that are smaller than a window are padded by their least value, and the
    outputs are cut.

    Args:
        run: maps (n, c, *window) to (n, classes, *window).
        inputs: (n, c, ...), scans.
        window: the sides of a window.

    Returns:
        (n, classes, ...), with the sides of the scans.
    """
    sides = inputs.shape[2:]
    missing = [max(0, one - side) for one, side in zip(window, sides, strict=True)]
    padded = _padded(inputs, missing)
    if padded.shape[2:] == tuple(window):
        return _cut(run(padded), missing, sides)
    weight = _bell(window, inputs.device)
    norm = torch.zeros(padded.shape[2:], device=inputs.device)
    total = torch.zeros(0)
    corners = itertools.product(*(starts_of(side, one) for side, one in zip(padded.shape[2:], window, strict=True)))
    for number, corner in enumerate(corners):
        place = tuple(slice(start, start + side) for start, side in zip(corner, window, strict=True))
        answer = run(padded[(slice(None), slice(None), *place)].contiguous()).float()
        if not number:
            total = torch.zeros((*answer.shape[:2], *padded.shape[2:]), device=answer.device)
        # Added at once: windows overlap by half, so that all answers together have up to eight times the positions.
        total[(slice(None), slice(None), *place)] += answer * weight
        norm[place] += weight
    return _cut(total.div_(norm), missing, sides)


def _padded(inputs: Tensor, missing: Sequence[int]) -> Tensor:
    if not any(missing):
        return inputs
    around: list[int] = []
    for one in reversed(missing):
        around += [one // 2, one - one // 2]
    least = inputs.amin()
    return functional.pad(inputs - least, around) + least


def _cut(outputs: Tensor, missing: Sequence[int], sides: Sequence[int]) -> Tensor:
    for axis, (one, side) in enumerate(zip(missing, sides, strict=True), 2):
        if one:
            outputs = outputs.narrow(axis, one // 2, side)
    return outputs


def _bell(window: Sequence[int], device: torch.device) -> Tensor:
    """The weight of each position of a window, at least a thousandth of the greatest."""
    weight = torch.ones(tuple(window), device=device)
    for axis, side in enumerate(window):
        offset = (torch.arange(side, device=device) - (side - 1) / 2) / (side / _WIDTH)
        shape = [1] * len(window)
        shape[axis] = side
        weight = weight * torch.exp(-0.5 * offset.square()).view(shape)
    return (weight / weight.max()).clamp(min=1e-3)
