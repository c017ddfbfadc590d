"""Runs of a network for zero-cost proxies, with copies of its tensors, so that the network does not change.

`probing` sets the modes and restores them: batch normalisation uses the statistics of the batch, as at the start of a
training; dropout and drop path are off. Weights are matrices and kernels: no sum includes biases and the scales of
normalisations, as in Abdelfattah et al. 2021 (2101.08134).
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

__all__ = [
    "Loss",
    "Tensors",
    "check_floating",
    "copied_tensors",
    "logits_of",
    "loss_gradients",
    "probing",
    "weights_of",
]

Loss = Callable[[Tensor, Tensor], Tensor]
"""A function of logits and targets that returns a scalar."""
Tensors = dict[str, Tensor]
"""Parameters and buffers by their names in the network."""


@contextmanager
def probing(network: nn.Module, *, batch_norm: bool = True) -> Iterator[None]:
    """Set the modes for proxies and record gradients for the duration of a block, then restore each module's mode.

    Args:
        network: the network to run.
        batch_norm: whether batch normalisation uses the statistics of the batch, which needs at least two inputs; else
            it uses its running statistics.

    Yields:
        Nothing.
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


def copied_tensors(network: nn.Module, change: Callable[[Tensor], Tensor] = torch.clone) -> Tensors:
    """Copy the parameters and the buffers of a network.

    Args:
        network: the network.
        change: makes the copy of a parameter; default a plain copy.

    Returns:
        The copies by name; those of parameters require gradients.
    """
    parameters = {name: change(value.detach()).requires_grad_() for name, value in network.named_parameters()}
    return parameters | {name: value.clone() for name, value in network.named_buffers()}


def weights_of(network: nn.Module, tensors: Tensors) -> list[Tensor]:
    """Select the weights among copies of a network's tensors: the parameters of two or more dimensions.

    Args:
        network: the network.
        tensors: copies by `copied_tensors`.

    Returns:
        The copies of its weights.
    """
    return [tensors[name] for name, value in network.named_parameters() if value.dim() > 1]


def logits_of(network: nn.Module, tensors: Tensors, images: Tensor) -> Tensor:
    """Run a network with other tensors, without the logits of auxiliary heads.

    Args:
        network: the network; it is not changed.
        tensors: its parameters and buffers for this run.
        images: a batch of inputs (n, ...).

    Returns:
        Logits (n, classes).

    Raises:
        TrainableError: the output has another shape, or is not finite.
    """
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
            "the untrained network gives NaN or infinite logits: its numbers overflow, and no proxy can be computed "
            "from them; use 'parameters' or 'macs', or normalise its layers"
        )
    return logits


def loss_gradients(
    network: nn.Module, images: Tensor, labels: Tensor, loss: Loss = functional.cross_entropy
) -> tuple[Tensor, ...]:
    """Compute the gradient of the cross-entropy by each weight, with copies of the current tensors.

    Args:
        network: the network; it is not changed.
        images: a batch of inputs (n, ...).
        labels: their classes, (n,), or other targets.
        loss: a function of logits and targets that returns a scalar.

    Returns:
        One gradient for each weight, zeros where the loss does not depend on it.

    Raises:
        TrainableError: the logits are unusable (see `logits_of`).
    """
    tensors = copied_tensors(network)
    lost = loss(logits_of(network, tensors, images), labels)
    return torch.autograd.grad(lost, weights_of(network, tensors), allow_unused=True, materialize_grads=True)


def check_floating(name: str, images: Tensor) -> None:
    """Refuse inputs without a derivative, such as tokens.

    Args:
        name: the proxy, for the message.
        images: a batch of inputs.

    Raises:
        TrainableError: the inputs are not floating-point numbers.
    """
    if not images.is_floating_point():
        raise TrainableError(
            f"{name} needs inputs that are numbers on a scale, these are {str(images.dtype).removeprefix('torch.')}, "
            "as tokens are; use 'parameters' or 'macs'"
        )
