"""What a search expects architectures to cost, from those that it has measured: the rung "predicted" of its gate.

Before the first fit, a few architectures are measured that tell most about all others. The predictors are fitted again
whenever half as many more were measured, so a resumed search has the fit that it had before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nas_tune.objectives.limits import Limit
from search_spaces import Architecture

__all__ = ["SEEDS", "Expectations", "Fit", "Predictor"]

SEEDS = 16
"""Architectures that are measured before the first prediction."""

Fit = Callable[[Architecture], tuple[float, float, float]]
"""A fitted predictor: the likely value of a cost, and the ends of its interval."""


class Predictor(Protocol):
    """Predicts a cost of architectures from what was measured."""

    def seeds(self, count: int) -> list[Architecture]:
        """Choose the architectures to measure first.

        Args:
            count: how many.

        Returns:
            Different members of the space, as many as it has.
        """

    def fitted(self, architectures: Sequence[Architecture], values: Sequence[float]) -> Fit | None:
        """Fit the predictor.

        Args:
            architectures: that were measured.
            values: of the cost, one for each.

        Returns:
            The fit; None where the values do not allow one.
        """


class Expectations:
    """The fitted predictors of a search.

    Args:
        predictors: by the name of the cost.
    """

    def __init__(self, predictors: Mapping[str, Predictor]) -> None:
        self._predictors = dict(predictors)
        self._fits: dict[str, Fit] = {}
        self._fitted_to = 0

    @property
    def names(self) -> list[str]:
        """The names of the costs that are predicted."""
        return list(self._predictors)

    def seeds(self) -> list[Architecture]:
        """Choose the architectures to measure before the first prediction.

        Returns:
            Members of the space; none without predictors.
        """
        first = next(iter(self._predictors.values()), None)
        return [] if first is None else first.seeds(SEEDS)

    def learn(self, measured: Mapping[str, Mapping[str, float]]) -> None:
        """Fit the predictors again if enough was measured since the last fit.

        Args:
            measured: the costs of all architectures that were measured, by their JSON, in the order of measuring.
        """
        count = SEEDS
        while count * 3 // 2 <= len(measured):
            count = count * 3 // 2
        if len(measured) < count or count == self._fitted_to:
            return
        self._fitted_to = count
        texts = list(measured)[:count]
        members = [Architecture.from_json(text) for text in texts]
        for name, predictor in self._predictors.items():
            fit = predictor.fitted(members, [measured[text][name] for text in texts])
            if fit is not None:
                self._fits[name] = fit

    def likely(self, architecture: Architecture) -> dict[str, float]:
        """Predict the costs of an architecture.

        Args:
            architecture: of the space.

        Returns:
            The likely values by name; empty before the first fit.
        """
        return {name: fit(architecture)[0] for name, fit in self._fits.items()}

    def at_best(self, architecture: Architecture, limits: Sequence[Limit]) -> dict[str, float]:
        """Predict the best that costs may be: a limit refuses only what its interval excludes.

        Args:
            architecture: of the space.
            limits: on the costs.

        Returns:
            For each limit on a predicted cost the end of the interval on its better side, by name.
        """
        found: dict[str, float] = {}
        for limit in limits:
            if limit.name in self._fits:
                _, low, high = self._fits[limit.name](architecture)
                found[limit.name] = low if limit.sense == "<=" else high
        return found
