"""The space of a configuration: one of the catalogue, a plug-in, or a user's own by reference or as an object."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import search_spaces
from nas_tune.config import Component
from nas_tune.config.references import load_reference
from nas_tune.errors import ConfigError, NasTuneError
from nas_tune.session.own_networks import Given, data_arguments, is_own_network, own_space
from search_spaces import Space, SpaceError
from trainables.settings import check_settings

__all__ = ["make_space"]


def make_space(component: Component, given: Given | None = None, trainable: Component | None = None) -> Space:
    """Make the space that a configuration names.

    A module with choices, and a space beside a builder, also register their networks under the name of the space.

    Args:
        component: a name or "module:attribute", with settings.
        given: replaces what the name leads to.
        trainable: that of the configuration, whose data decide arguments of networks of one's own; None for no data.

    Returns:
        The space.

    Raises:
        UnknownNameError: nothing is registered under the name.
        ConfigError: the reference leads to no space, or its maker refuses the settings.
    """
    if isinstance(given, Space):
        return given
    if given is None and ":" not in component.name:
        return _registered_space(component)
    found: Any = load_reference(component.name) if given is None else given
    if is_own_network(found):
        return _own_space(component, found, trainable, is_named=given is None)
    made = found if isinstance(found, Space) else _made_space(component, found) if callable(found) else None
    if not isinstance(made, Space):
        raise ConfigError(
            f"space: {component.name} is {found!r:.200}; give a Space, a function that returns one, a torch.nn.Module "
            "with choices of search_spaces.nn, or (Space, builder)"
        )
    return made


def _own_space(component: Component, found: Any, trainable: Component | None, *, is_named: bool) -> Space:
    """The space of networks of one's own; settings of the space are arguments of the constructor."""
    if component.settings:
        if isinstance(found, tuple | list) or not callable(found) or not hasattr(found, "__qualname__"):
            name = next(iter(component.settings))
            raise ConfigError(
                f"space.{name}: only a class or a function takes settings, and {component.name} is neither; leave it "
                "out"
            )
        found = partial(found, **component.settings)

    def arguments() -> dict[str, Any]:
        return data_arguments("" if trainable is None else trainable.name, trainable.settings if trainable else {})

    return own_space(found, arguments, component.name if is_named and not component.settings else None)


def _registered_space(component: Component) -> Space:
    try:
        return search_spaces.get(component.name, **component.settings)
    except SpaceError as error:
        raise ConfigError(f"space: {error}") from error


def _made_space(component: Component, function: Callable[..., object]) -> object:
    try:
        check_settings(component.name, function, component.settings)
        return function(**component.settings)
    except NasTuneError as error:
        raise ConfigError(f"space: {error}") from error
    except Exception as error:  # a stranger's function may raise anything
        raise ConfigError(
            f"space: {component.name} raised {type(error).__name__}: {error}; repair it, or give it other settings"
        ) from error
