"""Limits: bounds on what a network costs, and on reported metrics, that the result of a search must keep.

    limits = { parameters = "100k", latency = "5ms", dice_anterior = ">= 0.8" }

A quantity of `trainables.costs.quantities` is bounded on its better side: at most 100,000 parameters, at least 30
frames a second. Any other name is a reported metric and needs a comparison. A network that breaks a limit ranks behind
all that keep them, and among its like by how far it exceeds them (Deb, "An efficient constraint handling method for
genetic algorithms", 2000).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean
from trainables.costs.quantities import QUANTITIES, read_value, write_value
from trainables.errors import TrainableError

__all__ = ["Limit", "conditions_of", "excess", "limits_of", "limits_text", "scores_within", "violation"]

_COMPARED = re.compile(r"\s*(<=|>=|≤|≥)\s*(.+)")
_JOINED = re.compile(r"\s+and\s+|\s*,\s*", re.IGNORECASE)
_CONDITION = re.compile(r"\s*(?P<name>[^\s<>=≤≥]+)\s*(?P<sign><=|>=|≤|≥)\s*(?P<bound>[^<>=]+)")
_OTHER_SIGNS = re.compile(r"\s*(==|=|<|>|!=)")
_FAR = 1e3
"""The ratio that stands for a value that is missing or infinitely far beyond a limit."""
_BEHIND = 1e100
"""A score below every value of a metric, and small enough to be squared."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on one quantity or metric.

    Attributes:
        name: of the quantity or metric.
        sense: "<=" for at most, ">=" for at least.
        bound: the bound, in the kept unit of the quantity.
    """

    name: str
    sense: Literal["<=", ">="]
    bound: float

    def ratio(self, value: float) -> float:
        """Compute how far a value lies beyond the bound.

        Args:
            value: of the quantity.

        Returns:
            A number that is at most 1 if the value keeps the limit. For positive values and bounds it is the ratio of
            the value to the bound, or of the bound to the value where more is better.
        """
        if math.isnan(value):
            return _FAR
        if value == self.bound:
            return 1.0
        if self.bound > 0 and value > 0:
            return min(value / self.bound if self.sense == "<=" else self.bound / value, _FAR)
        beyond = value - self.bound if self.sense == "<=" else self.bound - value
        return min(1 + beyond / max(abs(self.bound), 1.0), _FAR)

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps the limit.

        Args:
            value: of the quantity.

        Returns:
            True if it does; False for NaN.
        """
        return value <= self.bound if self.sense == "<=" else value >= self.bound

    @property
    def text(self) -> str:
        """The limit for people, such as "latency <= 5 ms"."""
        return f"{self.name} {self.sense} {write_value(self.name, self.bound)}"


def limits_of(given: Mapping[str, object]) -> tuple[Limit, ...]:
    """Read limits as a configuration has them.

    Args:
        given: a bound by the name of a quantity or metric.

    Returns:
        The limits, in the order given.

    Raises:
        ConfigError: a bound is none, or its unit is not one of the quantity.
    """
    return tuple(_read(name, value) for name, value in given.items())


def conditions_of(given: str | Mapping[str, object], of: str = "where") -> tuple[Limit, ...]:
    """Read the conditions of a choice among trials.

    Args:
        given: comparisons joined by "and" or commas, such as "latency <= 5ms and accuracy >= 0.9"; or limits by name.
        of: the name of the argument, for errors.

    Returns:
        The conditions, in the order given.

    Raises:
        ConfigError: it is no text and no mapping, or a part is no comparison.
    """
    if isinstance(given, Mapping):
        return limits_of(given)
    if not isinstance(given, str):
        raise ConfigError(f"{of}: got {given!r}; give a text, as in 'latency <= 5ms and accuracy >= 0.9', or a dict")
    found = []
    for part in _JOINED.split(given.strip()):
        match = _CONDITION.fullmatch(part)
        if match is None:
            raise ConfigError(
                f"{of}: {part.strip()!r} is no comparison of a column with a bound; write it as in "
                "'latency <= 5ms and accuracy >= 0.9'"
            )
        name, sign, bound = match["name"], match["sign"], match["bound"].strip()
        sense: Literal["<=", ">="] = "<=" if sign in ("<=", "≤") else ">="
        try:
            value = read_value(name, bound) if name in QUANTITIES else float(bound)
        except (TrainableError, ValueError) as error:
            raise ConfigError(f"{of}: {part.strip()!r}: {error}") from error
        found.append(Limit(name, sense, value))
    return tuple(found)


def excess(values: Mapping[str, float], limits: Sequence[Limit]) -> float:
    """Compute how far costs lie beyond limits.

    Args:
        values: by name; a missing one counts as far beyond.
        limits: the limits.

    Returns:
        The greatest ratio of all limits; at most 1 if all are kept, and 0 without limits.
    """
    return max((one.ratio(values.get(one.name, math.nan)) for one in limits), default=0.0)


def violation(values: Mapping[str, float], limits: Sequence[Limit]) -> float:
    """Compute by how much values break limits.

    Args:
        values: by name; a missing one counts as far beyond.
        limits: the limits.

    Returns:
        The sum of the shares by which bounds are exceeded; 0 if all are kept.
    """
    broken = 0.0
    for one in limits:
        value = values.get(one.name, math.nan)
        if not one.holds(value):
            broken += max(one.ratio(value) - 1, 1e-12)
    return broken


def scores_within(scores: tuple[float, ...], broken: float) -> tuple[float, ...]:
    """Put the scores of a network that breaks limits behind all that keep them.

    Args:
        scores: one for each objective; greater is better.
        broken: the `violation` of the network.

    Returns:
        The scores, if `broken` is 0; else scores below every value of a metric, the lower the more is broken.
    """
    return scores if broken == 0 else (-_BEHIND * (1 + broken),) * len(scores)


def limits_text(limits: Sequence[Limit]) -> str:
    """Write limits for people.

    Args:
        limits: the limits.

    Returns:
        The text, such as "latency <= 5 ms, parameters <= 100 k".
    """
    return ", ".join(one.text for one in limits)


def _read(name: str, value: object) -> Limit:
    sign, bound = _parted(value)
    if name in QUANTITIES:
        better: Literal["<=", ">="] = "<=" if QUANTITIES[name].metric.mode == "min" else ">="
        if sign not in ("", better):
            raise ConfigError(
                f"{name}: got {value!r}, but {'less' if better == '<=' else 'more'} of it is better; write {bound!r} "
                f"for {better} {bound}"
            )
        try:
            return Limit(name, better, read_value(name, bound))
        except TrainableError as error:
            raise ConfigError(str(error)) from error
    number = _number(bound)
    if not sign or number is None:
        close = did_you_mean(name, QUANTITIES) or ";"
        raise ConfigError(
            f"{name}: got {value!r}, and it is no quantity{close} quantities are {', '.join(QUANTITIES)}; a limit on "
            "another metric is a comparison with a number, such as '>= 0.8'"
        )
    return Limit(name, "<=" if sign == "<=" else ">=", number)


def _parted(value: object) -> tuple[str, object]:
    """The comparison sign of a bound, empty without one, and what follows it."""
    match = _COMPARED.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return {"≤": "<=", "≥": ">="}.get(match[1], match[1]), match[2].strip()
    if isinstance(value, str) and (other := _OTHER_SIGNS.match(value)):
        raise ConfigError(f"got {value!r}; the comparison is '<=' or '>=', not {other[1]!r}")
    return "", value


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
