"""Where a training runs: the device of a setting, chosen when a training begins and not before."""

from __future__ import annotations

import torch
from torch import nn

from trainables.errors import DeviceError, TrainableError
from trainables.training.batches import laid_out

__all__ = ["check_device", "device_of", "layout_of", "placed"]

_OF_VOLUMES = 5
"""Dimensions of the weights of a convolution of volumes."""
_VECTOR = 16
"""Floats in the widest vector of a CPU (AVX-512)."""


def check_device(name: object) -> None:
    """Refuse what is not a device at all, without asking the machine.

    Args:
        name: "auto", or what `torch.device` takes.

    Raises:
        TrainableError: it is neither.
    """
    if name == "auto":
        return
    try:
        torch.device(name)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as error:
        raise TrainableError(f"device is {name!r}; it must be auto, cpu, cuda, cuda:<number> or mps") from error


def device_of(name: str) -> torch.device:
    """Find a device on this machine.

    Args:
        name: "auto" for the first visible CUDA GPU, else the CPU; or a torch device.

    Returns:
        The device.

    Raises:
        DeviceError: this machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"device is {name!r}, and there are {torch.cuda.device_count()} CUDA GPUs here; give cpu or auto"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(f"device is {name!r}, and torch sees no such GPU here; give cpu or auto")
    return device


def layout_of(network: nn.Module, device: torch.device) -> torch.memory_format:
    """How the weights and images of `network` are laid out in memory while it trains: channels last, the faster one, if
    it may.

    oneDNN 3.13, which torch 2.15 has, writes past a buffer in the weight gradient of a strided 1x1 convolution of
    channels-last images with fewer channels than a vector holds (uxlfoundation/oneDNN issue 6035): gradients are
    wrong, or the process dies. A network with such a convolution is laid out in the usual way on a CPU.

    Args:
        network: the network to train.
        device: where it trains.

    Returns:
        `torch.channels_last` where that is safe, else `torch.contiguous_format`.
    """
    if device.type == "cpu" and any(_is_unsafe(module) for module in network.modules()):
        return torch.contiguous_format
    return torch.channels_last


def placed(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to a device, in the layout that it trains in.

    Args:
        network: the network; it is changed in place.
        device: where it trains.

    Returns:
        The network itself.
    """
    layout = layout_of(network, device)
    if any(weight.dim() == _OF_VOLUMES for weight in network.parameters()):
        network.to(device)
        for weight in network.parameters():
            weight.data = laid_out(weight.data, layout)
        return network
    moved: nn.Module = network.to(device, memory_format=layout)  # type: ignore[call-overload]
    return moved


def _is_unsafe(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d | nn.Conv3d) or {*module.kernel_size} != {1} or {*module.stride} == {1}:
        return False
    return module.in_channels // module.groups < _VECTOR
