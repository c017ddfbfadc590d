"""Losses and metrics as a user writes them, in a module file."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

__all__ = ["double_error", "error", "hits", "nothing", "rows"]


def error(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).abs().mean()


def double_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return 2 * functional.l1_loss(outputs, targets)


def hits(outputs: Tensor, targets: Tensor) -> float:
    return float((outputs.argmax(-1) == targets).double().mean())


def rows(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).abs().flatten()


def nothing(outputs: Tensor, targets: Tensor) -> Tensor:
    raise KeyError("no such thing")
