"""Networks by the name of their space: one file per family, one function to build a member.

    build("darts", architecture, channels=36, layers=20, num_classes=10, stem="cifar", auxiliary=True)

`register` adds the builder of an own space: a function of the architecture and keyword arguments, which
returns an `nn.Module` of logits. What the data decide (`TASK`) is given to those builders that take it, so
that one call serves every family of a task.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from search_spaces.errors import UnknownNameError
from search_spaces.names import IDENTIFIER_RULE, is_identifier
from trainables.errors import TrainableError
from trainables.networks.base import Size, tree_of
from trainables.networks.cells import build_blocks, build_pnas
from trainables.networks.chain import build_chain
from trainables.networks.darts import build_darts
from trainables.networks.enas_macro import build_enas_macro
from trainables.networks.examples import Example, features, images, tokens
from trainables.networks.mlp import build_mlp
from trainables.networks.mobilenetv3 import build_mobilenetv3
from trainables.networks.nb101 import build_nb101
from trainables.networks.nb201 import build_nb201
from trainables.networks.proxylessnas import build_proxylessnas
from trainables.networks.recurrent import build_enas_recurrent, build_recurrent
from trainables.networks.recurrent import example as texts
from trainables.networks.resnet import build_resnet
from trainables.networks.transformer_lm import build_transformer_lm
from trainables.networks.vit import build_vit
from trainables.settings import check_number, check_settings

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = [
    "Builder",
    "build",
    "builder_of",
    "check_images",
    "check_network",
    "check_undecided",
    "example",
    "names",
    "register",
    "registered",
    "space_name",
    "tree_of",
]

Builder = Callable[..., nn.Module]
TASK: dict[str, Any] = {"num_classes": 10, "in_channels": 3, "image_size": 32}
"""What the data decide, with the values for who says nothing (CIFAR-10)."""

_FAMILIES: dict[str, tuple[Builder, Example]] = {
    "amoebanet": (build_blocks, images),
    "chain": (build_chain, images),
    "darts": (build_darts, images),
    "enas_macro": (build_enas_macro, images),
    "enas_micro": (build_blocks, images),
    "enas_recurrent": (build_enas_recurrent, texts),
    "mlp": (build_mlp, features),
    "mobilenetv3": (build_mobilenetv3, images),
    "nb101": (build_nb101, images),
    "nasnet": (build_blocks, images),
    "nb201": (build_nb201, images),
    "pnas": (build_pnas, images),
    "proxylessnas": (build_proxylessnas, images),
    "recurrent": (build_recurrent, texts),
    "resnet": (build_resnet, images),
    "transformer_lm": (build_transformer_lm, tokens),
    "vit": (build_vit, images),
}


_OURS = dict(_FAMILIES)
_BUILT_IN = frozenset(builder for builder, _ in _FAMILIES.values())
_UNDECIDED = ("darts", "enas_recurrent", "mobilenetv3", "nb201", "proxylessnas", "recurrent")
"""Those families here that have an undecided network."""


def build(
    space: object,
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int = TASK["num_classes"],
    in_channels: int = TASK["in_channels"],
    image_size: Size = TASK["image_size"],
    **settings: object,
) -> nn.Module:
    """The network of `architecture`, a member of `space` (a name, or a `Space` that has one).

    Networks of images map (n, in_channels, height, width) to logits (n, num_classes); the others say their
    shapes in their modules, and ignore what is about images. None for an architecture gives the undecided
    network, with `search_spaces.nn` choices in it, of those families that have one.

    Errors: `UnknownNameError` for a space without builder, `TrainableError` for a setting that its builder
    does not take and for a family without an undecided network, `ArchitectureError` with the path.
    """
    if architecture is None:
        check_undecided(space)
    task = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    _check_task(num_classes, in_channels, image_size)
    check_network(space, settings)
    made = builder_of(space)(architecture, **_taken(builder_of(space), task), **settings)
    if not isinstance(made, nn.Module):
        raise TrainableError(f"the builder of {space_name(space)} gave a {type(made).__name__}; return an nn.Module")
    return made


def example(space: object, *, batch: int = 2, in_channels: int = 3, image_size: Size = 32, **settings: Any) -> Any:
    """A random input of a network built with these settings: float images or features, or int64 tokens."""
    _check_task(1, in_channels, image_size)
    builder = builder_of(space)
    defaults = {name: parameter.default for name, parameter in inspect.signature(builder).parameters.items()}
    task = {"in_channels": in_channels, "image_size": image_size}
    made: torch.Tensor = _FAMILIES[space_name(space)][1](batch, {**defaults, **task, **settings})
    return made


def check_network(space: object, settings: Mapping[str, object]) -> None:
    """Refuse an unknown space, or settings that its builder does not take, without building anything."""
    check_settings(f"the network of {space_name(space)}", builder_of(space), settings, skip=1, given=tuple(TASK))


def check_images(space: object) -> None:
    """Refuse a family of this package whose networks do not take images, naming what they take."""
    takes: dict[Example, str] = {
        features: "rows of numbers",
        tokens: "sequences of tokens",
        texts: "sequences of tokens",
    }
    name = space_name(space)
    needed = takes.get(_FAMILIES[name][1]) if name in _FAMILIES else None
    if needed is not None:
        known = ", ".join(family for family, (_, kind) in sorted(_FAMILIES.items()) if kind is images)
        raise TrainableError(
            f"the networks of {name} take {needed} and no images; give a trainable of your own, which builds them by "
            f"trainables.build({name!r}, architecture, ...), or one of the spaces of images: {known}"
        )


def check_undecided(space: object) -> None:
    """Refuse a family of this package that has no undecided network; of others their builder must know."""
    name = space_name(space)
    if builder_of(space) in _BUILT_IN and name not in _UNDECIDED:
        raise TrainableError(
            f"no undecided network is known of {name}, in which to search by shared weights; known of: "
            f"{', '.join(_UNDECIDED)}, and yours may have choices of search_spaces.nn; else give an architecture"
        )


def builder_of(space: object) -> Builder:
    """The function that builds members of `space`."""
    name = space_name(space)
    if name not in _FAMILIES:
        raise UnknownNameError("network", name, _FAMILIES)
    return _FAMILIES[name][0]


def register(name: str, builder: Builder, *, example: Example = images, replace: bool = False) -> None:
    """Make `builder` the one for the space called `name`; a taken name is refused unless `replace`.

    `example(batch, settings)` makes a random input for it, see `trainables.networks.examples`.
    """
    if not is_identifier(name):
        raise TrainableError(f"a network cannot be called {name!r}: {IDENTIFIER_RULE}")
    if name in _FAMILIES and _FAMILIES[name][0] is not builder and not replace:
        raise TrainableError(f"there is a network called {name!r}; take another name, or replace=True")
    _FAMILIES[name] = (builder, example)


def registered(name: str) -> tuple[Builder, Example] | None:
    """The builder and the example that this process registered as `name`; None where it did not."""
    found = _FAMILIES.get(name)
    return None if found == _OURS.get(name) else found


def names() -> list[str]:
    """Every space that has a builder, sorted."""
    return sorted(_FAMILIES)


def space_name(space: object) -> str:
    """The name by which the network of `space` is found: itself, or its `name`."""
    name = space if isinstance(space, str) else getattr(space, "name", None)
    if not isinstance(name, str):
        raise TrainableError(
            f"{space!r} has no name by which to find its network; give Space(tree, name=...) and register "
            "a builder under it"
        )
    return name


def _check_task(num_classes: int, in_channels: int, image_size: Size) -> None:
    check_number("num_classes", num_classes, 1, whole=True)
    check_number("in_channels", in_channels, 1, whole=True)
    sides = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) != 2:
        raise TrainableError(f"image_size is {image_size!r}; it must be a number of pixels, or height and width")
    for side in sides:
        check_number("image_size", side, 1, whole=True)


def _taken(builder: Builder, task: Mapping[str, object]) -> dict[str, object]:
    """Those of `task` that the builder has arguments for."""
    parameters = inspect.signature(builder).parameters
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: value for name, value in task.items() if anything or name in parameters}
