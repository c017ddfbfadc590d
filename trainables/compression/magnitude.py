"""Magnitude pruning: the smallest weights of all layers together become zero, and stay zero while it trains on.

The network keeps its shape: it is not smaller as a file, nor faster, where nothing makes use of zeros.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from trainables.compression.tracing import used_parameters
from trainables.errors import TrainableError

__all__ = ["held_zeros", "pruned_weights"]

_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


def pruned_weights(network: nn.Module, inputs: Tensor, share: float) -> nn.Module:
    """A copy of `network` in which `share` of the weights of convolutions and linear layers are zero.

    They are the smallest by magnitude of all layers together (Han et al. 2015, 1506.02626). Biases and normalisations
    are left, and so is what the outputs do not depend on, such as heads that only training uses.

    Raises:
        TrainableError: the outputs depend on no such layer.
    """
    sparse = copy.deepcopy(network)
    used = {id(one) for one in used_parameters(sparse, inputs)}
    places = [(one, "weight") for one in sparse.modules() if isinstance(one, _LAYERS) and id(one.weight) in used]
    if not places:
        raise TrainableError(
            f"method magnitude cannot prune this {type(network).__name__}: its outputs depend on no convolution and no "
            "linear layer (the weights of recurrent cells lie outside of layers); quantize it instead"
        )
    prune.global_unstructured(places, pruning_method=prune.L1Unstructured, amount=share)
    for module, name in places:
        prune.remove(module, name)  # type: ignore[no-untyped-call]
    return sparse


@contextmanager
def held_zeros(network: nn.Module) -> Iterator[None]:
    """Inside, the weights that are zero now stay zero, whatever trains `network`."""
    layers = [one for one in network.modules() if isinstance(one, _LAYERS) and bool((one.weight == 0).any())]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", _Masked(layer.weight != 0))
    try:
        yield
    finally:
        for layer in layers:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


class _Masked(nn.Module):
    """Weights times ones and zeros."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.mask: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        return torch.where(self.mask, weight, torch.zeros((), dtype=weight.dtype, device=weight.device))
