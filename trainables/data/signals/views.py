"""Random changes of signals while a network trains: shifts in time, noise, and masked spans. Never a reversal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.settings import check_number

__all__ = ["SignalViews"]

_DEFAULTS = {"shift": 0.1, "noise": 0.02, "mask": 0.1}
"""Of a classification; the targets of other tasks may depend on when something happens."""


@dataclass(frozen=True)
class SignalViews:
    """How signals are changed at random while the network trains.

    None is 0.1, 0.02 and 0.1 for a classification, and 0 elsewhere.
    """

    shift: float | None = None
    """The greatest shift in time, as a share of the length; what is left free is the mean of the channel."""
    noise: float | None = None
    """The greatest deviation of normally distributed noise, as a share of that of the channel."""
    mask: float | None = None
    """The greatest share of the length that is set to the mean of the channel."""

    def __post_init__(self) -> None:
        for name in _DEFAULTS:
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 0, 0.9 if name != "noise" else 10)

    def __call__(
        self, signals: Tensor, mean: Tensor, std: Tensor, generator: torch.Generator, *, of_classes: bool
    ) -> Tensor:
        """Change a batch of signals.

        Args:
            signals: (n, channels, length), as they are in the data.
            mean: (1, channels, 1), of the training signals.
            std: (1, channels, 1), standard deviation of the same.
            generator: random numbers, on the device of the signals.
            of_classes: whether the task is a classification.

        Returns:
            The new signals, float32; the given ones where nothing changes them.
        """
        shift, noise, mask = (self._strength(name, of_classes=of_classes) for name in _DEFAULTS)
        if not (shift or noise or mask):
            return signals
        count, _, length = signals.shape
        device = signals.device
        changed = signals.float() - mean

        def drawn() -> Tensor:
            return torch.rand((count, 1), generator=generator, device=device)

        places = torch.arange(length, device=device)
        if shift:
            sources = places - ((2 * drawn() - 1) * shift * length).round().long()
            inside = (sources >= 0) & (sources < length)
            index = sources.clamp(0, length - 1)[:, None].expand_as(changed)
            changed = changed.gather(2, index) * inside[:, None]
        if noise:
            hiss = torch.randn(changed.shape, generator=generator, device=device)
            changed = changed + hiss * std * noise * drawn()[:, None]
        if mask:
            wide = drawn() * mask * length
            first = drawn() * (length - wide)
            changed = changed.masked_fill(((places >= first) & (places < first + wide))[:, None], 0)
        return changed + mean

    def _strength(self, name: str, *, of_classes: bool) -> float:
        given: float | None = getattr(self, name)
        if given is not None:
            return given
        return _DEFAULTS[name] if of_classes else 0.0
