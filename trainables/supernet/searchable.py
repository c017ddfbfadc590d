"""Checks whether `DartsTrainable` can search the network of a space, before anything is loaded or built."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from trainables.errors import TrainableError
from trainables.networks import builder_of, check_undecided, space_name

__all__ = ["check_layers", "check_searchable"]


def check_searchable(space: object) -> None:
    """Check that a space has an undecided network that classifies images.

    Args:
        space: the name of a space, or a `Space`.

    Raises:
        TrainableError: its network is never undecided, or takes no number of classes.
    """
    check_undecided(space)
    name = space_name(space)
    takes = inspect.signature(builder_of(space)).parameters
    if "num_classes" not in takes and not any(known.kind is known.VAR_KEYWORD for known in takes.values()):
        raise TrainableError(
            f"networks of {name} tell no classes of images apart, and this search needs a classifier; relax() its "
            "undecided network and train it by hand, or take another space"
        )


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
