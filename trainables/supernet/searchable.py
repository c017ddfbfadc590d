"""Checks whether a network can be searched in a supernet, before anything is loaded or built."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.errors import TrainableError
from trainables.networks import space_name

__all__ = ["check_layers"]


def check_layers(space: object, network: Mapping[str, object]) -> None:
    """Check that a network of these settings has all kinds of cells of its space.

    Args:
        space: the name of a space, or a `Space`.
        network: the settings of the network, by name.

    Raises:
        TrainableError: it has too few layers.
    """
    layers = network.get("layers")
    if space_name(space) == "darts" and isinstance(layers, int) and layers < 3:
        raise TrainableError(
            f"layers is {layers}; a search network of darts has cells of both kinds from 3 layers on; give more"
        )
