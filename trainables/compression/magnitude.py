"""Magnitude pruning: the smallest weights of all layers together become zero, and stay zero in further training.

The network keeps its shape: its file is not smaller, and it is not faster unless an engine makes use of zeros.
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
from trainables.training.batches import Batch

__all__ = ["held_zeros", "pruned_weights"]

_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


def pruned_weights(network: nn.Module, inputs: Batch, share: float) -> nn.Module:
    """Set the smallest weights of convolutions and linear layers to zero, in a copy of a network.

    The weights of all layers are ranked together (Han et al. 2015, 1506.02626). Biases, normalisations and layers on
    which the outputs do not depend, such as heads for training only, keep their values.

    Args:
        network: a network on the CPU, in evaluation mode; it is not changed.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.
        share: the share of the weights to set to zero, above 0 and below 1.

    Returns:
        The pruned copy.

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
    """Keep the weights at zero that are zero at the beginning of a block, while the network trains in it.

    Args:
        network: a network pruned by `pruned_weights`.

    Yields:
        Nothing.
    """
    layers = []
    for one in network.modules():
        if isinstance(one, _LAYERS) and bool((one.weight == 0).any()):
            layers.append(one)
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", _Masked(layer.weight != 0))
    try:
        yield
    finally:
        for layer in layers:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


class _Masked(nn.Module):
    """A parametrization that sets the weights outside a mask to zero."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.mask: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        return torch.where(self.mask, weight, torch.zeros((), dtype=weight.dtype, device=weight.device))
