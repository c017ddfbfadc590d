"""A space as a policy sees it: one question after another, in the order of the tree, each with a few answers.

The questions of an architecture are its active decisions, so conditions need no care: what is not active is not
asked. Numbers with many values are answered by a bin, and drawn evenly inside it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from search_spaces import Parameter, Space
from search_spaces.architecture import Scalar

__all__ = ["Batch", "Questions", "Step", "batch_of"]

_MOST_ANSWERS = 24
_BINS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One decision.

    Attributes:
        question: which parameter was decided, by its index in the space.
        answer: which of its answers was given.
        lean: what is added to the log-odds of the question's last answer, so that an untaught policy is even over
            subsets; 0 for all but flags of subsets.
    """

    question: int
    answer: int
    lean: float


class Questions:
    """The questions of a space, one a parameter, and between their answers and the parameters' values."""

    _kept: ClassVar[WeakKeyDictionary[Space, Questions]] = WeakKeyDictionary()

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.answers = [_count(parameter) for parameter in parameters]
        """How many answers each question has."""
        self._index = {parameter.name: index for index, parameter in enumerate(parameters)}
        self._by_value: list[dict[Scalar, int]] = [
            {parameter.value(answer): answer for answer in range(count)} if count == parameter.count else {}
            for parameter, count in zip(parameters, self.answers, strict=True)
        ]

    @classmethod
    def of(cls, space: Space) -> Questions:
        """The questions of `space`, worked out once."""
        if space not in cls._kept:
            cls._kept[space] = cls(space.parameters)
        return cls._kept[space]

    def read(self, space: Space, params: Mapping[str, Scalar]) -> list[Step]:
        """The steps that lead to these parameters; what is missing has its first value."""
        steps: list[Step] = []

        def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
            value = params.get(parameter.name, parameter.first)
            index = self._index[parameter.name]
            if self.answers[index] > 1:
                steps.append(Step(index, self._answer(parameter, index, value), _lean(odds)))
            return value

        space._root.build(decide)
        return steps

    def params(self, space: Space, rng: random.Random, answer: Callable[[int, float], int]) -> dict[str, Scalar]:
        """The parameters that `answer(question, lean)` leads to, asked step by step."""
        params: dict[str, Scalar] = {}

        def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
            index = self._index[parameter.name]
            answered = answer(index, _lean(odds)) if self.answers[index] > 1 else 0
            value = params[parameter.name] = self._value(parameter, index, answered, rng)
            return value

        space._root.build(decide)
        return params

    def _answer(self, parameter: Parameter, index: int, value: Scalar) -> int:
        known = self._by_value[index]
        return known[value] if known else min(int(parameter.to_units(value)[0] * _BINS), _BINS - 1)

    def _value(self, parameter: Parameter, index: int, answer: int, rng: random.Random) -> Scalar:
        if self._by_value[index]:
            return parameter.value(answer)
        return parameter.from_units([(answer + rng.random()) / _BINS])


@dataclass(frozen=True, slots=True)
class Batch:
    """Architectures as arrays of shape (architectures, steps); `active` is 0 where one has ended already."""

    questions: NDArray[np.int64]
    answers: NDArray[np.int64]
    leans: NDArray[np.float64]
    active: NDArray[np.float64]


def batch_of(architectures: Sequence[Sequence[Step]]) -> Batch:
    """The decisions of several architectures, the shorter ones filled up."""
    shape = len(architectures), max(map(len, architectures), default=0)
    batch = Batch(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape))
    for row, steps in enumerate(architectures):
        for column, step in enumerate(steps):
            batch.questions[row, column], batch.answers[row, column] = step.question, step.answer
            batch.leans[row, column], batch.active[row, column] = step.lean, 1.0
    return batch


def _count(parameter: Parameter) -> int:
    count = parameter.count
    if parameter.choices is not None or (count is not None and count <= _MOST_ANSWERS):
        return count or 1
    return _BINS


def _lean(odds: float | None) -> float:
    """Flags of subsets are answered with False or True, in this order."""
    return 0.0 if odds is None else math.log(odds / (1.0 - odds))
