"""Networks by the name of their space: one file per family, one function to build a member.

    build("darts", architecture, channels=36, layers=20, num_classes=10, stem="cifar", auxiliary=True)

`register` adds the builder of your own space: a function of the architecture and keyword arguments, which returns an
`nn.Module` of logits. A builder receives those of the arguments in `TASK` that its signature has, so that one call
serves every family.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from search_spaces.architecture import Architecture
from search_spaces.catalogue import SPACES
from search_spaces.names import IDENTIFIER_RULE, is_identifier
from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.networks.base import Size, tree_of
from trainables.networks.examples import Example, boxed_images, features, images, scans, signals, tokens, volumes
from trainables.networks.family import Builder, Family
from trainables.networks.own import is_own, own_family
from trainables.networks.recurrent import texts
from trainables.settings import check_number, check_settings

__all__ = [
    "NETWORKS",
    "TASK",
    "Builder",
    "Family",
    "build",
    "builder_of",
    "check_images",
    "check_network",
    "check_undecided",
    "decided_arguments",
    "example",
    "family",
    "is_own",
    "names",
    "own_family",
    "register",
    "registered",
    "sized_network",
    "space_name",
    "takes_images",
    "tree_of",
]

TASK: dict[str, Any] = {"num_classes": 10, "in_channels": 3, "image_size": 32}
"""The arguments that depend on the data; the defaults are those of CIFAR-10."""


def _family(name: str, target: object) -> Family:
    if isinstance(target, Family):
        return target
    if is_own(target) or callable(target):
        return own_family(target)
    raise TrainableError(
        f"the network of {name!r} is a {type(target).__name__}; it must be a function that builds one, or a Family"
    )


NETWORKS: Registry[Family] = Registry(
    "network",
    "networks",
    {name: f"trainables.networks.{name}:FAMILY" for name in SPACES.built_in()},
    check=_family,
    error=TrainableError,
    name_rule=(is_identifier, IDENTIFIER_RULE),
)
"""The families by the name of their space. The networks of a built-in space are in the module of the same name."""


def build(
    space: object,
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int = TASK["num_classes"],
    in_channels: int = TASK["in_channels"],
    image_size: Size = TASK["image_size"],
    **settings: object,
) -> nn.Module:
    """Build the network of an architecture.

    Networks of images map (n, in_channels, height, width) to logits (n, num_classes). The modules of the other families
    state their shapes; these families ignore the arguments about images.

    Args:
        space: the name of a space, or a `Space` with a name.
        architecture: a member of the space, or its tree. None builds the undecided network, which holds choices of
            `search_spaces.nn`, where the family has one.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: height and width in pixels; one number for both. Of volumes depth, height and width.
        settings: keyword arguments of the builder, such as `channels`.

    Returns:
        The network on the default device of torch.

    Raises:
        UnknownNameError: no builder is registered for the space.
        TrainableError: the builder does not take a setting, or the family has no undecided network.
        ArchitectureError: the architecture is not a member; the message gives the path.
    """
    if architecture is None:
        check_undecided(space)
    task = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    _check_task(num_classes, in_channels, image_size)
    _check_sides(space, image_size)
    check_network(space, settings)
    if isinstance(architecture, Mapping):
        architecture = Architecture(architecture)  # so that a builder reads it one way, whoever calls
    made = builder_of(space)(architecture, **_taken(builder_of(space), task), **settings)
    if not isinstance(made, nn.Module):
        raise TrainableError(f"the builder of {space_name(space)} gave a {type(made).__name__}; return an nn.Module")
    return made


def example(space: object, *, batch: int = 2, in_channels: int = 3, image_size: Size = 32, **settings: Any) -> Any:
    """Make a random input of a network.

    Args:
        space: as in `build`.
        batch: number of examples.
        in_channels: as in `build`.
        image_size: as in `build`.
        settings: those that the network is built with.

    Returns:
        Images (batch, in_channels, height, width) or features (batch, num_features), float32, or tokens (batch,
        length), int64; with `cardinalities` a dict of `numbers` and `categories`.
    """
    _check_task(1, in_channels, image_size)
    builder = builder_of(space)
    defaults = {name: parameter.default for name, parameter in inspect.signature(builder).parameters.items()}
    task = {"in_channels": in_channels, "image_size": image_size}
    return _family_of(space).example(batch, {**defaults, **task, **settings})


def check_network(space: object, settings: Mapping[str, object], *, complete: bool = True) -> None:
    """Check the settings of a network without building it.

    Args:
        space: as in `build`.
        settings: keyword arguments of the builder.
        complete: whether these are all; False where data will decide others.

    Raises:
        UnknownNameError: no builder is registered for the space.
        TrainableError: the builder does not take a setting.
    """
    builder = builder_of(space)
    label, given = f"the network of {space_name(space)}", tuple(TASK)
    if not complete:
        # What the builder needs and nobody has given yet is a matter of the data.
        others = list(inspect.signature(builder).parameters.values())[1:]
        required = []
        for one in others:
            if one.default is one.empty and one.name not in given:
                required.append(one.name)
        settings = {**dict.fromkeys(required), **settings}
    check_settings(label, builder, settings, skip=1, given=given)


def sized_network(space: object, network: Mapping[str, object] | None, **sizes: int | None) -> dict[str, object]:
    """Merge the settings of a builder and check them; nothing is built.

    Args:
        space: as in `build`.
        network: settings of the user, which replace the small ones of the family (`Family.small`).
        sizes: settings that replace all others where they are not None; whole numbers of at least 1.

    Returns:
        The settings by name.

    Raises:
        TrainableError: a size is not a whole number of at least 1, or the builder does not take a setting.
    """
    given = {name: value for name, value in sizes.items() if value is not None}
    for name, value in given.items():
        check_number(name, value, 1, whole=True)
    settings = {**_family_of(space).small, **(network or {}), **given}
    check_network(space, settings, complete=False)
    return settings


def check_images(space: object) -> None:
    """Check that the networks of a space take images.

    Args:
        space: as in `build`.

    Raises:
        TrainableError: the family is of this package and takes something else, which the message names.
    """
    kind = _input_of(_family_of(space))
    if kind in ("images", "volumes"):
        return
    name = space_name(space)
    known = ", ".join(family for family in NETWORKS.built_in() if _input_of(NETWORKS.get(family)) == "images")
    raise TrainableError(
        f"the networks of {name} take {kind} and no images; give a trainable of your own, which builds them by "
        f"trainables.build({name!r}, architecture, ...), or one of the spaces of images: {known}"
    )


def takes_images(space: object) -> bool:
    """Tell whether the networks of a space take images of two sides.

    Args:
        space: as in `build`.

    Returns:
        Whether they do; those of signals, volumes or tables do not.
    """
    found = _family_of(space)
    return _input_of(found) == "images" and (not found.sides or 2 in found.sides)


def _input_of(family: Family) -> str:
    """Name the input of the networks of a family; "images" where nothing else is known."""
    kinds: dict[Example, str] = {
        boxed_images: "images in which they find boxes (task = detection)",
        features: "rows of numbers",
        signals: "signals",
        tokens: "sequences of tokens",
        scans: "images or volumes with a class for each pixel",
        volumes: "volumes",
        texts: "sequences of tokens",
    }
    return kinds.get(family.example, "images")


def check_undecided(space: object) -> None:
    """Check that a family may have an undecided network. One whose `undecided` is None passes: only its builder
    decides.

    Args:
        space: as in `build`.

    Raises:
        TrainableError: the family has none.
    """
    if _family_of(space).undecided is False:
        known = ", ".join(name for name in NETWORKS.built_in() if NETWORKS.get(name).undecided)
        raise TrainableError(
            f"{space_name(space)} has no supernet, so that an architecture is needed: give one, or take a space with "
            f"a supernet: {known}, or a network of your own with choices of search_spaces.nn"
        )


def builder_of(space: object) -> Builder:
    """Find the function that builds the networks of a space.

    Args:
        space: as in `build`.

    Returns:
        A function of an architecture and keyword arguments.
    """
    return _family_of(space).builder


def _family_of(space: object) -> Family:
    return NETWORKS.get(space_name(space))


def register(
    name: str, builder: Builder | nn.Module | Family | str, *, example: Example = images, replace: bool = False
) -> None:
    """Register the networks of a space.

    Args:
        name: the name of the space.
        builder: a function of the architecture and settings, a class or an instance of `torch.nn.Module` with choices
            of `search_spaces.nn`, a `Family`, or "module:attribute".
        example: makes a random input of the networks of a builder, see `trainables.networks.examples`.
        replace: whether to replace a family that has the name already.

    Raises:
        TrainableError: the name breaks the rule or is taken.
    """
    if not isinstance(builder, nn.Module | Family | str) and not is_own(builder) and callable(builder):
        builder = Family(builder, example)
    NETWORKS.register(name, builder, replace=replace)


def family(name: str, target: object, small: Mapping[str, object] | None = None) -> Family:
    """Make the family of what another process has registered.

    Args:
        name: of the space, for messages.
        target: a `Family`, a builder, or a module with choices.
        small: settings of the builder that a `Family` or a partial had there.

    Returns:
        The family.

    Raises:
        TrainableError: the target builds no network.
    """
    made = _family(name, target)
    return dataclasses.replace(made, small=small) if small else made


def registered(name: str) -> Family | None:
    """Find the family that this process has registered.

    Args:
        name: of a space.

    Returns:
        The family; None where this process has registered none.
    """
    return None if NETWORKS.registered(name) is None else NETWORKS.get(name)


def names() -> list[str]:
    """List the spaces that have a builder, plug-ins included.

    Returns:
        The names, sorted.
    """
    return NETWORKS.names()


def space_name(space: object) -> str:
    """Find the name under which the network of a space is registered.

    Args:
        space: a name, or an object with the attribute `name`.

    Returns:
        The name.

    Raises:
        TrainableError: the space has no name.
    """
    name = space if isinstance(space, str) else getattr(space, "name", None)
    if not isinstance(name, str):
        raise TrainableError(
            f"{space!r} has no name by which to find its network; give Space(tree, name=...) and register "
            "a builder under it"
        )
    return name


def decided_arguments(space: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Select what the data decide and the networks of a space take.

    Args:
        space: as in `build`.
        arguments: all that the data decide, by name.

    Returns:
        Those that `build` takes: the arguments of images, and those that the builder has.
    """
    taken = _taken(builder_of(space), arguments)
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in TASK or name in taken:
            found[name] = value
    return found


