"""The language of spaces: `choice`, `integer`, `real`, `subset`, `repeat`, `const`, in dicts and lists.

    Space({"lr": real(1e-4, 1e-1, log=True),
           "layers": repeat({"op": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}}),
                             "width": integer(8, 64, step=8)}, 1, 4)})

A condition needs no syntax of its own, and cannot refer to a missing parameter nor run in a circle: what
depends on an option stands inside that option. These are only declarations. Bounds are judged here, where
they are written; options, names and what needs a path are judged by `Space`, which knows the path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from search_spaces.errors import SpaceError

__all__ = ["choice", "const", "integer", "real", "repeat", "subset"]


class Declared:
    """Anything that the functions below return; a plain dict, list or scalar in a tree means itself."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Const(Declared):
    """A JSON value that is not decided."""

    value: object


@dataclass(frozen=True, slots=True)
class Options:
    """What a choice or a subset chooses from: `(name, subtree)` pairs, the name None where none was given."""

    entries: tuple[tuple[object, object], ...]
    named: bool


@dataclass(frozen=True, slots=True)
class Choice(Declared):
    """One of some options."""

    options: Options


@dataclass(frozen=True, slots=True)
class Subset(Declared):
    """At least `low` and at most `high` of some options, in their order."""

    options: Options
    low: int
    high: int


_RELATIVE = 1e-12
"""How far apart bounds are at least, in shares of themselves: closer ones leave some thousand floats between them."""
_WHOLE = 2**53
"""Up to here a float holds every int."""


@dataclass(frozen=True, slots=True)
class Integer(Declared):
    """An int of `low, low + step, .., high`, both ends included."""

    low: int
    high: int
    step: int
    log: bool


@dataclass(frozen=True, slots=True)
class Real(Declared):
    """A float from `low` to `high`, on a grid if there is a step."""

    low: float
    high: float
    step: float | None
    log: bool


@dataclass(frozen=True, slots=True)
class Repeat(Declared):
    """A list of `low` to `high` decisions of one subtree, each on its own."""

    subtree: object
    low: int
    high: int


def choice(*options: object) -> Choice:
    """One of `options`: `choice("a", "b")`, `choice(["a", "b"])`, or by name: `choice({"conv": {..}})`.

    A plain option is decided as itself, a sub-space as its decided tree, a named one as `{"name": tree}`.
    """
    return Choice(_options(options))


def subset(options: Sequence[object] | Mapping[str, object], k: int | tuple[int, int]) -> Subset:
    """`k` of `options`, or from `k[0]` to `k[1]` of them: decided as the list of those, in their order."""
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
    """An int from `low` to `high`, both included, every `step`; `log` draws evenly over magnitudes."""
    declared = stored_integer(low, high, step, log)
    if max(abs(low), abs(high)) > _WHOLE:
        raise SpaceError(
            f"integer({low!r}, {high!r}): Optuna and tables hold ints as floats, which are exact from -2**53 to 2**53 "
            "only; keep the bounds there: search what is added to a constant, or an exponent"
        )
    return declared


def stored_integer(low: int, high: int, step: int, log: bool) -> Integer:
    """An `integer` as specs hold it: the bounds of older specs may be larger than a float tells apart."""
    said = f"integer({low!r}, {high!r})"
    for name, value in (("low", low), ("high", high), ("step", step)):
        _require_int(said, name, value)
    _require_order(said, low, high)
    _require_log(said, low, log, has_step=step != 1)
    if step < 1:
        raise SpaceError(f"{said} with step={step}: a step is at least 1; leave it out or give a positive one")
    reached = high - (high - low) % step
    _require_reached(said, low, high, step, reached)
    return Integer(low, high, step, log)


def real(low: float, high: float, step: float | None = None, log: bool = False) -> Real:
    """A float from `low` to `high`, both included; with `step` on a grid, with `log` even over magnitudes."""
    declared = stored_real(low, high, step, log)
    if high < low * (1 + _RELATIVE) if log else high - low < _RELATIVE * max(abs(low), abs(high)):
        raise SpaceError(
            f"real({low!r}, {high!r}): between such bounds a float has hardly a value; search what is added to a "
            "constant, from 0 on"
        )
    return declared


def stored_real(low: float, high: float, step: float | None, log: bool) -> Real:
    """A `real` as specs hold it: the bounds of older specs may have hardly a float between them."""
    said = f"real({low!r}, {high!r})"
    for name, value in (("low", low), ("high", high), ("step", 1.0 if step is None else step)):
        _require_number(said, name, value)
    _require_order(said, low, high)
    _require_log(said, low, log, has_step=step is not None)
    if not math.isfinite(high - low):
        raise SpaceError(f"{said}: the range is wider than a float can say; narrow the bounds")
    if step is not None:
        if step > 0 and (low + step == low or high - step == high):
            raise SpaceError(f"{said} with step={step!r}: the step is lost in a float's rounding; use a larger one")
        if step <= 0:
            raise SpaceError(f"{said} with step={step!r}: a step is above 0; leave it out or give a positive one")
        first, last, by = (Decimal(str(float(value))) for value in (low, high, step))
        _require_reached(said, low, high, step, float(last - (last - first) % by))
    return Real(float(low), float(high), None if step is None else float(step), log)


def repeat(subtree: object, low: int, high: int) -> Repeat:
    """A list of `low` to `high` decisions of `subtree`; with `low == high` the length is no decision."""
    said = f"repeat(.., {low!r}, {high!r})"
    for name, value in (("low", low), ("high", high)):
        _require_int(said, name, value)
    if not 0 <= low <= high or high == 0:
        raise SpaceError(f"{said}: the counts must satisfy 0 <= low <= high and high >= 1; swap or raise them")
    return Repeat(subtree, low, high)


def const(value: object) -> Const:
    """A JSON value that stands in every architecture as it is."""
    return Const(value)


def _options(options: tuple[object, ...]) -> Options:
    if len(options) == 1 and isinstance(options[0], Mapping):
        return Options(tuple(options[0].items()), named=True)
    if len(options) == 1 and isinstance(options[0], list | tuple):
        options = tuple(options[0])
    return Options(tuple((None, option) for option in options), named=False)


def _require_int(said: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        remedy = f"write {name}={int(value)}" if isinstance(value, float) and value.is_integer() else "give an int"
        raise SpaceError(f"{said}: {name}={value!r} is a {type(value).__name__}, not an int; {remedy}")


def _require_number(said: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpaceError(f"{said}: {name}={value!r} is a {type(value).__name__}, not a number; give a float")
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise SpaceError(f"{said}: {name}={value!r} is no finite number; give finite bounds")


def _require_order(said: str, low: float, high: float) -> None:
    if low > high:
        raise SpaceError(f"{said}: low {low!r} is above high {high!r}; swap them")
    if low == high:
        raise SpaceError(f"{said}: low equals high, so nothing is decided; write const({low!r})")


def _require_log(said: str, low: float, log: bool, *, has_step: bool) -> None:
    if not isinstance(log, bool):
        raise SpaceError(f"{said}: log={log!r} is a {type(log).__name__}; give True or False")
    if log and low <= 0:
        raise SpaceError(f"{said} with log=True: low {low!r} has no logarithm; raise low above 0 or drop log")
    if log and has_step:
        raise SpaceError(f"{said}: a log scale has no even step; drop step or log")


def _require_reached(said: str, low: float, high: float, step: float, reached: float) -> None:
    if reached != high:
        better = f"use high={reached!r}" if reached > low else "use a smaller step"
        raise SpaceError(f"{said} with step={step!r}: the steps never reach high {high!r}; {better}")
