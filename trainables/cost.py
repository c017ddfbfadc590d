"""What a network costs: parameters, multiply-accumulates of one image, bytes of its weights.

Counted on the meta device: no arithmetic is done, the network is not copied and stays as it is. Operations
that torch's `FlopCounterMode` does not know (normalisation, activations, pooling, sums) count as nothing, as
the papers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["Cost", "cost_of"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Numbers of one network.

    Attributes:
        parameters: trainable numbers.
        macs: multiply-accumulates of convolutions and matrix products for one image.
        model_bytes: bytes of parameters and buffers.
    """

    parameters: int
    macs: int
    model_bytes: int


def cost_of(network: nn.Module, image_shape: tuple[int, int, int]) -> Cost:
    """The cost of `network` for one image of `image_shape` (channels, height, width)."""
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(parameters, _macs(network, tensors, image_shape), size)


def _macs(network: nn.Module, tensors: dict[str, torch.Tensor], image_shape: tuple[int, int, int]) -> int:
    shadows = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    image = torch.empty((1, *image_shape), device="meta")
    counter = FlopCounterMode(display=False)
    with _evaluating(network), torch.no_grad(), counter:
        functional_call(network, shadows, (image,))
    return int(counter.get_total_flops()) // 2


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while, then every module as it was."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
