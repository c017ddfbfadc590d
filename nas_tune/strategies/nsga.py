"""NSGA-II (Deb et al., 2002) and NSGA-III (Deb and Jain, 2014), Optuna's, on the flat face of a space.

Optuna notes the generation of a trial at the trial, and parents at the study; a study replayed from a ledger has no
such notes. Here they follow from the finished trials, in the order of their numbers: a generation is the next
`population` of them, and parents are what selection leaves of all generations before.

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
        crossover: how likely a child has two parents (default: 0.9).
        mutation: how likely a decision is drawn anew; one over the number of decisions by default.
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
        """Inactive decisions are drawn, by the trial's number: crossing them brings in nothing stale."""
        return self.face.filled(architecture, random.Random(number))

    def inner(self, seed: int, objectives: int) -> BaseSampler:
        return _Replayed2(
            population_size=self.population, mutation_prob=self.mutation, crossover_prob=self.crossover, seed=seed
        )


class NSGA3(NSGA2):
    """NSGA-II's children, with parents selected along reference directions; of use from three objectives on.

    There are as many directions as fit a population, as in the paper.
    """

    def inner(self, seed: int, objectives: int) -> BaseSampler:
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
    """Into how many parts an axis is divided, for at most `population` reference directions."""
    parts = 1
    while objectives > 1 and math.comb(parts + objectives, objectives - 1) <= population:
        parts += 1
    return parts


class _Generations(BaseGASampler):
    """Generations told by counting; of use for one proposal, in which the study does not change."""

    _elite_population_selection_strategy: Callable[[Study, list[FrozenTrial]], list[FrozenTrial]]
    _parents: list[FrozenTrial] | None = None

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        return len(self._finished(study)) // self._size

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """What selection leaves of all generations before; of one score that is what it left in turn."""
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
