"""Random changes of scans while a network trains: brightness, contrast and gamma; flips only on request."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.settings import check_flag, check_number

__all__ = ["ScanViews"]

_SMALL = 1e-6


@dataclass(frozen=True)
class ScanViews:
    """How scans are changed at random while the network trains. Each scan of a batch draws its own numbers."""

    augment: bool = True
    """False trains on the scans as they are, whatever the other settings say."""
    brightness: float = 0.1
    """The greatest shift of all values, as a share of the range of the scan."""
    contrast: float = 0.1
    """The greatest change of the distance of all values from their mean, as a share of it."""
    gamma: float = 0.2
    """Values between the least and the greatest of a scan are raised to a power of at most e to this, at least its
    inverse.
    """
    flip: bool = False
    """Mirror every second scan along each axis. It is off, since left and right, front and back differ in a body."""

    def __post_init__(self) -> None:
        check_flag("augment", self.augment)
        check_flag("flip", self.flip)
        for name in ("brightness", "contrast", "gamma"):
            check_number(name, getattr(self, name), 0, 1)

    def __call__(self, images: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Change a batch of scans.

        Args:
            images: (n, c, ...), as they are in the data.
            masks: (n, ...), their masks.
            generator: random numbers, on the device of the scans.

        Returns:
            The new scans, float32, and their masks; the given ones where nothing changes them.
        """
        if not self.augment or not (self.brightness or self.contrast or self.gamma or self.flip):
            return images, masks
        count = len(images)
        shape = (count, *[1] * (images.dim() - 1))

        def drawn(most: float) -> Tensor:
            return ((2 * torch.rand(count, generator=generator, device=images.device) - 1) * most).view(shape)

        axes = tuple(range(1, images.dim()))
        changed = images.float()
        low, high = changed.amin(axes, keepdim=True), changed.amax(axes, keepdim=True)
        span = (high - low).clamp(min=_SMALL)
        if self.gamma:
            changed = ((changed - low) / span).clamp(min=_SMALL).pow(drawn(self.gamma).exp()) * span + low
        if self.contrast or self.brightness:
            mean = changed.mean(axes, keepdim=True)
            changed = (changed - mean) * (1 + drawn(self.contrast)) + mean + drawn(self.brightness) * span
        for axis in range(2, images.dim()) if self.flip else ():
            mirrored = torch.rand(count, generator=generator, device=images.device) < 0.5
            changed = torch.where(mirrored.view(shape), changed.flip(axis), changed)
            masks = torch.where(mirrored.view(shape[:-1]), masks.flip(axis - 1), masks)
        return changed, masks
