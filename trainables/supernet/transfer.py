"""Transfer of a trained supernet to other images: the weights are copied, the head is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainables.errors import CheckpointError
from trainables.supernet.supernet import Supernet

__all__ = ["heads", "take_over"]

_MODULE, _METHOD = "module.", "method."


@torch.no_grad()
def take_over(supernet: Supernet, weights: dict[str, Tensor], where: object) -> None:
    """Copy the weights and running statistics of another supernet, except those of its heads.

    The architecture parameters are copied, too, if both methods have the same ones.

    Args:
        supernet: the supernet to change; its heads keep their weights.
        weights: the state dict of the other supernet.
        where: the origin of the weights, for the message.

    Raises:
        CheckpointError: other weights than those of heads are missing or differ in shape; then nothing has changed.
    """
    fresh = {f"{_MODULE}{name}." for name in heads(supernet.module)}
    mine = {name: value for name, value in supernet.state_dict().items() if isinstance(value, Tensor)}
    kept = {name: value for name, value in mine.items() if name.startswith(_MODULE) and not _is_in(name, fresh)}
    theirs = {name for name in weights if name.startswith(_MODULE) and not _is_in(name, fresh)}
    wrong = [*_differing(kept, weights), *(f"{name} is not in this one" for name in sorted(theirs - kept.keys()))]
    if wrong:
        raise CheckpointError(
            f"{where} is of another supernet: {'; '.join(wrong[:2])}; build both with the same space and network"
        )
    learned = {name: value for name, value in mine.items() if name.startswith(_METHOD)}
    if not list(_differing(learned, weights)):
        kept |= learned
    for name, value in kept.items():
        value.copy_(weights[name])


def heads(module: nn.Module) -> Iterator[str]:
    """Find the linear layers that compute the logits: those named classifier or inside such a module, else the last.

    Args:
        module: a network.

    Returns:
        The names of these layers.
    """
    linear = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    named = [name for name in linear if "classifier" in name.split(".")]
    return iter(named or linear[-1:])


def _differing(mine: dict[str, Tensor], theirs: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each tensor that is missing or has another shape."""
    for name, value in mine.items():
        if name not in theirs:
            yield f"{name} is not in that one"
        elif theirs[name].shape != value.shape:
            yield f"{name} has the shape {tuple(value.shape)} here and {tuple(theirs[name].shape)} there"


def _is_in(name: str, places: set[str]) -> bool:
    return any(name.startswith(place) for place in places)
