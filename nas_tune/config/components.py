"""Makes objects from names and settings; the settings are checked against the signature of the factory."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from nas_tune.config.sections import place_of
from nas_tune.errors import ConfigError
from search_spaces.errors import UnknownNameError
from search_spaces.names import did_you_mean
from search_spaces.registry import Registry

__all__ = ["checked_factory", "factory_settings", "make_component"]

T = TypeVar("T")


def make_component(
    kind: str,
    registry: Mapping[str, Callable[..., T]] | Registry[Callable[..., T]],
    name: str,
    given: Mapping[str, object],
    settings: Mapping[str, object],
) -> T:
    """Call the factory of a name with the arguments of the search and the settings of the user.

    Args:
        kind: the kind of component, such as strategy, for messages.
        registry: the factories by name.
        name: the name of the factory.
        given: the arguments that the search itself passes, by name.
        settings: the settings of the user, by name.

    Returns:
        What the factory makes.

    Raises:
        UnknownNameError: no factory has that name.
        ConfigError: the factory does not take a setting, or takes it with another type.
    """
    if name not in registry:
        raise UnknownNameError(kind, name, registry)
    factory = registry[name]
    known = factory_settings(factory, given)
    for key, value in settings.items():
        if key not in known:
            takes = ", ".join(known) or "none"
            hint = did_you_mean(key, known) or (f"; {place}" if (place := place_of(key)) else "")
            raise ConfigError(f"{kind}.{key} is not a setting of {name!r}{hint}; its settings: {takes}")
        _check_type(f"{kind}.{key}", value, known[key])
    return factory(**given, **settings)


def checked_factory(kind: str, name: str, target: object, given: Sequence[str], makes: str) -> Callable[..., Any]:
    """Check that a target is a factory which takes the arguments of the search by keyword.

    Args:
        kind, name: the kind and the name of what it makes, for the message.
        target: a registered object, or one of a plug-in.
        given: the names of the arguments that the search passes.
        makes: what the factory returns, in words, for the message.

    Returns:
        The target itself.

    Raises:
        ConfigError: it cannot be called with these arguments; the message says how to write it.
    """
    try:
        takes = inspect.signature(target).parameters if callable(target) else {}
    except (TypeError, ValueError):
        takes = {}
    if not all(argument in takes for argument in given):
        raise ConfigError(
            f"the {kind} {name!r} leads to {target!r:.80}; write a class or a function that takes "
            f"{', '.join(given)} and its settings by name, and makes {makes}"
        )
    return target  # type: ignore[return-value]


def factory_settings(factory: Callable[..., object], given: Mapping[str, object] | None = None) -> dict[str, Any]:
    """List the settings that a factory takes.

    Args:
        factory: a function or a class.
        given: the arguments that the search itself passes, which are not settings.

    Returns:
        The annotation of each setting, by name; `object` where there is none.
    """
    return {name: hint for name, hint in _annotations(factory).items() if name not in (given or {})}


@functools.cache
def _annotations(factory: Callable[..., object]) -> dict[str, Any]:
    """The annotation of every argument; cached, because a sampler is made for each proposal."""
    function = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    hints = typing.get_type_hints(function)
    return {name: hints.get(name, object) for name in inspect.signature(factory).parameters}


def _check_type(key: str, value: object, expected: Any) -> None:
    accepted = typing.get_args(expected) if isinstance(expected, types.UnionType) else (expected,)
    if float in accepted:
        accepted = (*accepted, int)
    if not any(_fits(value, one) for one in accepted):
        wanted = " or ".join(getattr(one, "__name__", str(one)) for one in accepted)
        raise ConfigError(f"{key} is {value!r} of type {type(value).__name__}; expected {wanted}")


def _fits(value: object, expected: Any) -> bool:
    """Whether a value has the expected type; a boolean is neither an int nor a float here."""
    if expected is object or type(value) is expected:
        return True
    return isinstance(expected, type) and expected not in (int, float) and isinstance(value, expected)
