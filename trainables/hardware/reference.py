"""The reference network, which every session measures: its value tells how far the level of two sessions differs.

It is small and has what most networks have: dense, pointwise and depthwise convolutions, normalisation, activation
functions, a sum, pooling and a matrix product. Changing it makes old and new references incomparable.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["reference"]

_CHANNELS, _SIZE = 32, 32


class _Reference(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = _block(3, _CHANNELS, 3, stride=2)
        self.residual = nn.Sequential(
            _block(_CHANNELS, 2 * _CHANNELS, 1),
            _block(2 * _CHANNELS, 2 * _CHANNELS, 3, groups=2 * _CHANNELS),
            _block(2 * _CHANNELS, _CHANNELS, 1),
        )
        self.dense = _block(_CHANNELS, _CHANNELS, 3)
        self.head = nn.Linear(_CHANNELS, 10)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        features = self.dense(features + self.residual(features))
        return self.head(features.mean((2, 3)))  # type: ignore[no-any-return]


def _block(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def reference() -> tuple[nn.Module, Tensor]:
    """Make the reference network.

    Returns:
        The network, with an example of its input (1, 3, 32, 32).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _Reference().eval(), torch.randn(1, 3, _SIZE, _SIZE)
