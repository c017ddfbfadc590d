"""The normalisation of inputs as a part of the network, and the metadata about inputs and outputs."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn

from trainables.export.deployed import Deployed

__all__ = ["Standardized", "described_inputs", "described_outputs", "metadata", "raw_of", "standardized"]


class Standardized(nn.Module):
    """A network for raw inputs (n, channels, ...): it is given `(raw - mean) / std`.

    Args:
        network: the network for standardized inputs.
        mean: (1, channels, 1, ..), of the raw inputs.
        std: (1, channels, 1, ..), of the raw inputs.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, raw: Tensor) -> Any:
        return self.network((raw - self.mean) / self.std)


def standardized(deployed: Deployed) -> nn.Module:
    """Put the standardization of the inputs into a network.

    Args:
        deployed: the network, with mean and deviation of its raw inputs.

    Returns:
        The network for raw inputs of the same dtype, in evaluation mode.
    """
    return Standardized(deployed.network, *_statistics(deployed)).eval()


def raw_of(deployed: Deployed, inputs: Tensor) -> Tensor:
    """Invert the standardization of inputs.

    Args:
        deployed: the network, with mean and deviation of its raw inputs.
        inputs: (n, ...), standardized.

    Returns:
        (n, ...), raw, but for rounding.
    """
    mean, std = _statistics(deployed)
    return inputs * std + mean


def _statistics(deployed: Deployed) -> tuple[Tensor, Tensor]:
    shape = (1, -1, *[1] * (deployed.inputs.dim() - 2))
    mean, std = (torch.tensor(one, dtype=deployed.inputs.dtype).view(shape) for one in (deployed.mean, deployed.std))
    return mean, std


def described_inputs(deployed: Deployed, *, raw: bool) -> str:
    """Describe the inputs of a file for a person.

    Args:
        deployed: the network.
        raw: whether the file takes raw inputs.

    Returns:
        Dtype, shape and scale, in words.
    """
    kind = str(deployed.inputs.dtype).removeprefix("torch.")
    shape = ", ".join(["n", *map(str, deployed.inputs.shape[1:])])
    if not deployed.standardizes:
        return f"{kind} of shape ({shape}), as the network expects them"
    if not raw:
        return f"{kind} of shape ({shape}), standardized: (raw - mean) / std"
    known = []
    if deployed.raw_dtype:
        known.append(f"{deployed.raw_dtype} in the data")
    if deployed.raw_range:
        low, high = (f"{one:g}" for one in deployed.raw_range)
        known.append(f"{low} to {high} in its training images")
    said = f" ({', '.join(known)})" if known else ""
    return f"{kind} of shape ({shape}), raw: with the values that the data set has{said}, unscaled"


def described_outputs(deployed: Deployed) -> str:
    """Describe the outputs of a file for a person.

    Args:
        deployed: the network.

    Returns:
        What each number means, in words; empty where it is not known.
    """
    if deployed.classes:
        return "one number for each class, before softmax"
    if not deployed.output_mean:
        return ""
    if deployed.is_scaled:
        return "the targets in their own units"
    return "standardized targets: output * output_std + output_mean is in the units of the targets"


def metadata(deployed: Deployed, identifier: str, *, raw: bool) -> dict[str, str]:
    """Collect the metadata of a file.

    Args:
        deployed: the network.
        identifier: the canonical id of the architecture.
        raw: whether the file takes raw inputs.

    Returns:
        The texts by name; lists are JSON, and empty entries are left out.
    """
    said: dict[str, Any] = {
        "input": described_inputs(deployed, raw=raw),
        "normalization": _normalization(deployed, raw=raw),
        "mean": list(deployed.mean),
        "std": list(deployed.std),
        "raw_dtype": deployed.raw_dtype,
        "raw_range": list(deployed.raw_range),
        "output": described_outputs(deployed),
        "output_mean": [] if deployed.is_scaled else list(deployed.output_mean),
        "output_std": [] if deployed.is_scaled else list(deployed.output_std),
        "classes": list(deployed.classes),
        "data": deployed.data,
        "space": deployed.space,
        "architecture_id": identifier,
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in said.items()
        if value
    }


def _normalization(deployed: Deployed, *, raw: bool) -> str:
    if not deployed.standardizes:
        return "none"
    return "inside: give raw inputs" if raw else "outside: give (raw - mean) / std"
