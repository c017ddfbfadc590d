"""Undecided numbers: `ValueChoice`, and values that are derived from one by arithmetic or a function.

    width = ValueChoice([8, 16], label="width")
    nn.Conv2d(3, width * 2, 3); nn.Linear((width + 1).map(int), 10)

A value object that is used in two places is one decision. It refuses to be used as a plain number, since the number
could not be decided later; the error says what to write instead.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from search_spaces.architecture import Json, plain_json
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.nn.labels import read_label

__all__ = ["DECIDED", "Derived", "Valuation", "Value", "ValueChoice", "current", "distinct_choices", "possible_values"]

DECIDED = "search_spaces.nn: the decided values"
"""The key of a `Valuation` in the memo of a `copy.deepcopy`. With it, the copy of a value is a number."""

REMEDY = (
    "is not decided yet and cannot be used as a value: import the layer that takes it from search_spaces.nn, in the "
    "place of torch.nn; compute with + - * / // ** or .map(function); write Repeat(block, depth) for a number of "
    "layers, LayerChoice for a condition, and current(value) in a forward"
)

# To a type checker an undecided value fits wherever a number does.
_Anything: Any = Any if TYPE_CHECKING else object


class Valuation(Protocol):
    """A function from a `ValueChoice` to its decided candidate."""

    def __call__(self, choice: ValueChoice, /) -> Any: ...


def _operator(function: Callable[..., Any]) -> Callable[[Value, Any], Derived]:
    return lambda value, other: value._combined(function, value, other)


def _reflected(function: Callable[..., Any]) -> Callable[[Value, Any], Derived]:
    return lambda value, other: value._combined(function, other, value)


class Value(_Anything):  # type: ignore[misc]
    """The base of `ValueChoice` and of derived values: arithmetic, functions, and errors for use as a number.

    A comparison such as `<` is a value too, for `condition`. `==` compares the objects.
    """

    def choices(self) -> Iterator[ValueChoice]:
        """List the choices that the value depends on.

        Yields:
            Each choice, as often as it occurs.
        """
        raise NotImplementedError

    def at(self, valuation: Valuation) -> Any:
        """Compute the value.

        Args:
            valuation: gives the decided candidate of every choice.

        Returns:
            The number.
        """
        raise NotImplementedError

    @property
    def largest(self) -> Any:
        """The value where every choice is at its largest: undecided layers are built with it."""
        return self.at(lambda choice: choice.largest)

    @property
    def now(self) -> Any:
        """The value in the present forward: at its largest, unless a supernet decides it."""
        return self.at(lambda choice: choice.now)

    def map(self, function: Callable[[Any], Any]) -> Derived:
        """Derive a value by a function.

        Args:
            function: takes the number.

        Returns:
            The value `function(self)`.
        """
        return Derived(function, (self,))

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        decided = memo.get(DECIDED)
        return self._copied(memo) if decided is None else self.at(decided)

    def _copied(self, memo: dict[Any, Any]) -> Value:
        raise NotImplementedError

    def _combined(self, function: Callable[..., Any], left: object, right: object) -> Derived:
        for operand in (left, right):
            if isinstance(operand, Tensor) or not isinstance(operand, int | float | Value):
                raise TypeError(f"{self!r} {REMEDY} (its partner here is a {type(operand).__name__})")
        return Derived(function, (left, right))

    __add__, __radd__ = _operator(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _operator(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _operator(operator.mul), _reflected(operator.mul)
    __floordiv__, __rfloordiv__ = _operator(operator.floordiv), _reflected(operator.floordiv)
    __truediv__, __rtruediv__ = _operator(operator.truediv), _reflected(operator.truediv)
    __pow__, __rpow__ = _operator(operator.pow), _reflected(operator.pow)
    __lt__, __le__ = _operator(operator.lt), _operator(operator.le)
    __gt__, __ge__ = _operator(operator.gt), _operator(operator.ge)

    def __neg__(self) -> Derived:
        return Derived(operator.neg, (self,))

    def __abs__(self) -> Derived:
        return Derived(abs, (self,))

    def __round__(self, digits: int | None = None) -> Derived:
        return Derived(round, (self, digits))

    def __getitem__(self, index: int) -> Derived:
        return Derived(operator.getitem, (self, index))

    @staticmethod
    def max(*numbers: Any) -> Any:
        """Derive the largest of numbers and values.

        Args:
            numbers: at least two.

        Returns:
            A value if one of them is a value, else a number.
        """
        return _derived(max, *numbers)

    @staticmethod
    def min(*numbers: Any) -> Any:
        """Derive the smallest of numbers and values.

        Args:
            numbers: at least two.

        Returns:
            A value if one of them is a value, else a number.
        """
        return _derived(min, *numbers)

    @staticmethod
    def to_int(number: Any) -> Any:
        """Derive a whole number, rounded towards zero.

        Args:
            number: a number or a value.

        Returns:
            A value for a value, else a number.
        """
        return _derived(int, number)

    @staticmethod
    def to_float(number: Any) -> Any:
        """Derive a floating-point number.

        Args:
            number: a number or a value.

        Returns:
            A value for a value, else a number.
        """
        return _derived(float, number)

    @staticmethod
    def condition(test: Any, then: Any, otherwise: Any) -> Any:
        """Derive a value that depends on a test.

        Args:
            test: a comparison such as `width < 16`, or a bool.
            then: a number or a value, where the test holds.
            otherwise: a number or a value, where it does not.

        Returns:
            A value if one of the three is a value, else `then` or `otherwise`.
        """
        return _derived(_chosen, test, then, otherwise)

    def _refuse(self, *_: object) -> Any:
        raise TypeError(f"{self!r} {REMEDY}")

    __index__ = __int__ = __float__ = __bool__ = __iter__ = __len__ = _refuse
    __mod__ = __rmod__ = _refuse  # Layers of torch.nn check channels and groups by %.

    @classmethod
    def __torch_function__(cls, function: object, *_: object) -> Any:
        raise TypeError(f"{getattr(function, '__name__', function)}: a {cls.__name__} {REMEDY}")


def _derived(function: Callable[..., Any], *operands: Any) -> Any:
    return Derived(function, operands) if any(isinstance(o, Value) for o in operands) else function(*operands)


def _chosen(test: Any, then: Any, otherwise: Any) -> Any:
    return then if test else otherwise


class ValueChoice(Value):
    """One of several candidates: an argument of a layer, the depth of a `Repeat`, an attribute of a module.

    A supernet sets `relaxed` to a function that gives the index of the present candidate; it is None outside a
    supernet.

    Args:
        candidates: JSON values; a tuple is written as a list, and returned as a tuple.
        label: the name of the decision; None names it after the attribute that holds it, else after layer and argument.

    Raises:
        SpaceError: there are no candidates, one is not JSON, or the label is not valid.
    """

    relaxed: Callable[[], int] | None = None

    def __init__(self, candidates: Sequence[Any], label: str | None = None) -> None:
        if isinstance(candidates, str) or not isinstance(candidates, Sequence) or not candidates:
            raise SpaceError(f"ValueChoice({candidates!r}): give a list of at least one value to choose from")
        self.candidates = tuple(candidates)
        self.label = read_label(label, "ValueChoice")
        self.options: list[Json] = [self._option(candidate) for candidate in candidates]
        """The candidates as JSON, as in an architecture."""

    @property
    def largest(self) -> Any:
        """The largest candidate; the first one if not all are numbers."""
        numbers = all(isinstance(candidate, int | float) for candidate in self.candidates)
        return max(self.candidates) if numbers else self.candidates[0]

    @property
    def now(self) -> Any:
        return self.largest if self.relaxed is None else self.candidates[self.relaxed()]

    def candidate(self, option: Json) -> Any:
        """Find a candidate.

        Args:
            option: the candidate as JSON, as in an architecture.

        Returns:
            The candidate.
        """
        return self.candidates[self.options.index(option)]

    def choices(self) -> Iterator[ValueChoice]:
        yield self

    def at(self, valuation: Valuation) -> Any:
        return valuation(self)

    def _option(self, candidate: Any) -> Json:
        try:
            return plain_json(candidate)
        except ArchitectureError as error:
            remedy = "choose among names and .map() them to what they mean"
            raise SpaceError(f"ValueChoice: the candidate {candidate!r} is not JSON; {remedy}") from error

    def _copied(self, memo: dict[Any, Any]) -> ValueChoice:
        copied = copy.copy(self)
        copied.relaxed = copy.deepcopy(self.relaxed, memo)
        return copied

    def __repr__(self) -> str:
        label = "" if self.label is None else f", label={self.label!r}"
        return f"ValueChoice({list(self.candidates)!r}{label})"


class Derived(Value):
    """A function of several operands, at least one of them a value.

    Args:
        function: takes the numbers; it must be importable if the value is pickled.
        operands: numbers and values.
    """

    def __init__(self, function: Callable[..., Any], operands: tuple[Any, ...]) -> None:
        self.function = function
        self.operands = operands

    def choices(self) -> Iterator[ValueChoice]:
        for operand in self.operands:
            if isinstance(operand, Value):
                yield from operand.choices()

    def at(self, valuation: Valuation) -> Any:
        return self.function(*(o.at(valuation) if isinstance(o, Value) else o for o in self.operands))

    def _copied(self, memo: dict[Any, Any]) -> Derived:
        return Derived(self.function, tuple(copy.deepcopy(operand, memo) for operand in self.operands))

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"{name}({', '.join(map(repr, self.operands))})"


def distinct_choices(value: Value) -> list[ValueChoice]:
    """List the choices that a value depends on, those with one label once.

    Args:
        value: any value.

    Returns:
        The choices.
    """
    return list({choice.label or id(choice): choice for choice in value.choices()}.values())


def possible_values(value: Value) -> Iterator[tuple[list[Json], Any]]:
    """List every combination of the `distinct_choices` of a value.

    Args:
        value: any value.

    Yields:
        The options in the order of the choices, and the number for them.
    """
    choices = distinct_choices(value)
    for candidates in product(*(choice.candidates for choice in choices)):
        pairs = list(zip(choices, candidates, strict=True))
        decided = {choice.label or id(choice): taken for choice, taken in pairs}
        options = [choice.options[choice.candidates.index(taken)] for choice, taken in pairs]
        yield options, value.at(lambda choice, decided=decided: decided[choice.label or id(choice)])


def current(value: Any) -> Any:
    """Get the number to compute with in a forward.

    An attribute is a `ValueChoice` in the undecided module and a number in a frozen one. A forward with
    `current(attribute)` runs in both.

    Args:
        value: a value or a number.

    Returns:
        A value at its largest, or as a supernet decides it; a number unchanged.
    """
    return value.now if isinstance(value, Value) else value
