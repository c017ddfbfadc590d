"""The reader that all formats share: a member from named values that another program may have spelled differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from search_spaces.algebra.flat import Categorical, Parameter
from search_spaces.algebra.printing import alike
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean
from search_spaces.space import Space

__all__ = ["is_missing", "member", "read_as"]

_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def member(space: Space, values: Mapping[str, object], key_of: Callable[[str], str], source: str) -> Architecture:
    """Make the member that named values decide.

    Args:
        space: the space.
        values: a value by parameter name; every active parameter needs one.
        key_of: returns the key under which the source has a parameter, for errors.
        source: what the values come from, for errors: "the trial".

    Returns:
        The member.

    Raises:
        ArchitectureError: an active parameter has no value or one that is not allowed, or the rule refuses the tree.
    """

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        key = key_of(parameter.name)
        if parameter.name not in values:
            others = [key_of(name) for name in values if name not in space._by_name]
            raise ArchitectureError(parameter.path, _lacking(source, key, parameter, others))
        value = values[parameter.name]
        if is_missing(value) and None not in (parameter.choices or ()):
            raise ArchitectureError(parameter.path, _lacking(source, key, parameter, ()))
        return read_as(parameter, None if is_missing(value) else value, key)

    return space._checked(space._root.build(decide))


def read_as(parameter: Parameter, value: object, key: str) -> Scalar:
    """Read a value of another program as a parameter spells it.

    Args:
        parameter: the parameter.
        value: the value; text and floats are converted.
        key: the key of the value, for errors.

    Returns:
        The allowed value that it stands for.

    Raises:
        ArchitectureError: it stands for no allowed value.
    """
    try:
        return parameter.read(_respelled(parameter, value))
    except ArchitectureError as error:
        raise ArchitectureError(error.path, f"{key!r}: {error.reason}") from None


def is_missing(value: object) -> bool:
    """Tell whether a value stands for no value.

    Args:
        value: a value of a table.

    Returns:
        True for None, NaN, and pandas' NA and NaT.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _respelled(parameter: Parameter, value: object) -> object:
    if isinstance(parameter, Categorical):
        if all(isinstance(choice, bool) for choice in parameter.choices):
            return _TRUTHS.get(str(value).lower(), value)
        return _option(parameter, value)
    return _number(value) if isinstance(value, str) else value


def _option(parameter: Categorical, value: object) -> object:
    """The option that prints as the value does; if there is none, the value, which the caller refuses.

    Spaces of older runs may have options that print alike: a text of two of them is refused here.
    """
    if isinstance(value, float) and value not in parameter.choices:
        floats = [choice for choice in parameter.choices if isinstance(choice, float)]
        near = [choice for choice in floats if f"{choice:.15g}" == f"{value:.15g}"]
        return near[0] if len(near) == 1 else value
    if not isinstance(value, str):
        return value
    if value in parameter.choices:
        others = [choice for choice in parameter.choices if not isinstance(choice, str) and alike(choice, value)]
        if others:
            said = f"{value!r} may be the text {value!r} or {others[0]!r}, which print alike"
            raise ArchitectureError(parameter.path, f"{said}; read the column `architecture`, which tells them apart")
        return value
    found = [choice for choice in parameter.choices if str(choice) == value]
    return found[0] if len(found) == 1 else value


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _lacking(source: str, key: str, parameter: Parameter, others: Iterable[str]) -> str:
    return f"{source} has no value for {key!r}{did_you_mean(key, others)}; allowed: {_allowed(parameter)}"


def _allowed(parameter: Parameter) -> str:
    if parameter.choices is not None:
        return ", ".join(map(repr, parameter.choices))
    return f"{parameter.low!r} to {parameter.high!r}"
