"""Networks by the name of their space: one file per family, one function to build a member.

    build("nb201", architecture, num_classes=10, in_channels=3, image_size=32, channels=16, cells=5)

`register` adds the builder of an own space: a function of the architecture and the keyword arguments
`num_classes`, `in_channels`, `image_size` and whatever settings it takes, which returns an `nn.Module` of
logits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from search_spaces.errors import UnknownNameError
from search_spaces.names import IDENTIFIER_RULE, is_identifier
from trainables.errors import TrainableError
from trainables.networks.base import Size, tree_of
from trainables.networks.chain import build_chain
from trainables.networks.nb201 import build_nb201
from trainables.settings import check_settings

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["Builder", "build", "builder_of", "check_network", "names", "register", "space_name", "tree_of"]

Builder = Callable[..., nn.Module]
TASK = ("num_classes", "in_channels", "image_size")
"""What the data decide, and every builder takes."""

_builders: dict[str, Builder] = {"chain": build_chain, "nb201": build_nb201}


def build(
    space: object,
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    image_size: Size = 32,
    **settings: object,
) -> nn.Module:
    """The network of `architecture`, a member of `space` (a name, or a `Space` that has one).

    It maps images (n, in_channels, height, width) to logits (n, num_classes). Errors: `UnknownNameError` for
    a space without builder, `TrainableError` for a setting that its builder does not take,
    `ArchitectureError` with the path.
    """
    for name, value in (("num_classes", num_classes), ("in_channels", in_channels)):
        if value < 1:
            raise TrainableError(f"{name} is {value!r}; a network needs at least 1")
    check_network(space, settings)
    task = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    return builder_of(space)(architecture, **task, **settings)


def check_network(space: object, settings: Mapping[str, object]) -> None:
    """Refuse an unknown space, or settings that its builder does not take, without building anything."""
    check_settings(f"the network of {space_name(space)}", builder_of(space), settings, skip=1, given=TASK)


def builder_of(space: object) -> Builder:
    """The function that builds members of `space`."""
    name = space_name(space)
    if name not in _builders:
        raise UnknownNameError("network", name, _builders)
    return _builders[name]


def register(name: str, builder: Builder, *, replace: bool = False) -> None:
    """Make `builder` the one for the space called `name`; a taken name is refused unless `replace`."""
    if not is_identifier(name):
        raise TrainableError(f"a network cannot be called {name!r}: {IDENTIFIER_RULE}")
    if name in _builders and _builders[name] is not builder and not replace:
        raise TrainableError(f"there is a network called {name!r}; take another name, or replace=True")
    _builders[name] = builder


def names() -> list[str]:
    """Every space that has a builder, sorted."""
    return sorted(_builders)


def space_name(space: object) -> str:
    """The name by which the network of `space` is found: itself, or its `name`."""
    name = space if isinstance(space, str) else getattr(space, "name", None)
    if not isinstance(name, str):
        raise TrainableError(
            f"{space!r} has no name by which to find its network; give Space(tree, name=...) and register "
            "a builder under it"
        )
    return name
