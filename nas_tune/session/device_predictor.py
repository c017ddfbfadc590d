"""Predicts measured costs of architectures, as the gate of limits needs it, from what it has measured."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from nas_tune.coordination.expectations import Fit
from nas_tune.errors import NasTuneError
from search_spaces import Architecture, NoMemberError, Space
from trainables.hardware.cost_predictor import CostPredictor
from trainables.hardware.cost_values import CostValues
from trainables.hardware.operation_counts import OperationCounter
from trainables.hardware.seeds import choose_seeds
from trainables.protocol import Building

__all__ = ["DevicePredictor"]

_POOL = 60
"""Random members among which those to measure first are chosen; each is counted."""


class DevicePredictor:
    """A cost predictor over the networks that a trainable builds.

    Args:
        space: of the architectures that are proposed; seeds are members of it.
        trainable: builds the networks.
        name: of the cost.
    """

    def __init__(self, space: Space, trainable: Building, name: str) -> None:
        self._space, self._name = space, name
        self._counter = OperationCounter(space, {}, trainable.untrained)

    def seeds(self, count: int) -> list[Architecture]:
        """Choose the architectures to measure first.

        Args:
            count: how many.

        Returns:
            Different members of the space; fewer where it has fewer, none where its networks cannot be counted.
        """
        rng, pool = random.Random(0), dict[str, Architecture]()
        for _ in range(_POOL):
            try:
                member = self._space.sample(rng)
            except NoMemberError:
                break
            pool.setdefault(member.id, member)
        try:
            return choose_seeds(self._space, min(count, len(pool)), pool=pool.values(), counter=self._counter)
        except NasTuneError:
            return []

    def fitted(self, architectures: Sequence[Architecture], values: Sequence[float]) -> Fit | None:
        """Fit the predictor.

        Args:
            architectures: that were measured.
            values: of the cost, one for each.

        Returns:
            The fit; None where an architecture cannot be counted.
        """
        measured = CostValues(self._name, tuple(architectures), np.array(values, dtype=np.float64))
        try:
            predictor = CostPredictor(self._space, measured, None, {}, counter=self._counter)
        except NasTuneError:
            return None
        known: dict[str, tuple[float, float, float]] = {}

        def bounds(architecture: Architecture) -> tuple[float, float, float]:
            key = architecture.to_json()
            if key not in known:
                known[key] = _bounds(predictor, architecture)
            return known[key]

        return bounds


def _bounds(predictor: CostPredictor, architecture: Architecture) -> tuple[float, float, float]:
    """The likely value and its interval; an interval without ends where the network cannot be counted."""
    try:
        found = predictor.prediction(architecture)
    except NasTuneError:
        return float("nan"), 0.0, float("inf")
    return found.value, found.low, found.high
