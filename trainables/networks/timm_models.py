"""The models of timm (PyTorch Image Models) as networks of a space; timm is imported where one is built."""

from __future__ import annotations

import importlib
from typing import Any

from torch import nn

from trainables.errors import TrainableError
from trainables.networks.base import Size, pair, tree_of
from trainables.networks.family import Family

__all__ = ["FAMILY", "build_timm"]


def build_timm(
    architecture: Any, *, num_classes: int, in_channels: int, image_size: Size, **settings: object
) -> nn.Module:
    """Build a model of timm.

    Args:
        architecture: `model`, its name, and arguments of `timm.create_model`.
        num_classes: the number of outputs.
        in_channels: channels of the images.
        image_size: height and width in pixels, for models that are made for one size.
        settings: further arguments of `timm.create_model`.

    Returns:
        The network.

    Raises:
        TrainableError: timm is not installed, or the model does not take an argument.
    """
    try:
        timm: Any = importlib.import_module("timm")
    except ImportError as error:
        raise TrainableError(f"timm cannot be imported ({error}); pip install timm") from error
    arguments = {**tree_of(architecture), **settings}
    name = arguments.pop("model")
    if timm.get_pretrained_cfg(name) is not None and timm.get_pretrained_cfg(name).fixed_input_size:
        arguments.setdefault("img_size", pair(image_size))
    try:
        network: nn.Module = timm.create_model(name, num_classes=num_classes, in_chans=in_channels, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        told = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise TrainableError(f"timm's model {name!r} refuses {told or 'these images'}: {error}") from error
    return network


FAMILY = Family(build_timm)
"""The networks of `nas_tune.spaces.timm`."""
