"""The scale of outputs: a network that has learned standardized targets gives them in their own units."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, fx, nn

from trainables.export.deployed import Deployed
from trainables.export.naming import positional, with_names
from trainables.training.batches import called

__all__ = ["Scaled", "ScaledOutputs", "in_units"]


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


class ScaledOutputs(nn.Module):
    """Multiplies and shifts the outputs (n, k) of a network: `outputs * std + mean`.

    Args:
        mean: (k,).
        std: (k,).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs * self.std + self.mean


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
    dtype = next((one.dtype for one in network.parameters() if one.is_floating_point()), torch.float32)
    mean, std = (torch.tensor(one, dtype=dtype) for one in (deployed.output_mean, deployed.output_std))
    for layer in reversed([one for one in network.modules() if isinstance(one, nn.Linear)]):
        if layer.out_features == len(mean) and layer.bias is not None:
            _scale(layer, mean, std)
            if _are_equal(network, deployed, mean, std):
                return replace(deployed, network=network, is_scaled=True)
            break
    if isinstance(deployed.inputs, Tensor):
        return replace(
            deployed, network=Scaled(copy.deepcopy(deployed.network), mean, std).eval(), settings=None, is_scaled=True
        )
    graph = fx.Graph()
    values = [graph.placeholder(name) for name in deployed.named]
    given = positional(deployed.network, with_names(deployed.inputs, dict(zip(deployed.named, values, strict=True))))
    graph.output(graph.call_module("scale", (graph.call_module("network", given),)))
    whole = fx.GraphModule({"network": copy.deepcopy(deployed.network), "scale": ScaledOutputs(mean, std)}, graph)
    return replace(deployed, network=whole.eval(), settings=None, is_scaled=True)


@torch.no_grad()
def _scale(layer: nn.Linear, mean: Tensor, std: Tensor) -> None:
    layer.weight.mul_(std.to(layer.weight.dtype)[:, None])
    layer.bias.copy_(layer.bias * std + mean)


@torch.no_grad()
def _are_equal(network: nn.Module, deployed: Deployed, mean: Tensor, std: Tensor) -> bool:
    found, expected = called(network, deployed.inputs), called(deployed.network, deployed.inputs) * std + mean
    return bool((found - expected).abs().max() <= 1e-4 * expected.abs().max())
