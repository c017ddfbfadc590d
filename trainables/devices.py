"""Where a training runs: the device of a setting, chosen when a training begins and not before."""

from __future__ import annotations

import torch

from trainables.errors import TrainableError

__all__ = ["check_device", "device_of"]


def check_device(name: object) -> None:
    """Refuse what is no device at all, without asking the machine."""
    if name == "auto":
        return
    try:
        torch.device(name)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as error:
        raise TrainableError(f"device is {name!r}; it must be auto, cpu, cuda, cuda:<number> or mps") from error


def device_of(name: str) -> torch.device:
    """The device called `name` on this machine; "auto" is the first visible CUDA GPU, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainableError(
            f"device is {name!r}, and there are {torch.cuda.device_count()} CUDA GPUs here; give cpu or auto"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainableError(f"device is {name!r}, and torch sees no such GPU here; give cpu or auto")
    return device
