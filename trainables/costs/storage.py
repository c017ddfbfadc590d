"""The bytes that the weights of a network take where they are kept, by their precision.

In int8 a kernel or matrix takes one byte for each weight. Each of its outputs adds a bias (int32) and a scale
(float32). A batch normalisation is part of the layer before it, and takes nothing. All other weights, such as those of
a layer normalisation, stay float32. For a microcontroller this is what the network takes of the flash; the code of the
engine comes to it, which its maker tells, and `trainables.costs.liveness.peak_memory` in int8 is the part of the SRAM.
"""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainables.costs.liveness import WIDTHS

__all__ = ["stored_bytes"]

_PER_OUTPUT = 4 + 4
"""Bytes of a bias in int32 and a scale in float32."""


def stored_bytes(network: nn.Module, precision: str = "float32") -> int:
    """Count the bytes of the weights and buffers of a network.

    Args:
        network: the network, on any device.
        precision: a key of `trainables.costs.liveness.WIDTHS`.

    Returns:
        The bytes. Weights that several layers share count once.
    """
    if precision == "int8":
        return _quantized(network)
    total = 0
    for tensor in (*network.parameters(), *network.buffers()):
        width = WIDTHS[precision] if tensor.is_floating_point() else tensor.element_size()
        total += tensor.numel() * min(width, tensor.element_size())
    return total


def _quantized(network: nn.Module) -> int:
    total, seen = 0, set[int]()
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            continue
        own = {name: one for name, one in module.named_parameters(recurse=False) if id(one) not in seen}
        seen.update(map(id, own.values()))
        kernels = {name: one for name, one in own.items() if one.dim() > 1}
        for name, one in own.items():
            if name in kernels:
                total += one.numel() + _PER_OUTPUT * _outputs(module, one.shape[0])
            elif not kernels or "bias" not in name:
                total += 4 * one.numel()
        total += sum(one.numel() * one.element_size() for one in module.buffers(recurse=False))
    return total


def _outputs(module: nn.Module, rows: int) -> int:
    """How many outputs of a kernel have a bias and a scale of their own; a table of embeddings has one scale."""
    if isinstance(module, nn.Embedding):
        return 1
    return int(getattr(module, "out_channels", rows))