def _check_task(num_classes: int, in_channels: int, image_size: Size) -> None:
    check_number("num_classes", num_classes, 1, whole=True)
    check_number("in_channels", in_channels, 1, whole=True)
    sides = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) not in (2, 3):
        raise TrainableError(
            f"image_size is {image_size!r}; it must be a number of pixels, height and width, or depth, height and width"
        )
    for side in sides:
        check_number("image_size", side, 1, whole=True)


def _check_sides(space: object, image_size: Size) -> None:
    """Refuse volumes for networks of images of this package, and images for those of volumes."""
    name, family = space_name(space), _family_of(space)
    count = len(image_size) if isinstance(image_size, tuple | list) else 2
    if name not in NETWORKS.built_in() or family.example not in (images, volumes) or _takes(family, count):
        return
    given = "volumes of three sides" if count == 3 else "images of two sides"
    fitting = [one for one in NETWORKS.built_in() if _takes(NETWORKS.get(one), count)]
    raise TrainableError(
        f"the data are {given}, and the networks of {name} take none; take one of the spaces that do: "
        f"{', '.join(fitting)}"
    )


def _takes(family: Family, count: int) -> bool:
    """Whether the networks of a family classify inputs of so many sides."""
    if family.example not in (images, volumes):
        return False
    return count in (family.sides or ((3,) if family.example is volumes else (2,)))


def _taken(builder: Builder, task: Mapping[str, object]) -> dict[str, object]:
    """Select the entries of `task` that the builder has arguments for."""
    parameters = inspect.signature(builder).parameters
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    found: dict[str, object] = {}
    for name, value in task.items():
        if anything or name in parameters:
            found[name] = value
    return found
