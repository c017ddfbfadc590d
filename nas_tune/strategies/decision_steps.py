"""An architecture as the steps of a policy: its active decisions in the order of the tree, each with a few actions.

Inactive decisions are not steps, so conditions need no special care. The actions of a number with many values are bins;
the value is drawn uniformly inside the bin.
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

__all__ = ["DecisionCodes", "Step", "StepBatch", "batch_of"]

_MOST_ACTIONS = 24
_BINS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A decision and its action.

    Attributes:
        decision: the index of the decided parameter in the space.
        action: the index of the action among those of the decision.
        offset: what is added to the log-odds of the decision's last action, so that an untrained policy is uniform over
            subsets; 0 for all decisions but the flags of subsets.
    """

    decision: int
    action: int
    offset: float


class DecisionCodes:
    """The decisions of a space, one for each parameter; it converts values of parameters to actions and back.

    Args:
        parameters: the parameters of the space.
    """

    _kept: ClassVar[WeakKeyDictionary[Space, DecisionCodes]] = WeakKeyDictionary()

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.actions = [_count(parameter) for parameter in parameters]
        """The number of actions of each decision."""
        self._index = {parameter.name: index for index, parameter in enumerate(parameters)}
        self._by_value: list[dict[Scalar, int]] = []
        for parameter, count in zip(parameters, self.actions, strict=True):
            is_exact = count == parameter.count
            self._by_value.append({parameter.value(action): action for action in range(count)} if is_exact else {})

    @classmethod
    def of(cls, space: Space) -> DecisionCodes:
        """Return the kept decisions of a space.

        Args:
            space: the space.

        Returns:
            The decisions.
        """
        if space not in cls._kept:
            cls._kept[space] = cls(space.parameters)
        return cls._kept[space]

    def read(self, space: Space, params: Mapping[str, Scalar]) -> list[Step]:
        """Convert the parameters of an architecture to steps.

        Args:
            space: the space.
            params: the values by name; a missing active parameter has its first value.

        Returns:
            The steps of the active decisions that have more than one action, in the order of the tree.
        """
        steps: list[Step] = []

        def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
            value = params.get(parameter.name, parameter.first)
            index = self._index[parameter.name]
            if self.actions[index] > 1:
                steps.append(Step(index, self._action(parameter, index, value), _offset(odds)))
            return value

        space._root.build(decide)
        return steps

    def params(self, space: Space, rng: random.Random, choose: Callable[[int, float], int]) -> dict[str, Scalar]:
        """Build the parameters of an architecture step by step.

        Args:
            space: the space.
            rng: draws values inside bins.
            choose: takes the index of a decision and its logit offset; returns the index of an action.

        Returns:
            The values of the active parameters by name.
        """
        params: dict[str, Scalar] = {}

        def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
            index = self._index[parameter.name]
            action = choose(index, _offset(odds)) if self.actions[index] > 1 else 0
            value = params[parameter.name] = self._value(parameter, index, action, rng)
            return value

        space._root.build(decide)
        return params

    def _action(self, parameter: Parameter, index: int, value: Scalar) -> int:
        known = self._by_value[index]
        return known[value] if known else min(int(parameter.to_units(value)[0] * _BINS), _BINS - 1)

    def _value(self, parameter: Parameter, index: int, action: int, rng: random.Random) -> Scalar:
        if self._by_value[index]:
            return parameter.value(action)
        return parameter.from_units([(action + rng.random()) / _BINS])


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Architectures as arrays of shape (architectures, steps).

    Attributes:
        decisions, actions, offsets: the fields of each `Step`; 0 after the last.
        active: 1 for a step, 0 after the last.
    """

    decisions: NDArray[np.int64]
    actions: NDArray[np.int64]
    offsets: NDArray[np.float64]
    active: NDArray[np.float64]


def batch_of(architectures: Sequence[Sequence[Step]]) -> StepBatch:
    """Convert the steps of several architectures to arrays, padded to the longest.

    Args:
        architectures: the steps of each.

    Returns:
        The batch.
    """
    shape = len(architectures), max(map(len, architectures), default=0)
    batch = StepBatch(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape))
    for row, steps in enumerate(architectures):
        for column, step in enumerate(steps):
            batch.decisions[row, column], batch.actions[row, column] = step.decision, step.action
            batch.offsets[row, column], batch.active[row, column] = step.offset, 1.0
    return batch


def _count(parameter: Parameter) -> int:
    count = parameter.count
    if parameter.choices is not None or (count is not None and count <= _MOST_ACTIONS):
        return count or 1
    return _BINS


def _offset(odds: float | None) -> float:
    """Compute the logit offset of True; the actions of a flag of a subset are False and True, in this order."""
    return 0.0 if odds is None else math.log(odds / (1.0 - odds))
