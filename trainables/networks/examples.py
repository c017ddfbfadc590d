"""Random inputs of networks, one function per kind of data.

Each function takes the batch size and the settings of the builder, defaults included, which decide the shape. It
returns a tensor on the default device of torch.
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
    """Make random images.

    Args:
        batch: number of images.
        settings: `in_channels`, and `image_size` in pixels.

    Returns:
        (batch, in_channels, height, width), float32, between 0 and 1.
    """
    height, width = pair(settings["image_size"])
    return torch.rand(batch, settings["in_channels"], height, width)


def features(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random rows of a table.

    Args:
        batch: number of rows.
        settings: `num_features`.

    Returns:
        (batch, num_features), float32, between 0 and 1.
    """
    return torch.rand(batch, settings["num_features"])


def tokens(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random texts.

    Args:
        batch: number of texts.
        settings: `vocabulary`, and `context`, the length of a text in tokens.

    Returns:
        (batch, context), int64, below `vocabulary`.
    """
    return torch.randint(settings["vocabulary"], (batch, settings["context"]))
