"""Regularized (aging) evolution (Real et al., AAAI 2019, arXiv 1802.01548) as an Optuna sampler.

The population is the `population` youngest finished trials; a parent is the best of `sample` of them drawn at
random, and its child is one mutation away. The state is nothing but the study's trials, so a replayed study
continues as the uninterrupted one would. Trials that a scheduler stopped take part: a complete trial beats
them, among them the one that trained longer is better, and among equals the score decides.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas_tune.errors import ConfigError
from search_spaces import Space

__all__ = ["EvolutionSampler"]

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


class EvolutionSampler(BaseSampler):
    """Proposes a mutation of a good parent, once the first `population` proposals were made at random.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        population: how many trials live at a time (the paper's P, 100 there).
        sample: how many compete to be parent (the paper's S, 25 there).
    """

    def __init__(self, space: Space, seed: int, population: int = 20, sample: int = 5) -> None:
        if population < 2:
            raise ConfigError(f"strategy.population is {population}; evolution needs at least 2")
        if not 1 <= sample <= population:
            raise ConfigError(f"strategy.sample is {sample}; it lies between 1 and population = {population}")
        self.space, self.population, self.sample = space, population, sample
        self._rng = random.Random(seed)
        self._fallback = RandomSampler(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters of the space: a child decides them all."""
        return self.space.to_optuna()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The active parameters of the child, or of a random architecture while the population fills."""
        parent = self._parent(study, trial.number)
        if parent is None:
            return self.space.params(self.space.sample(self._rng))
        return self.space.params(self.space.mutate(self.space.from_params(parent.params), self._rng))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random: only parameters that are not the space's own come here."""
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def _parent(self, study: Study, number: int) -> FrozenTrial | None:
        if number < self.population:
            return None
        living = self._living(study)
        if not living:
            return None
        competitors = [self._rng.choice(living) for _ in range(self.sample)]
        sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        return max(competitors, key=lambda trial: _fitness(trial, sign))

    def _living(self, study: Study) -> Sequence[FrozenTrial]:
        finished = study.get_trials(deepcopy=False, states=_FINISHED)
        return [trial for trial in finished if trial.value is not None][-self.population :]


def _fitness(trial: FrozenTrial, sign: float) -> tuple[float, float]:
    trained = math.inf if trial.state == TrialState.COMPLETE else trial.last_step or 0
    return trained, sign * (trial.value or 0.0)
