"""Networks of your own as the `space` of a search: a module with choices, or a space beside a builder.

    space = Net                         a class of `torch.nn.Module` with choices of `search_spaces.nn`
    space = Net(hidden=64)              an instance, which is a template: every trial draws its own weights
    space = (Space({..}), build)        a space, and a function of an architecture that builds the network

`own_space` makes the `Space` and registers the networks under its name (`trainables.networks`). Workers, resumes and
exports find them by that name; what they can import travels by reference.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from nas_tune.config.references import reference_of
from nas_tune.errors import ConfigError, NasTuneError
from search_spaces import Space
from search_spaces.algebra.code import OUR_PACKAGES
from search_spaces.catalogue import SPACES
from trainables.errors import DataError

if TYPE_CHECKING:
    from torch import nn

    from trainables.networks.family import Family

__all__ = ["Given", "data_arguments", "is_importable", "is_own_network", "own_space", "own_space_name", "space_of_run"]

Given: TypeAlias = "Space | type[nn.Module] | nn.Module | tuple[Space, Callable[..., nn.Module]]"
"""What a call may give as its space, beside names."""


def is_own_network(given: object) -> bool:
    """Check whether an object is a module, a class of modules, or a space with a builder beside it.

    Args:
        given: any object.

    Returns:
        True if so.
    """
    if given is None or isinstance(given, str | Space | Mapping):
        return False
    if isinstance(given, tuple | list):
        return len(given) == 2 and isinstance(given[0], Space)
    if "torch" not in sys.modules:
        return False
    from trainables import networks

    return networks.is_own(given)


def own_space_name(given: object, reference: str | None = None) -> str:
    """Choose the name of the space that `own_space` makes.

    Args:
        given: an object for which `is_own_network` is true.
        reference: the "module:attribute" by which it was asked for.

    Returns:
        The name.

    Raises:
        ConfigError: the object builds no network.
    """
    return _named(given, reference)[1]


def own_space(
    given: object, arguments: Callable[[], Mapping[str, Any]], reference: str | None = None, name: str | None = None
) -> Space:
    """Make the space of networks of one's own, and register the networks under its name.

    Args:
        given: an object for which `is_own_network` is true.
        arguments: returns what the data decide, by name; called only where a constructor takes arguments.
        reference: the "module:attribute" by which it was asked for.
        name: that of the space, where a run has it already.

    Returns:
        The space.

    Raises:
        ConfigError: the object builds no network, or its constructor needs what the data do not decide.
        SpaceError: a module has no choices, or they contradict one another.
    """
    from trainables import networks
    from trainables.networks.own import module_space

    family, usual = _named(given, reference)
    name = name or usual
    try:
        if isinstance(given, tuple | list):
            declared: Space = given[0]
            space = declared if declared.name == name else declared.renamed(name)
        else:
            space = module_space(family, arguments() if family.takes_arguments else {}, name)
        networks.register(name, family, replace=True)
    except NasTuneError as error:
        raise ConfigError(f"space: {error}") from error
    return space


def is_importable(given: object) -> bool:
    """Check whether another process can import what builds the networks.

    Args:
        given: an object for which `is_own_network` is true.

    Returns:
        False where it was defined in a script or notebook, or is an instance without a name.
    """
    family = _named(given, None)[0]
    return (family.reference or reference_of(family.origin)) is not None


def space_of_run(given: Given | None, meta: Mapping[str, Any]) -> Space | None:
    """Make the space that a caller gives for a run that exists, under the name that it has there.

    Args:
        given: a space, networks of one's own, or None.
        meta: of the run.

    Returns:
        The space; None for None.

    Raises:
        ConfigError, SpaceError: see `own_space`.
    """
    if given is None or isinstance(given, Space):
        return given
    if not is_own_network(given):
        raise ConfigError(
            f"space: got a {type(given).__name__}; give a Space, a module with choices, or (Space, builder)"
        )
    name = meta["config"]["trainable"]
    settings = meta["trainable"]["settings"]
    label = name["name"] if isinstance(name, Mapping) else str(name)
    return own_space(given, lambda: data_arguments(label, settings), name=meta["space"]["name"])


def data_arguments(trainable: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the data of a configuration what they decide for the builder of a network.

    Args:
        trainable: the name of the trainable.
        settings: of the trainable.

    Returns:
        The arguments by name; those of small images with ten classes where there are no data here to ask.
    """
    from trainables.networks import TASK

    if trainable not in ("learner", "image_classifier", "darts"):
        return dict(TASK)
    import torch

    from trainables.supernet.searched_task import SearchedTask
    from trainables.tasks.learner import Learner

    try:
        if trainable == "darts":
            task = SearchedTask.of(settings).task
        else:
            default = {"task": "classification"} if trainable == "image_classifier" else {}
            task = Learner.task_of({**default, **settings})
        found = task.load(torch.device("cpu")).arguments()
    except DataError:
        return dict(TASK)  # the check of the trainable says what is wrong with them
    return {**TASK, **found, **(settings.get("network") or {})}


def _named(given: Any, reference: str | None) -> tuple[Family, str]:
    """The family of an object, and the name of its space."""
    from trainables import networks
    from trainables.networks.own import own_name as chosen_name

    is_pair = isinstance(given, tuple | list)
    source, named = (given[1], given[0].name) if is_pair else (given, None)
    found = _reference_of(source) if is_pair or reference is None else reference
    try:
        family = networks.own_family(source, found)
    except NasTuneError as error:
        raise ConfigError(f"space: {error}") from error

    def is_taken(name: str) -> bool:
        known = networks.registered(name)
        return name in SPACES or name in networks.NETWORKS.built_in() or bool(known and known.named != family.named)

    return family, chosen_name(family, is_taken, named)


def _reference_of(source: object) -> str | None:
    """The "module:attribute" of an instance or a partial, which have no name of their own; None for other objects."""
    if hasattr(source, "__qualname__") or reference_of(source):
        return None
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top == "__main__" or top in OUR_PACKAGES or top in sys.stdlib_module_names or top == "torch":
            continue
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if value is source and attribute.isidentifier() and getattr(module, "__spec__", None) is not None:
                return f"{name}:{attribute}"
    return None
