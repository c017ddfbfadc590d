"""The scale of outputs: a network that has learned standardized targets gives them in their own units."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainables.export.deployed import Deployed

__all__ = ["Scaled", "in_units"]


class Scaled(nn.Module):
    """A network whose outputs are multiplied and shifted: `network(inputs) * std + mean`.

    Args:
        network: maps inputs to outputs (n, k).
        mean: (k,).
        std: (k,).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs) * self.std + self.mean
        return outputs


def in_units(deployed: Deployed) -> Deployed:
    """Let a network give targets in their own units.

    Where the last layer is linear, its weights take the scale in, and the network stays one of its space. Otherwise the
    scale is a layer of its own.

    Args:
        deployed: the network, on the CPU, with the mean and deviation of its targets; others are returned as they are.

    Returns:
        The same with a copy of the network. `trainables.build` cannot make one with a layer of its own.
    """
    if not deployed.output_mean or deployed.is_scaled:
        return deployed
    network = copy.deepcopy(deployed.network)
    mean, std = (torch.tensor(one, dtype=deployed.inputs.dtype) for one in (deployed.output_mean, deployed.output_std))
    wanted = Scaled(deployed.network, mean, std).eval()
    for layer in reversed([one for one in network.modules() if isinstance(one, nn.Linear)]):
        if layer.out_features == len(mean) and layer.bias is not None:
            _scale(layer, mean, std)
            if _are_equal(network, wanted, deployed.inputs):
                return replace(deployed, network=network, is_scaled=True)
            break
    return replace(deployed, network=copy.deepcopy(wanted), settings=None, is_scaled=True)


@torch.no_grad()
def _scale(layer: nn.Linear, mean: Tensor, std: Tensor) -> None:
    layer.weight.mul_(std.to(layer.weight.dtype)[:, None])
    layer.bias.copy_(layer.bias * std + mean)


@torch.no_grad()
def _are_equal(network: nn.Module, wanted: nn.Module, inputs: Tensor) -> bool:
    found, expected = network(inputs), wanted(inputs)
    return bool((found - expected).abs().max() <= 1e-4 * expected.abs().max())
