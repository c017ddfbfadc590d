"""Random inputs of networks, by kind of data: what a builder's settings say about their shape.

Each function takes the batch size and the settings of the builder, defaults included, and returns a tensor on
the default device of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.networks.base import pair

__all__ = ["Example", "features", "images", "tokens"]

Example = Callable[[int, Mapping[str, Any]], Tensor]


def images(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """(batch, in_channels, height, width), float, from `in_channels` and `image_size`."""
    height, width = pair(settings["image_size"])
    return torch.rand(batch, settings["in_channels"], height, width)


def features(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """(batch, num_features), float."""
    return torch.rand(batch, settings["num_features"])


def tokens(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """(batch, context), int64 below `vocabulary`."""
    return torch.randint(settings["vocabulary"], (batch, settings["context"]))
