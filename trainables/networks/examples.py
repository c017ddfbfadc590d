"""Random inputs of networks, one function per kind of data.

Each function takes the batch size and the settings of the builder, defaults included, which decide the shape. It
returns a tensor on the default device of torch; where a row has parts of several kinds, a dict of tensors by the names
of the arguments of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.networks.base import pair

__all__ = ["Example", "boxed_images", "features", "images", "scans", "signals", "tokens", "volumes"]

Example = Callable[[int, Mapping[str, Any]], Any]


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


def boxed_images(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random images for networks that find boxes.

    Args:
        batch: number of images.
        settings: as for `images`.

    Returns:
        (batch, in_channels, height, width), float32, between 0 and 1.
    """
    return images(batch, settings)


def scans(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random images or volumes, each pixel or voxel of which gets a class.

    Args:
        batch: number of images or volumes.
        settings: `in_channels`, and `image_size` with two or three sides.

    Returns:
        (batch, in_channels, ...), float32, normally distributed.
    """
    size = settings["image_size"]
    sides = (size, size) if isinstance(size, int) else tuple(size)
    return torch.randn(batch, settings["in_channels"], *sides)


def volumes(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random volumes that each have one class.

    Args:
        batch: number of volumes.
        settings: `in_channels`, and `image_size` with three sides.

    Returns:
        (batch, in_channels, depth, height, width), float32, normally distributed.
    """
    return scans(batch, settings)


def features(batch: int, settings: Mapping[str, Any]) -> Tensor | dict[str, Tensor]:
    """Make random rows of a table.

    Args:
        batch: number of rows.
        settings: `num_features` and, where rows have categories, `cardinalities`.

    Returns:
        (batch, num_features), float32, between 0 and 1. With categories a dict: these `numbers`, unless there are none,
        and `categories` (batch, columns), int64, each at least 0 and below the cardinality of its column.
    """
    numbers = torch.rand(batch, settings["num_features"])
    cardinalities = settings.get("cardinalities", ())
    if not cardinalities:
        return numbers
    codes = torch.stack([torch.randint(cardinality, (batch,)) for cardinality in cardinalities], dim=1)
    return {"numbers": numbers, "categories": codes} if settings["num_features"] else {"categories": codes}


def signals(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random signals.

    Args:
        batch: number of signals.
        settings: `in_channels`, and `length` in steps.

    Returns:
        (batch, in_channels, length), float32, normally distributed.
    """
    return torch.randn(batch, settings["in_channels"], settings["length"])


def tokens(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random texts.

    Args:
        batch: number of texts.
        settings: `vocabulary`, and `context`, the length of a text in tokens.

    Returns:
        (batch, context), int64, below `vocabulary`.
    """
    return torch.randint(settings["vocabulary"], (batch, settings["context"]))
