"""Optuna's NSGA-II (Deb et al., 2002) and NSGA-III (Deb and Jain, 2014), on the flat encoding of a space.

Optuna stores the generation of a trial in the trial, and the parents in the study; a study replayed from a ledger has
neither. Here both follow from the finished trials in the order of their numbers: each `population` of them are a
generation, and selection among all earlier generations gives the parents.

With one objective NSGA-II is a genetic algorithm with elitism, and NSGA-III the same with ties broken at random.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseGASampler, BaseSampler, NSGAIIISampler, NSGAIISampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.flat_sampler import FlatSampler
from search_spaces import Architecture, Space

__all__ = ["NSGA2", "NSGA3"]


@several_objectives
class NSGA2(FlatSampler):
    """Uniform crossover of two tournament winners, then mutation; parents are the best of all generations so far.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        population: trials in a generation (default: 20). Optuna takes 50; searches of networks have fewer trials.
        crossover: probability that a child has two parents (default: 0.9).
        mutation: probability that a decision is drawn again; by default one over the number of decisions.
    """

    def __init__(
        self, space: Space, seed: int, population: int = 20, crossover: float = 0.9, mutation: float | None = None
    ) -> None:
        if population < 2:
            raise ConfigError(f"strategy.population is {population}; a generation has at least 2 trials")
        for name, value in (("crossover", crossover), ("mutation", mutation)):
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"strategy.{name} is {value}; a probability lies between 0 and 1")
        super().__init__(space, seed, population)
        self.population, self.crossover, self.mutation = population, crossover, mutation

    def fill(self, architecture: Architecture, number: int) -> dict[str, Any]:
        """Draw the inactive decisions, seeded by the trial's number, so that crossover has a choice of values."""
        return self.encoding.filled(architecture, random.Random(number))

    def inner(self, seed: int, objectives: int) -> BaseSampler:
        """Make an NSGA-II sampler that counts generations."""
        return _Replayed2(
            population_size=self.population, mutation_prob=self.mutation, crossover_prob=self.crossover, seed=seed
        )


class NSGA3(NSGA2):
    """NSGA-II with parents selected along reference directions; it suits three or more objectives.

    The number of directions is the greatest that does not exceed the population, as in the paper.

    Args:
        space, seed, population, crossover, mutation: as for `NSGA2`.
    """

    def inner(self, seed: int, objectives: int) -> BaseSampler:
        """Make an NSGA-III sampler that counts generations."""
        with warnings.catch_warnings():
            # NSGA-III has been experimental since Optuna 3.2.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return _Replayed3(
                population_size=self.population,
                mutation_prob=self.mutation,
                crossover_prob=self.crossover,
                dividing_parameter=_divisions(objectives, self.population),
                seed=seed,
            )


def _divisions(objectives: int, population: int) -> int:
    """Compute the number of parts of an axis that gives at most `population` reference directions."""
    parts = 1
    while objectives > 1 and math.comb(parts + objectives, objectives - 1) <= population:
        parts += 1
    return parts


class _Generations(BaseGASampler):
    """Numbers generations by counting finished trials; lives for one proposal, during which the study is constant."""

    _elite_population_selection_strategy: Callable[[Study, list[FrozenTrial]], list[FrozenTrial]]
    _parents: list[FrozenTrial] | None = None

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        return len(self._finished(study)) // self._size

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Select the parents among all earlier generations, as repeated selection would with one objective."""
        if self._parents is None:
            before = self._finished(study)[: generation * self._size]
            if len(study.directions) == 1:
                before = sorted(before, key=lambda trial: -trial.values[0])[: 2 * self._size]
            self._parents = self._elite_population_selection_strategy(study, before)
        return self._parents

    @property
    def _size(self) -> int:
        return self.population_size or 1

    def _finished(self, study: Study) -> list[FrozenTrial]:
        return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


class _Replayed2(_Generations, NSGAIISampler):
    pass


class _Replayed3(_Generations, NSGAIIISampler):
    pass
