"""Regularized (aging) evolution (Real et al., AAAI 2019, arXiv 1802.01548) as an Optuna sampler.

The population is the `population` youngest finished trials; a parent is the best of `sample` of them drawn at
random, and its child is one mutation away. The state is nothing but the study's trials, so a replayed study
continues as the uninterrupted one would. Trials that a scheduler stopped take part: a complete trial beats
them, among them the one that trained longer is better, and among equals the score decides: with several objectives
the number of the front among those that trained as long, then the crowding distance (Deb et al. 2002).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas_tune.errors import ConfigError
from nas_tune.fronts import places
from nas_tune.objectives import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.history import signs_of
from nas_tune.strategies.study_memory import last_epoch
from search_spaces import Architecture, Space

__all__ = ["EvolutionSampler"]

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@several_objectives
class EvolutionSampler(ArchitectureSampler):
    """Proposes a mutation of a good parent, once the first `population` proposals were made at random.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        population: how many trials live at a time (P of the paper). A search of a hundred trials wants far fewer: the
            paper of NAS-Bench-201 takes 10, and 20 did better there.
        sample: how many compete to be parent (S); a quarter of the population, as in the paper, where nothing is said.
    """

    def __init__(self, space: Space, seed: int, population: int = 100, sample: int | None = None) -> None:
        if population < 2:
            raise ConfigError(f"strategy.population is {population}; evolution needs at least 2")
        if sample is not None and not 1 <= sample <= population:
            raise ConfigError(f"strategy.sample is {sample}; it lies between 1 and population = {population}")
        super().__init__(space, seed)
        self.population, self.sample = population, sample or max(1, population // 4)

    def propose(self, study: Study, number: int) -> Architecture:
        """The child, or a random architecture while the population fills."""
        parent = self._parent(study, number)
        if parent is None:
            return self.space.sample(self.rng)
        return self.space.mutate(self.space.from_params(parent.params), self.rng)

    def _parent(self, study: Study, number: int) -> FrozenTrial | None:
        if number < self.population:
            return None
        living = self._living(study)
        if not living:
            return None
        competitors = [self.rng.choice(living) for _ in range(self.sample)]
        signs = signs_of(study)
        if len(signs) == 1:
            return max(competitors, key=lambda trial: _fitness(trial, signs[0]))
        fitness = dict(_fitnesses(living, signs))
        return max(competitors, key=lambda trial: fitness[trial.number])

    def _living(self, study: Study) -> Sequence[FrozenTrial]:
        """The youngest; looked for from the end, so that an old study is not slower to ask than a young one."""
        youngest_first = reversed(study.get_trials(deepcopy=False))
        finished = (trial for trial in youngest_first if trial.state in _FINISHED and trial.values is not None)
        return list(islice(finished, self.population))[::-1]


def _fitness(trial: FrozenTrial, sign: float) -> tuple[float, float]:
    return _trained(trial), sign * (trial.value or 0.0)


def _fitnesses(living: Sequence[FrozenTrial], signs: Sequence[float]) -> Iterator[tuple[int, tuple[float, float]]]:
    """The numbers of trials, and their fitness in several objectives."""
    for trained in {_trained(trial) for trial in living}:
        equals = [trial for trial in living if _trained(trial) == trained]
        rows = [[sign * value for sign, value in zip(signs, trial.values, strict=True)] for trial in equals]
        for trial, place in zip(equals, places(rows), strict=True):
            yield trial.number, (trained, -float(place))


def _trained(trial: FrozenTrial) -> float:
    return math.inf if trial.state == TrialState.COMPLETE else last_epoch(trial) or 0
