"""Differential evolution on budgets, as DEHB does (Awad et al., IJCAI 2021, arXiv 2105.09821): to be run with the
scheduler `hyperband`, or another that stops trials early.

Every epoch is a budget with a subpopulation of its own: trials are dealt to `population` places by their number, and
the one with the best score at that epoch holds its place. A proposal is the child of the next place on the highest
budget where enough places are held: mutated (rand/1) within that subpopulation, crossed (binomial) with the place's
holder. It differs from the paper, whose brackets run one after another, in that nothing waits: a child meets its
parent on whichever budget it comes to, and the scheduler alone decides which that is.

The vectors are the paper's: an option is a place on an equal share of 0..1. A trial is remembered as an architecture,
so the place within the share is drawn anew, and so is what an inactive decision would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.history import Curve, History
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Parameter, Space

__all__ = ["Dehb"]

_PARENTS = 3
_Vector = NDArray[np.float64]


class Dehb(UnseenSampler):
    """Proposes mutants of what is best on the highest budget that is populated.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        population: how many places a subpopulation has; as many trials are drawn at random first (default: 20).
        factor: how far a mutant is moved along the difference of two others (the paper's F; default: 0.5).
        crossover: how likely a decision is the mutant's (p there; default: 0.5).
        held: share of the places of a budget that must be held before its subpopulation breeds (default: 0.25).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        population: int = 20,
        factor: float = 0.5,
        crossover: float = 0.5,
        held: float = 0.25,
    ) -> None:
        if population <= _PARENTS:
            raise ConfigError(f"strategy.population is {population}; a mutant has 3 parents, so it is at least 4")
        if not 0 < factor <= 2:
            raise ConfigError(f"strategy.factor is {factor:g}; it lies above 0 and up to 2")
        for name, share in (("crossover", crossover), ("held", held)):
            if not 0 <= share <= 1:
                raise ConfigError(f"strategy.{name} is {share:g}; it lies between 0 and 1")
        super().__init__(space, seed)
        self.population, self.factor, self.crossover, self.held = population, factor, crossover, held
        self._numbers = np.random.default_rng(seed)

    def reseed(self, seed: int) -> None:
        """Both generators."""
        super().reseed(seed)
        self._numbers = np.random.default_rng(seed)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Children of the place that is next; at random while no budget is populated."""
        holders = self._holders(history.curves()) if number >= self.population else {}
        if not holders:
            yield from self.at_random()
        place = number % self.population
        while True:
            yield self._child(holders, place)

    def _holders(self, curves: Sequence[Curve]) -> dict[int, Architecture]:
        """Who holds which place on the highest budget that is populated."""
        enough = max(_PARENTS, round(self.held * self.population))
        reached = Counter(epoch for curve in curves for epoch in curve.scores)
        for budget in sorted((epoch for epoch, count in reached.items() if count >= enough), reverse=True):
            best: dict[int, Curve] = {}
            for curve in curves:
                place = curve.number % self.population
                # A child takes the place of a parent that is no better.
                if budget in curve.scores and (place not in best or curve.scores[budget] >= best[place].scores[budget]):
                    best[place] = curve
            if len(best) >= enough:
                return {place: curve.architecture for place, curve in best.items()}
        return {}

    def _child(self, holders: dict[int, Architecture], place: int) -> Architecture:
        parents = self.rng.sample(sorted(holders), _PARENTS)
        base, plus, minus = (self._vector(holders[parent]) for parent in parents)
        mutant = base + self.factor * (plus - minus)
        outside = (mutant < 0) | (mutant > 1)
        mutant[outside] = self._numbers.random(int(outside.sum()))
        target = holders[place] if place in holders else holders[self.rng.choice(sorted(holders))]
        taken = self._numbers.random(len(mutant)) < self.crossover
        if len(mutant):
            taken[self._numbers.integers(len(mutant))] = True
        return self._member(np.where(taken, mutant, self._vector(target)))

    def _vector(self, architecture: Architecture) -> _Vector:
        active = self.space.params(architecture)
        return np.array([self._unit(parameter, active) for parameter in self.space.parameters])

    def _unit(self, parameter: Parameter, active: Mapping[str, object]) -> float:
        within = self._numbers.random()
        if parameter.name not in active:
            return within
        value = parameter.read(active[parameter.name])
        if parameter.group is not None:
            return (bool(value) + within) / 2
        if parameter.choices:
            return (parameter.choices.index(value) + within) / len(parameter.choices)
        return parameter.to_units(value)[0]

    def _member(self, vector: _Vector) -> Architecture:
        numbers: list[float] = []
        for parameter, unit in zip(self.space.parameters, vector.tolist(), strict=True):
            if parameter.group is not None or not parameter.choices:
                numbers.append(unit)
            else:
                option = min(int(unit * len(parameter.choices)), len(parameter.choices) - 1)
                numbers += parameter.to_units(parameter.choices[option])
        return self.space.decode(numbers)
