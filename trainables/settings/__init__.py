"""Settings held against the signature that takes them, and told apart from text."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence

from search_spaces.names import did_you_mean
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
    """Refuse settings that `target` does not take, and the lack of those that it needs (`TrainableError`).

    The first `skip` parameters and those called as in `given` are no settings: the caller passes them.
    """
    parameters = list(inspect.signature(target).parameters.values())[skip:]
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    known = [key for key in named if key not in given]
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in settings:
        if key in given:
            raise TrainableError(f"{key!r} is no setting of {name}: the caller passes it")
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
    """Refuse a `value` that is no finite number from `low` (itself only without `open_low`) to `high`."""
    kinds = int if whole else (int, float)
    plain = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if plain and low <= value <= high and not (open_low and value == low):  # type: ignore[operator]
        return
    kind = "a whole number" if whole else "a number"
    above = f"above {low:g}" if open_low else f"at least {low:g}"
    most = "" if high == math.inf else f" and at most {high:g}"
    raise TrainableError(f"{name} is {value!r}; it must be {kind} {above}{most}")


def check_name(name: str, value: object, known: Sequence[str]) -> None:
    """Refuse a `value` that is none of `known`."""
    if value not in known:
        hint = did_you_mean(str(value), known) or ";"
        raise TrainableError(f"{name} is {value!r}{hint} known: {', '.join(known)}")


def check_flag(name: str, value: object) -> None:
    """Refuse anything but True and False."""
    if not isinstance(value, bool):
        raise TrainableError(f"{name} is {value!r}; it must be true or false")


def check_mapping(name: str, value: object) -> None:
    """Refuse anything but settings by their names, and None."""
    if value is not None and not (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        raise TrainableError(f'{name} is {value!r}; it must be settings by name, such as {{"nodes": 3}}')


def check_text(name: str, value: object, *, optional: bool = False) -> None:
    """Refuse anything but text that is not empty, and None where it is optional."""
    if not (isinstance(value, str) and value) and not (optional and value is None):
        raise TrainableError(f"{name} is {value!r}; it must be text")


def parse_settings(texts: Sequence[str]) -> dict[str, object]:
    """`["lr=0.1", "data=digits"]` to a dict; a value that is JSON is read as such, all else is text."""
    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise TrainableError(f"{text!r} is no setting; write key=value")
        try:
            settings[key] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            settings[key] = value
    return settings
