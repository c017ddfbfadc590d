"""From a name and settings to an object, with the settings checked against its signature."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from nas_tune.errors import ConfigError
from search_spaces.errors import UnknownNameError
from search_spaces.names import did_you_mean
from search_spaces.registry import Registry

__all__ = ["checked_factory", "make_component", "settings_of"]

T = TypeVar("T")


def make_component(
    kind: str,
    registry: Mapping[str, Callable[..., T]] | Registry[Callable[..., T]],
    name: str,
    given: Mapping[str, object],
    settings: Mapping[str, object],
) -> T:
    """Call the factory called `name` with what the search gives it and the user's settings.

    Raises:
        UnknownNameError: no factory has that name.
        ConfigError: a setting that the factory does not take, or of another type than it says.
    """
    if name not in registry:
        raise UnknownNameError(kind, name, registry)
    factory = registry[name]
    known = settings_of(factory, given)
    for key, value in settings.items():
        if key not in known:
            takes = ", ".join(known) or "none"
            raise ConfigError(
                f"{kind}.{key} is no setting of {name!r}{did_you_mean(key, known)}; its settings: {takes}"
            )
        _check_type(f"{kind}.{key}", value, known[key])
    return factory(**given, **settings)


def checked_factory(kind: str, name: str, target: object, given: Sequence[str], makes: str) -> Callable[..., Any]:
    """`target`, if it is a factory that takes what the search gives it by keyword.

    Args:
        kind, name: of what it makes, for the message.
        target: what is registered, or what a plug-in brings.
        given: the arguments that the search gives.
        makes: what it returns, in words.

    Raises:
        ConfigError: it cannot be called so; the message says how it is written.
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


def settings_of(factory: Callable[..., object], given: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The settings that a factory takes, name to annotation, less what the search itself gives."""
    return {name: hint for name, hint in _annotations(factory).items() if name not in (given or {})}


@functools.cache
def _annotations(factory: Callable[..., object]) -> dict[str, Any]:
    """Every argument with its annotation; kept, because a sampler is made for each proposal."""
    function = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    hints = typing.get_type_hints(function)
    return {name: hints.get(name, object) for name in inspect.signature(factory).parameters}


def _check_type(key: str, value: object, expected: Any) -> None:
    accepted = typing.get_args(expected) if isinstance(expected, types.UnionType) else (expected,)
    if float in accepted:
        accepted = (*accepted, int)
    fits = any(a is object or type(value) is a or (a is not int and a is not float and _is(value, a)) for a in accepted)
    if not fits:
        wanted = " or ".join(getattr(a, "__name__", str(a)) for a in accepted)
        raise ConfigError(f"{key} is {value!r} of type {type(value).__name__}; expected {wanted}")


def _is(value: object, expected: Any) -> bool:
    return isinstance(expected, type) and isinstance(value, expected)
