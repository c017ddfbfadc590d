"""Differential evolution on budgets (DEHB, Awad et al., IJCAI 2021, arXiv 2105.09821).

Use it with the scheduler `hyperband`, or another that stops trials early.

Every epoch is a budget with its own subpopulation of `population` places. The number of a trial decides its place, and
the trial with the best score at that epoch holds the place. A proposal is the child of the next place on the highest
budget with enough held places: a mutant (rand/1) of that subpopulation, crossed (binomial) with the holder of the
place. In the paper brackets run one after another; here nothing waits, and a child competes with its parent on every
budget that the scheduler lets it reach.

The vectors are the paper's: each option has an equal interval of 0..1. A trial is stored as an architecture, so the
position within the interval is drawn again, and so is the value of an inactive decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.history import History, ScoreCurve
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
        crossover: probability that a decision comes from the mutant (the paper's p; default: 0.5).
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
        """Restart both generators."""
        super().reseed(seed)
        self._numbers = np.random.default_rng(seed)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield children of the trial's place without end; random members while no budget has enough held places."""
        holders = self._holders(history.curves()) if number >= self.population else {}
        if not holders:
            yield from self.at_random()
        place = number % self.population
        while True:
            yield self._child(holders, place)

    def _holders(self, curves: Sequence[ScoreCurve]) -> dict[int, Architecture]:
        """Find the holder of each place on the highest budget with enough of them; none if there is no such budget."""
        enough = max(_PARENTS, round(self.held * self.population))
        reached = Counter(epoch for curve in curves for epoch in curve.scores)
        for budget in sorted((epoch for epoch, count in reached.items() if count >= enough), reverse=True):
            best: dict[int, ScoreCurve] = {}
            for curve in curves:
                place = curve.number % self.population
                # A child replaces a parent of an equal score.
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
