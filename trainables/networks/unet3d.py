"""Networks of the `unet3d` space, see `trainables.networks.unet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from trainables.networks.examples import scans
from trainables.networks.family import Family
from trainables.networks.unet import build_unet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "build_unet3d"]


def build_unet3d(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: int | Sequence[int] = (32, 32, 32),
    width: float = 1.0,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `unet3d`, or its tree.
        num_classes: number of classes.
        in_channels: channels of the volumes.
        image_size: their sides; every size works.
        width: factor of the width of every level.

    Returns:
        Volumes (n, in_channels, d, h, w) to logits (n, num_classes, ...) of the same size; in training with deep
        supervision a tuple of these and of the logits of coarser levels.

    Raises:
        TrainableError: a setting has a wrong value, or the inputs have another number of dimensions.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    return build_unet(
        architecture, 3, num_classes=num_classes, in_channels=in_channels, image_size=image_size, width=width
    )


FAMILY = Family(build_unet3d, scans, undecided=False)
