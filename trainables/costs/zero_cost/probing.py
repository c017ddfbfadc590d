"""A network as zero-cost proxies see it: run with copies of its tensors, so that nothing of it changes.

`probing` sets the modes (batch normalisation by the batch's own statistics, as at the start of a training; dropout
and drop path off) and puts them back. Weights are matrices and kernels: biases and the scales of normalisations
are left out of every sum, as in Abdelfattah et al. 2021 (2101.08134).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from trainables.errors import TrainableError

__all__ = ["Tensors", "check_floating", "logits_of", "loss_gradients", "probing", "tensors_of", "weights_of"]

Tensors = dict[str, Tensor]
"""Parameters and buffers by the names that they have in the network."""


@contextmanager
def probing(network: nn.Module, *, batch_norm: bool = True) -> Iterator[None]:
    """The modes for proxies for a while, gradients recorded, then every module as it was.

    `batch_norm`: whether batch normalisation takes the statistics of the batch, which needs two inputs at least.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.training = batch_norm
    try:
        with torch.enable_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def tensors_of(network: nn.Module, change: Callable[[Tensor], Tensor] = torch.clone) -> Tensors:
    """Copies of the parameters, each changed by `change` and recording gradients, and of the buffers."""
    parameters = {name: change(value.detach()).requires_grad_() for name, value in network.named_parameters()}
    return parameters | {name: value.clone() for name, value in network.named_buffers()}


def weights_of(network: nn.Module, tensors: Tensors) -> list[Tensor]:
    """Those of `tensors` that are weights."""
    return [tensors[name] for name, value in network.named_parameters() if value.dim() > 1]


def logits_of(network: nn.Module, tensors: Tensors, images: Tensor) -> Tensor:
    """(n, classes), without those of auxiliary heads; `TrainableError` for another shape, and for NaN and infinity."""
    outputs = functional_call(network, tensors, (images,))
    logits = outputs[0] if isinstance(outputs, tuple) else outputs
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(images):
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise TrainableError(
            f"the network gives {shape} for {len(images)} inputs; zero-cost proxies need one row of logits for each, "
            "so use 'parameters' or 'macs', which any network has"
        )
    if not bool(torch.isfinite(logits).all()):
        raise TrainableError(
            "the untrained network gives NaN or infinite logits: its numbers overflow, and no proxy could be told from "
            "them; use 'parameters' or 'macs', or normalise its layers"
        )
    return logits


def loss_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """The gradient of the cross-entropy by each weight, as the network stands."""
    tensors = tensors_of(network)
    loss = functional.cross_entropy(logits_of(network, tensors, images), labels)
    return torch.autograd.grad(loss, weights_of(network, tensors), allow_unused=True, materialize_grads=True)


def check_floating(name: str, images: Tensor) -> None:
    """Refuse tokens, which have no derivative."""
    if not images.is_floating_point():
        raise TrainableError(
            f"{name} needs inputs that are numbers on a scale, these are {str(images.dtype).removeprefix('torch.')}, "
            "as tokens are; use 'parameters' or 'macs'"
        )
