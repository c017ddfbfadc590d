"""The language of spaces: `choice`, `integer`, `real`, `subset`, `repeat`, `const`, in dicts and lists.

    Space({"lr": real(1e-4, 1e-1, log=True),
           "layers": repeat({"op": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}}),
                             "width": integer(8, 64, step=8)}, 1, 4)})

A condition needs no syntax: a parameter that depends on an option is inside that option. So a condition cannot
refer to a missing parameter, and conditions cannot form a circle. The functions return declarations only. They check
bounds; `Space`, which has the path, checks options and names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from search_spaces.errors import SpaceError
from search_spaces.whole_numbers import is_whole

__all__ = ["choice", "const", "integer", "real", "repeat", "subset"]


class Declared:
    """The base of all declarations. A plain dict, list or scalar in a tree stands for itself."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Const(Declared):
    """A JSON value that is not decided.

    Attributes:
        value: the value.
    """

    value: object


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a choice or a subset.

    Attributes:
        entries: `(name, subtree)` pairs; the name is None for unnamed options.
        named: whether the options have names.
    """

    entries: tuple[tuple[object, object], ...]
    named: bool


@dataclass(frozen=True, slots=True)
class Choice(Declared):
    """One of several options.

    Attributes:
        options: the options.
    """

    options: Options


@dataclass(frozen=True, slots=True)
class Subset(Declared):
    """Several of some options, in their order.

    Attributes:
        options: the options.
        low: the least number of chosen options.
        high: the greatest number of chosen options.
    """

    options: Options
    low: int
    high: int


_RELATIVE = 1e-12
"""The least relative distance of bounds: closer ones leave some thousand floats between them."""
_WHOLE = 2**53
"""A float holds every int up to this one."""


@dataclass(frozen=True, slots=True)
class Integer(Declared):
    """An int of `low, low + step, .., high`.

    Attributes:
        low: the lowest int.
        high: the highest int, included.
        step: the distance of two ints.
        log: whether draws are even over magnitudes.
    """

    low: int
    high: int
    step: int
    log: bool


@dataclass(frozen=True, slots=True)
class Real(Declared):
    """A float from `low` to `high`.

    Attributes:
        low: the lowest float.
        high: the highest float, included.
        step: the distance of two floats of the grid; None for no grid.
        log: whether draws are even over magnitudes.
    """

    low: float
    high: float
    step: float | None
    log: bool


@dataclass(frozen=True, slots=True)
class Repeat(Declared):
    """A list of decisions of one subtree, each independent of the others.

    Attributes:
        subtree: the tree of each item.
        low: the least length.
        high: the greatest length.
    """

    subtree: object
    low: int
    high: int


def choice(*options: object) -> Choice:
    """Declare a decision for one of several options.

    A plain option is decided as itself, a sub-space as its decided tree, a named option as `{"name": tree}`.

    Args:
        *options: the options, or one list of them: `choice("a", "b")`, `choice(["a", "b"])`; or one dict from names to
            sub-spaces: `choice({"conv": {..}})`.

    Returns:
        The declaration.
    """
    return Choice(_options(options))


def subset(options: Sequence[object] | Mapping[str, object], k: int | tuple[int, int]) -> Subset:
    """Declare a decision for several options; it is decided as their list, in the order of `options`.

    Args:
        options: a list of options, or a dict from names to sub-spaces.
        k: the number of chosen options, or its least and greatest value.

    Returns:
        The declaration.

    Raises:
        SpaceError: `k` is not an int, or does not fit the number of options.
    """
    kept = _options((options,))
    low, high = k if isinstance(k, tuple) and len(k) == 2 else (k, k)
    _require_int("subset", "k", low)
    _require_int("subset", "k", high)
    count = len(kept.entries)
    if not 0 <= low <= high <= count or high == 0:
        raise SpaceError(
            f"subset of {count} options with k={k!r}: k lies between 1 and {count}; change k or the options"
        )
    return Subset(kept, low, high)


def integer(low: int, high: int, step: int = 1, log: bool = False) -> Integer:
    """Declare a decision for an int.

    Args:
        low: the lowest int.
        high: the highest int, included; it must be a multiple of `step` above `low`.
        step: the distance of two ints.
        log: draw evenly over magnitudes; it needs `low` above 0 and no `step`.

    Returns:
        The declaration.

    Raises:
        SpaceError: an argument breaks these rules, or a bound lies beyond 2^53, where floats are not exact.
    """
    declared = stored_integer(low, high, step, log)
    if max(abs(low), abs(high)) > _WHOLE:
        raise SpaceError(
            f"integer({low!r}, {high!r}): Optuna and tables hold ints as floats, which are exact from -2**53 to 2**53 "
            "only; keep the bounds in this range: search a number and add a constant to it, or search an exponent"
        )
    return declared


def stored_integer(low: int, high: int, step: int, log: bool) -> Integer:
    """Declare an `integer` that is read from a spec: bounds in specs of older versions may lie beyond 2^53.

    Args:
        low: the lowest int.
        high: the highest int, included.
        step: the distance of two ints.
        log: draw evenly over magnitudes.

    Returns:
        The declaration.

    Raises:
        SpaceError: an argument breaks a rule of `integer`.
    """
    call = f"integer({low!r}, {high!r})"
    for name, value in (("low", low), ("high", high), ("step", step)):
        _require_int(call, name, value)
    _require_order(call, low, high)
    _require_log(call, low, log, has_step=step != 1)
    if step < 1:
        raise SpaceError(f"{call} with step={step}: a step is at least 1; leave it out or give a positive one")
    reached = high - (high - low) % step
    _require_reached(call, low, high, step, reached)
    return Integer(low, high, step, log)


def real(low: float, high: float, step: float | None = None, log: bool = False) -> Real:
    """Declare a decision for a float.

    Args:
        low: the lowest float.
        high: the highest float, included; with `step` it must lie on the grid.
        step: the distance of two floats of the grid; None for no grid.
        log: draw evenly over magnitudes; it needs `low` above 0 and no `step`.

    Returns:
        The declaration.

    Raises:
        SpaceError: an argument breaks these rules, or hardly a float lies between the bounds.
    """
    declared = stored_real(low, high, step, log)
    if high < low * (1 + _RELATIVE) if log else high - low < _RELATIVE * max(abs(low), abs(high)):
        raise SpaceError(
            f"real({low!r}, {high!r}): too few floats lie between these bounds; search a number from 0 on "
            "and add a constant to it"
        )
    return declared


def stored_real(low: float, high: float, step: float | None, log: bool) -> Real:
    """Declare a `real` that is read from a spec: in specs of older versions the bounds may lie closer than in `real`.

    Args:
        low: the lowest float.
        high: the highest float, included.
        step: the distance of two floats of the grid; None for no grid.
        log: draw evenly over magnitudes.

    Returns:
        The declaration.

    Raises:
        SpaceError: an argument breaks a rule of `real`.
    """
    call = f"real({low!r}, {high!r})"
    for name, value in (("low", low), ("high", high), ("step", 1.0 if step is None else step)):
        _require_number(call, name, value)
    _require_order(call, low, high)
    _require_log(call, low, log, has_step=step is not None)
    if not math.isfinite(high - low):
        raise SpaceError(f"{call}: the range is wider than the largest float; narrow the bounds")
    if step is not None:
        if step > 0 and (low + step == low or high - step == high):
            raise SpaceError(f"{call} with step={step!r}: the step is lost in a float's rounding; use a larger one")
        if step <= 0:
            raise SpaceError(f"{call} with step={step!r}: a step is above 0; leave it out or give a positive one")
        first, last, by = (Decimal(str(float(value))) for value in (low, high, step))
        _require_reached(call, low, high, step, float(last - (last - first) % by))
    return Real(float(low), float(high), None if step is None else float(step), log)


def repeat(subtree: object, low: int, high: int) -> Repeat:
    """Declare a list of decisions of one subtree, each independent of the others.

    Args:
        subtree: the tree of each item.
        low: the least length, 0 or more.
        high: the greatest length, 1 or more. If it equals `low`, the length is fixed.

    Returns:
        The declaration.

    Raises:
        SpaceError: a length is not an int, or the two break these rules.
    """
    call = f"repeat(.., {low!r}, {high!r})"
    for name, value in (("low", low), ("high", high)):
        _require_int(call, name, value)
    if not 0 <= low <= high or high == 0:
        raise SpaceError(f"{call}: the counts must satisfy 0 <= low <= high and high >= 1; swap or raise them")
    return Repeat(subtree, low, high)


def const(value: object) -> Const:
    """Declare a JSON value that every architecture holds, such as a list of plain values.

    Args:
        value: the value.

    Returns:
        The declaration.
    """
    return Const(value)


def _options(options: tuple[object, ...]) -> Options:
    if len(options) == 1 and isinstance(options[0], Mapping):
        return Options(tuple(options[0].items()), named=True)
    if len(options) == 1 and isinstance(options[0], list | tuple):
        options = tuple(options[0])
    return Options(tuple((None, option) for option in options), named=False)


def _require_int(call: str, name: str, value: object) -> None:
    if not is_whole(value):
        remedy = f"write {name}={int(value)}" if isinstance(value, float) and value.is_integer() else "give an int"
        raise SpaceError(f"{call}: {name}={value!r} is a {type(value).__name__}, not an int; {remedy}")


def _require_number(call: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpaceError(f"{call}: {name}={value!r} is a {type(value).__name__}, not a number; give a float")
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise SpaceError(f"{call}: {name}={value!r} is not a finite number; give finite bounds")


def _require_order(call: str, low: float, high: float) -> None:
    if low > high:
        raise SpaceError(f"{call}: low {low!r} is above high {high!r}; swap them")
    if low == high:
        raise SpaceError(f"{call}: low equals high, so nothing is decided; write const({low!r})")


def _require_log(call: str, low: float, log: bool, *, has_step: bool) -> None:
    if not isinstance(log, bool):
        raise SpaceError(f"{call}: log={log!r} is a {type(log).__name__}; give True or False")
    if log and low <= 0:
        raise SpaceError(f"{call} with log=True: low {low!r} has no logarithm; raise low above 0 or drop log")
    if log and has_step:
        raise SpaceError(f"{call}: a log scale has no even step; drop step or log")


def _require_reached(call: str, low: float, high: float, step: float, reached: float) -> None:
    if reached != high:
        better = f"use high={reached!r}" if reached > low else "use a smaller step"
        raise SpaceError(f"{call} with step={step!r}: the steps never reach high {high!r}; {better}")
