"""The networks of `twig`."""

from __future__ import annotations

from typing import Any

from torch import nn

from trainables.networks.examples import images
from trainables.networks.family import Family

__all__ = ["FAMILY"]


def build(architecture: Any, *, num_classes: int, in_channels: int, scale: int = 8) -> nn.Module:
    """Images (n, in_channels, height, width) to logits (n, num_classes)."""
    width = scale * architecture["width"]
    act = nn.ReLU() if architecture["act"] == "relu" else nn.Tanh()
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1), act, pooled, nn.Linear(width, num_classes))


FAMILY = Family(build, images, undecided=False, small={"scale": 1})
