"""The space of a configuration: one of the catalogue, a plug-in, or a user's own by reference."""

from __future__ import annotations

from collections.abc import Callable

import search_spaces
from nas_tune.config import Component
from nas_tune.config.references import load_reference
from nas_tune.errors import ConfigError, NasTuneError
from search_spaces import Space, SpaceError
from trainables.settings import check_settings

__all__ = ["make_space"]


def make_space(component: Component) -> Space:
    """Make the space that a configuration names.

    Args:
        component: a name or "module:attribute", with settings.

    Returns:
        The space.

    Raises:
        UnknownNameError: nothing is registered under the name.
        ConfigError: the reference leads to no space, or its maker refuses the settings.
    """
    if ":" not in component.name:
        return _registered_space(component)
    found = load_reference(component.name)
    made = found if isinstance(found, Space) else _made_space(component, found) if callable(found) else None
    if not isinstance(made, Space):
        raise ConfigError(f"space: {component.name} is {found!r}; a Space, or a function that returns one, is needed")
    return made


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
