"""Operations on a part of the channels (PC-DARTS, Xu et al. 2020, arXiv 1907.05737).

The channels are divided into k equal parts. The first part goes through the operation. The others skip it; where the
operation halves the image, they go through a max pooling over 2x2. Then the channels are shuffled, so that the next
edge operates on other channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.nn import LayerChoice
from trainables.errors import TrainableError
from trainables.settings import check_number

__all__ = ["Partial", "PartialChoice", "check_partial"]


class PartialChoice(LayerChoice):
    """A `LayerChoice` of operations on one of `parts` parts of the channels of images (n, c, h, w).

    Args:
        candidates: the operations by name, for one part of the channels.
        parts: number of equal parts of the channels.
        relaxed_only: candidates that only a relaxed choice mixes, see `LayerChoice`.
    """

    def __init__(
        self, candidates: Mapping[str, nn.Module], parts: int, *, relaxed_only: Sequence[str | int] = ()
    ) -> None:
        super().__init__(candidates, relaxed_only=relaxed_only)
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        return _partly(super().forward, x, self.parts)

    def decided(self, candidate: nn.Module) -> nn.Module:
        """Make the layer that a decided network has in the place of the choice.

        Args:
            candidate: the chosen operation.

        Returns:
            The operation on the same part of the channels.
        """
        return Partial(candidate, self.parts)


class Partial(nn.Module):
    """One `operation` on one of `parts` parts of the channels.

    Args:
        operation: a module of images of one part of the channels.
        parts: number of equal parts of the channels.
    """

    def __init__(self, operation: nn.Module, parts: int) -> None:
        super().__init__()
        self.operation, self.parts = operation, parts

    def forward(self, x: Tensor) -> Tensor:
        return _partly(self.operation, x, self.parts)


def check_partial(partial: object, channels: int, *, is_decided: bool) -> None:
    """Check the number of parts of the channels.

    Args:
        partial: the value of the setting.
        channels: channels of the nodes in the first cells.
        is_decided: whether the network is decided; only an undecided one has parts.

    Raises:
        TrainableError: the channels cannot be divided into this number of parts, or the network is decided.
    """
    check_number("partial", partial, 1, whole=True)
    if partial != 1 and is_decided:
        raise TrainableError(
            f"partial is {partial}, which is a setting of supernets, and an architecture is given; leave one of them "
            "out"
        )
    if channels % partial:  # type: ignore[operator]
        raise TrainableError(f"partial is {partial} and channels is {channels}; take a multiple of {partial} channels")


def _partly(operation: Callable[[Tensor], Tensor], x: Tensor, parts: int) -> Tensor:
    first = x.shape[1] // parts
    value, rest = operation(x[:, :first]), x[:, first:]
    if value.shape[2:] != x.shape[2:]:
        rest = functional.max_pool2d(rest, 2, 2, ceil_mode=True)
    # Interleave the channels of the parts, one of each part in turn, so that the next edge reads others.
    joined = torch.cat((value, rest), 1)
    count, channels, height, width = joined.shape
    shuffled = joined.view(count, parts, channels // parts, height, width).transpose(1, 2)
    return shuffled.reshape(count, channels, height, width)
