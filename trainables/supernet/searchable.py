"""Whether the network of a space can be searched by `DartsTrainable`, told before anything is loaded or built."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from trainables.errors import TrainableError
from trainables.networks import builder_of, check_undecided, space_name

__all__ = ["check_layers", "check_searchable"]


def check_searchable(space: object) -> None:
    """`TrainableError` for a space whose network is never undecided, or tells no classes of images apart."""
    check_undecided(space)
    name = space_name(space)
    takes = inspect.signature(builder_of(space)).parameters
    if "num_classes" not in takes and not any(known.kind is known.VAR_KEYWORD for known in takes.values()):
        raise TrainableError(
            f"networks of {name} tell no classes of images apart, which is what is searched for here; relax() its "
            "undecided network and train it by hand, or take another space"
        )


def check_layers(space: object, network: Mapping[str, object]) -> None:
    """`TrainableError` where a network of these settings would lack a kind of the cells of its space."""
    layers = network.get("layers")
    if space_name(space) == "darts" and isinstance(layers, int) and layers < 3:
        raise TrainableError(
            f"layers is {layers}; a search network of darts has cells of both kinds from 3 layers on; give more"
        )
