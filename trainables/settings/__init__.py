"""Settings held against the signature that takes them, and told apart from text."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence

from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole
from trainables.errors import TrainableError

__all__ = [
    "check_flag",
    "check_mapping",
    "check_name",
    "check_number",
    "check_settings",
    "check_text",
    "parse_settings",
]


def check_settings(
    name: str,
    target: Callable[..., object],
    settings: Mapping[str, object],
    *,
    skip: int = 0,
    given: Sequence[str] = (),
) -> None:
    """Refuse settings that a target does not take, and the lack of those that it needs.

    Args:
        name: the target's name, for the message.
        target: a class or function; its signature says what it takes.
        settings: values by name.
        skip: how many of the first parameters are not settings, because the caller passes them.
        given: names of further parameters that the caller passes.

    Raises:
        TrainableError: a name is not a setting, or a setting without a default is missing.
    """
    parameters = list(inspect.signature(target).parameters.values())[skip:]
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    known = [key for key in named if key not in given]
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in settings:
        if key in given:
            raise TrainableError(f"{key!r} is not a setting of {name}: the caller passes it")
        if key not in named and not anything:
            hint = did_you_mean(key, known) or ";"
            raise TrainableError(f"{name} takes no setting {key!r}{hint} it takes: {', '.join(known) or 'none'}")
    required = [key for key in known if named[key].default is inspect.Parameter.empty]
    lacking = [repr(key) for key in required if key not in settings]
    if lacking:
        raise TrainableError(f"{name} needs the setting {', '.join(lacking)}; give it a value")


def check_number(
    name: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    whole: bool = False,
    open_low: bool = False,
) -> None:
    """Refuse what is not a finite number within bounds.

    Args:
        name: the setting's name, for the message.
        value: the given value.
        low: the least value that is allowed.
        high: the greatest value that is allowed.
        whole: allow integers only.
        open_low: `low` itself is too low.

    Raises:
        TrainableError: `value` is not a number, or out of bounds.
    """
    plain = is_whole(value) or (not whole and isinstance(value, float) and math.isfinite(value))
    if plain and low <= value <= high and not (open_low and value == low):  # type: ignore[operator]
        return
    kind = "a whole number" if whole else "a number"
    above = f"above {low:g}" if open_low else f"at least {low:g}"
    most = "" if high == math.inf else f" and at most {high:g}"
    raise TrainableError(f"{name} is {value!r}; it must be {kind} {above}{most}")


def check_name(name: str, value: object, known: Sequence[str]) -> None:
    """Refuse a `value` that is none of `known`.

    Args:
        name: the setting's name, for the message.
        value: the given value.
        known: the names that are allowed.

    Raises:
        TrainableError: `value` is none of them.
    """
    if value not in known:
        hint = did_you_mean(str(value), known) or ";"
        raise TrainableError(f"{name} is {value!r}{hint} known: {', '.join(known)}")


def check_flag(name: str, value: object) -> None:
    """Refuse anything but True and False.

    Args:
        name: the setting's name, for the message.
        value: the given value.

    Raises:
        TrainableError: `value` is neither True nor False.
    """
    if not isinstance(value, bool):
        raise TrainableError(f"{name} is {value!r}; it must be true or false")


def check_mapping(name: str, value: object) -> None:
    """Refuse anything but settings by their names, and None.

    Args:
        name: the setting's name, for the message.
        value: the given value.

    Raises:
        TrainableError: `value` is neither None nor a mapping whose keys are text.
    """
    if value is not None and not (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        raise TrainableError(f'{name} is {value!r}; it must be settings by name, such as {{"nodes": 3}}')


def check_text(name: str, value: object, *, optional: bool = False) -> None:
    """Refuse anything but text that is not empty, and None where it is optional.

    Args:
        name: the setting's name, for the message.
        value: the given value.
        optional: allow None.

    Raises:
        TrainableError: `value` is not text, or is empty.
    """
    if not (isinstance(value, str) and value) and not (optional and value is None):
        raise TrainableError(f"{name} is {value!r}; it must be text")


def parse_settings(texts: Sequence[str]) -> dict[str, object]:
    """Read settings from the command line.

    Args:
        texts: such as `["lr=0.1", "data=digits"]`.

    Returns:
        The values by name. A value that is JSON is read as such; all else is text.

    Raises:
        TrainableError: a text has no "=", or nothing before it.
    """
    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise TrainableError(f"{text!r} is not a setting; write key=value")
        try:
            settings[key] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            settings[key] = value
    return settings
