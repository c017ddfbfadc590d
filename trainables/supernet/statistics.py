"""The running statistics of batch normalisations, which belong to one mix of options and fit no other.

`still` keeps a forward in training from touching them, `recalibrated` fits them to the network as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["recalibrated", "still"]


@contextmanager
def still(module: nn.Module) -> Iterator[None]:
    """Inside, forwards in training normalise by their batch as ever and leave the statistics as they are."""
    tracking = [norm for norm in _norms(module) if norm.track_running_stats]
    for norm in tracking:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in tracking:
            norm.track_running_stats = True


@contextmanager
def recalibrated(module: nn.Module, run: Callable[[], object]) -> Iterator[None]:
    """Inside, the statistics are the plain means over the forwards that `run` makes, and the module evaluates.

    `run` is called once, without gradients, with the normalisations in training and all else in evaluation. After
    the block statistics and modes are those from before.
    """
    norms = [norm for norm in _norms(module) if norm.running_mean is not None]
    modes = [(part, part.training) for part in module.modules()]
    momenta = [norm.momentum for norm in norms]
    buffers = [buffer for norm in norms for buffer in norm.buffers(recurse=False)]
    before = [buffer.clone() for buffer in buffers]
    try:
        module.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.training = True
        with torch.no_grad():
            run()
        module.eval()
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for part, training in modes:
            part.training = training


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [part for part in module.modules() if isinstance(part, _BatchNorm)]
