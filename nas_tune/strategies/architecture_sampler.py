"""An Optuna sampler that proposes whole architectures instead of one parameter after another.

What the space's rule refuses is therefore never proposed, and the moves of the space (sample, mutate, crossover)
can be used as they are. A sampler that learns from several objectives is decorated with
`nas_tune.objectives.several_objectives`; it finds what trials came to in `History`.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from search_spaces import Architecture, Space

__all__ = ["ArchitectureSampler", "Exhausted"]


class Exhausted(Exception):
    """Raised by `propose` where nothing is left to propose: the run ends as on a space that was searched whole."""


class ArchitectureSampler(BaseSampler, ABC):
    """Proposes members of `space` with the random numbers of `rng`, which `seed` decides."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.rng = random.Random(seed)

    @abstractmethod
    def propose(self, study: Study, number: int) -> Architecture:
        """The architecture of the study's trial `number`.

        Raises:
            Exhausted: there is none, and none will come.
        """

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters of the space: a proposal decides them all."""
        return self.space.to_optuna()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The active parameters of what `propose` returns."""
        return self.space.params(self.propose(study, trial.number))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random: only parameters that are not the space's own come here."""
        sampler = RandomSampler(self.rng.getrandbits(32))
        return sampler.sample_independent(study, trial, param_name, param_distribution)
