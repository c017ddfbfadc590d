"""A generational genetic algorithm with tournaments, crossover, mutation and elites (as CNN-GA, arXiv 1808.03818).

Every `population` proposals are a generation. The parents of the next one are its trials and the elites among the
parents before it. Generations follow from the numbers of the study's trials, so a replayed study continues as the
uninterrupted one would. A child that was proposed before is replaced by another. Population and probabilities are the
paper's; tournaments are larger, because those of two select too weakly for the few generations of a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["GeneticSampler"]


@several_objectives
class GeneticSampler(UnseenSampler):
    """Proposes children of a population; the next generation replaces all of it but its elites.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        population: how many trials a generation has (default: 20).
        tournament: how many compete to be a parent (default: 5).
        crossover: probability that a child has two parents; else it is a copy of one (default: 0.9).
        mutation: probability that one decision of the child is changed; a copy of one parent always has one changed
            (default: 0.2).
        elites: how many of the best stay parents beside the next generation (default: 2).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        population: int = 20,
        tournament: int = 5,
        crossover: float = 0.9,
        mutation: float = 0.2,
        elites: int = 2,
    ) -> None:
        if population < 2:
            raise ConfigError(f"strategy.population is {population}; a generation needs at least 2")
        if not 1 <= tournament <= population:
            raise ConfigError(f"strategy.tournament is {tournament}; it lies between 1 and population = {population}")
        if not 0 <= elites <= population:
            raise ConfigError(f"strategy.elites is {elites}; it lies between 0 and population = {population}")
        for name, chance in (("crossover", crossover), ("mutation", mutation)):
            if not 0.0 <= chance <= 1.0:
                raise ConfigError(f"strategy.{name} is {chance}; it is a chance, from 0 to 1")
        super().__init__(space, seed)
        self.population, self.tournament, self.elites = population, tournament, elites
        self.crossover, self.mutation = crossover, mutation

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield children of the generation before without end; random members in the first generation."""
        parents = self._parents(history, number)
        if not parents:
            yield from self.at_random()
        while True:
            yield self._child(parents)

    def _parents(self, history: History, number: int) -> Sequence[Finished]:
        """Find the parents of the generation of trial `number`; none for the first generation."""
        now = number // self.population
        parents: list[Finished] = []
        for generation, trials in groupby(history.finished(), key=lambda trial: trial.number // self.population):
            if generation >= now:
                break
            parents = sorted(parents, key=lambda trial: trial.score, reverse=True)[: self.elites]
            parents.extend(trials)
        return parents

    def _child(self, parents: Sequence[Finished]) -> Architecture:
        child = self._winner(parents)
        crossed = self.rng.random() < self.crossover
        if crossed:
            child = self.space.crossover(child, self._winner(parents), self.rng)
        if self.space.size != 1 and (self.rng.random() < self.mutation or not crossed):
            child = self.space.mutate(child, self.rng)
        return child

    def _winner(self, parents: Sequence[Finished]) -> Architecture:
        competitors = [self.rng.choice(parents) for _ in range(self.tournament)]
        return max(competitors, key=lambda trial: trial.score).architecture
