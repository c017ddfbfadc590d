"""The running statistics of batch normalisations, which are valid for one mix of options only.

`frozen_statistics` prevents forwards in training from changing them; `recalibrated` computes them for the current mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["frozen_statistics", "recalibrated"]


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Keep the running statistics constant for the duration of a block; forwards in training normalise by their batch.

    Args:
        module: the module whose normalisations are affected.

    Yields:
        Nothing.
    """
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
    """Set the running statistics to the plain means over some forwards for the duration of a block, in evaluation mode.

    After the block, statistics and modes are those from before.

    Args:
        module: the module.
        run: makes the forwards; called once, without gradients, with the normalisations in training mode and all other
            modules in evaluation mode.

    Yields:
        Nothing.
    """
    norms = [norm for norm in _norms(module) if norm.running_mean is not None]
    modes = [(part, part.training) for part in module.modules()]
    momenta = [norm.momentum for norm in norms]
    buffers: list[Tensor] = []
    for norm in norms:
        buffers += norm.buffers(recurse=False)
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
