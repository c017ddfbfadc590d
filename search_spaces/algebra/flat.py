"""The flat parameters of a space: every decision that can be active, by its dotted name, with its arithmetic.

A parameter draws its values, reads a value that a store or an engine returns (16.0 for 16, a NumPy scalar), lists its
values and their nearest alternatives, and converts them to places of a vector. Whether it is active depends on the
tree (`interpreter`).
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from search_spaces.architecture import Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole

__all__ = ["Categorical", "IntegerRange", "Parameter", "RealRange"]

_MISSING = object()


@dataclass(frozen=True, kw_only=True)
class Parameter(ABC):
    """One decision, `kind` one of choice, integer, real. A field that does not apply to the kind is None.

    Attributes:
        name: the dotted name: keys, option names and list indices from the root.
        path: its place in the decided tree, dotted too.
        group: the name of the subset that it is a flag of, else None.
        choices: the options of a choice.
        low: the lowest number.
        high: the highest number, included.
        step: the distance of two numbers; None for a real without a grid.
        log: whether the scale is logarithmic.
        repeats: whether it is the length of a `repeat`.
    """

    kind: ClassVar[str]
    name: str
    path: str
    group: str | None = None
    choices: tuple[Scalar, ...] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    repeats: bool = False

    @property
    @abstractmethod
    def count(self) -> int | None:
        """How many values there are; None for a real without step."""

    @property
    @abstractmethod
    def first(self) -> Scalar:
        """The first option or the lowest number: the value of a parameter that has no decision."""

    @abstractmethod
    def draw(self, rng: random.Random, odds: float | None) -> Scalar:
        """Draw a value at random, evenly on the parameter's scale.

        Args:
            rng: the source of the draw.
            odds: the chance of True, for a flag of a subset; None draws evenly.

        Returns:
            An allowed value.
        """

    @abstractmethod
    def read(self, value: object) -> Scalar:
        """Check a value, and spell it as this parameter does.

        Args:
            value: anything; 16.0 reads as the int 16, a NumPy scalar as a Python one.

        Returns:
            The allowed value that equals it.

        Raises:
            ArchitectureError: the value is not allowed; its `path` is that of the parameter.
        """

    @abstractmethod
    def value(self, index: int) -> Scalar:
        """Look a value up by its index.

        Args:
            index: 0 to `count - 1`.

        Returns:
            The option at this index, or the number that is this number of steps above `low`.
        """

    @abstractmethod
    def alternatives(self, value: Scalar) -> list[Scalar]:
        """List the values one step away.

        Args:
            value: an allowed value.

        Returns:
            Every other option; of numbers the next lower and the next higher one, as far as they are allowed. For a
            real
            without step they lie a tenth of its scale away.
        """

    @abstractmethod
    def width(self) -> int:
        """Count the numbers that it takes in a vector.

        Returns:
            One for each option of a choice; 1 for a number and for a flag of a subset.
        """

    @abstractmethod
    def to_units(self, value: Scalar) -> list[float]:
        """Encode a value for a vector.

        Args:
            value: an allowed value.

        Returns:
            `width()` numbers from 0 to 1: options are one-hot, a number is its place on the (logarithmic) scale.
        """

    @abstractmethod
    def from_units(self, units: list[float]) -> Scalar:
        """Decode numbers of a vector.

        Args:
            units: any `width()` finite numbers.

        Returns:
            The nearest allowed value.
        """

    def _refuse(self, value: object, allowed: str) -> ArchitectureError:
        return ArchitectureError(self.path, f"{value!r} is not allowed; allowed: {allowed}")


@dataclass(frozen=True, kw_only=True)
class Categorical(Parameter):
    """One of several options, which have no order.

    Attributes:
        choices: the options, different from one another.
    """

    kind: ClassVar[str] = "choice"
    choices: tuple[Scalar, ...]
    _by_value: dict[Any, Scalar] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_value", {value: value for value in self.choices})

    @property
    def count(self) -> int:
        return len(self.choices)

    @property
    def first(self) -> Scalar:
        return self.choices[0]

    def draw(self, rng: random.Random, odds: float | None) -> Scalar:
        if odds is None:
            return self.choices[int(rng.random() * len(self.choices))]
        return rng.random() < odds

    def read(self, value: object) -> Scalar:
        value = _unwrapped(value)
        try:
            known: Any = self._by_value.get(value, _MISSING)
        except TypeError:
            known = _MISSING
        if known is _MISSING or isinstance(known, bool) != isinstance(value, bool):
            texts = [choice for choice in self.choices if isinstance(choice, str)]
            close = did_you_mean(value, texts) if isinstance(value, str) else ""
            raise self._refuse(value, ", ".join(map(repr, self.choices)) + close)
        allowed: Scalar = known
        return allowed

    def value(self, index: int) -> Scalar:
        return self.choices[index]

    def alternatives(self, value: Scalar) -> list[Scalar]:
        found: list[Scalar] = []
        for other in self.choices:
            if other is not value and other != value:
                found.append(other)
        return found

    def width(self) -> int:
        return 1 if self.group is not None else len(self.choices)

    def to_units(self, value: Scalar) -> list[float]:
        if self.group is not None:
            return [float(bool(value))]
        return [1.0 if value == other else 0.0 for other in self.choices]

    def from_units(self, units: list[float]) -> Scalar:
        if self.group is not None:
            return units[0] >= 0.5
        return self.choices[max(range(len(units)), key=units.__getitem__)]


@dataclass(frozen=True, kw_only=True)
class IntegerRange(Parameter):
    """An int from `low` to `high` by `step`.

    Attributes:
        low: the lowest int.
        high: the highest int, included.
        step: the distance of two ints.
    """

    kind: ClassVar[str] = "integer"
    low: int
    high: int
    step: int = 1

    @property
    def count(self) -> int:
        return (self.high - self.low) // self.step + 1

    @property
    def first(self) -> int:
        return self.low

    def draw(self, rng: random.Random, odds: float | None) -> int:
        if self.log:
            return self._snap(math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5))))
        return self.low + self.step * rng.randrange(self.count)

    def read(self, value: object) -> int:
        value = _unwrapped(value)
        # Columns with missing values hold ints as floats. Beyond 2^53 one float stands for several ints.
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
            value = int(value)
        if not is_whole(value, self.low, self.high) or (value - self.low) % self.step:
            raise self._refuse(value, self._said())
        return value

    def value(self, index: int) -> int:
        return self.low + self.step * index

    def alternatives(self, value: Scalar) -> list[Scalar]:
        near = (int(value) - self.step, int(value) + self.step)  # type: ignore[arg-type]
        return [other for other in near if self.low <= other <= self.high]

    def width(self) -> int:
        return 1

    def to_units(self, value: Scalar) -> list[float]:
        return [_to_unit(float(value), self.low, self.high, self.log)]  # type: ignore[arg-type]

    def from_units(self, units: list[float]) -> int:
        return self._snap(_from_unit(units[0], self.low, self.high, self.log))

    def _snap(self, value: float) -> int:
        index = round((value - self.low) / self.step)
        return self.low + self.step * min(max(index, 0), self.count - 1)

    def _said(self) -> str:
        return f"ints from {self.low} to {self.high}" + (f" by {self.step}" if self.step != 1 else "")


@dataclass(frozen=True, kw_only=True)
class RealRange(Parameter):
    """A float from `low` to `high`, on the grid `low + k * step` if there is a step.

    Attributes:
        low: the lowest float.
        high: the highest float, included.
    """

    kind: ClassVar[str] = "real"
    low: float
    high: float

    @property
    def count(self) -> int | None:
        return None if self.step is None else round((self.high - self.low) / self.step) + 1

    @property
    def first(self) -> float:
        return self.low

    def draw(self, rng: random.Random, odds: float | None) -> float:
        if self.step is not None:
            return self.value(rng.randrange(self.count or 1))
        if self.log:
            drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return min(max(drawn, self.low), self.high)
        drawn = self.low + (self.high - self.low) * rng.random()
        return min(drawn, self.high)

    def read(self, value: object) -> float:
        value = _unwrapped(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise self._refuse(value, self._said())
        if self.step is None:
            return float(value)
        index = (value - self.low) / self.step
        if abs(index - round(index)) > 1e-6:
            raise self._refuse(value, self._said())
        return self.value(round(index))

    def value(self, index: int) -> float:
        return min(self.low + (self.step or 0.0) * index, self.high)

    def alternatives(self, value: Scalar) -> list[Scalar]:
        if self.step is None:
            unit = self.to_units(value)[0]
            near: list[Scalar] = [self.from_units([unit - 0.1]), self.from_units([unit + 0.1])]
            return [other for other in near if other != value]
        index = round((float(value) - self.low) / self.step)  # type: ignore[arg-type]
        return [self.value(i) for i in (index - 1, index + 1) if 0 <= i < (self.count or 0)]

    def width(self) -> int:
        return 1

    def to_units(self, value: Scalar) -> list[float]:
        return [_to_unit(float(value), self.low, self.high, self.log)]  # type: ignore[arg-type]

    def from_units(self, units: list[float]) -> float:
        value = min(max(_from_unit(units[0], self.low, self.high, self.log), self.low), self.high)
        return value if self.step is None else self.value(round((value - self.low) / self.step))

    def _said(self) -> str:
        return f"floats from {self.low!r} to {self.high!r}" + (f" by {self.step!r}" if self.step is not None else "")


def _unwrapped(value: object) -> object:
    """`value` as a Python scalar if it is a NumPy scalar; else `value`."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()  # type: ignore[attr-defined]
    return value


def _to_unit(value: float, low: float, high: float, log: bool) -> float:
    if log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _from_unit(unit: float, low: float, high: float, log: bool) -> float:
    unit = min(max(unit, 0.0), 1.0)
    if log:
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    return low + unit * (high - low)
