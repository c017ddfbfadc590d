"""An Optuna sampler that proposes whole architectures instead of one parameter after another.

It therefore never proposes what the space's rule refuses, and it can use the moves of the space (sample, mutate,
crossover). A sampler that learns from several objectives is decorated with
`nas_tune.objectives.objective.several_objectives`; `History` has the scores of the trials.

Each sampler also works in plain Optuna studies, in which trials may have parameters beside the architecture, come from
another sampler or another process, or wait in the queue. Trials are matched by the space's parameters; TPE decides
every other parameter, one at a time. A run calls `propose` only.
"""

from __future__ import annotations

import random
import threading
import warnings
from abc import ABC, abstractmethod
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import takes_several
from nas_tune.strategies.history import ALL, History
from nas_tune.strategies.unseen import Unseen
from search_spaces import Architecture, Space

__all__ = ["ArchitectureSampler", "Exhausted"]

_PROPOSING = threading.RLock()
"""Held during a proposal: the threads of `optimize(n_jobs=..)` share what strategies keep between proposals."""


class Exhausted(Exception):
    """Raised by `propose` if no architecture is left to propose; the run then ends."""


class ArchitectureSampler(BaseSampler, ABC):
    """Base class of the samplers that propose members of a space.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.

    Attributes:
        asked_again: how many proposals a plain study tries until one repeats no earlier trial.
        rng: the random numbers of a proposal.
    """

    asked_again = 5

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.seed = seed
        self.rng = random.Random(seed)
        self._promised: dict[int, str] = {}
        self._unseen = Unseen(space)

    @abstractmethod
    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the architecture of a trial.

        Args:
            study: the study with the earlier trials.
            number: the number of the proposed trial; only trials below it are read.

        Returns:
            A member of the space.

        Raises:
            Exhausted: no architecture is left to propose.
        """

    def reseed(self, seed: int) -> None:
        """Restart the random numbers; a sampler with other generators extends this method.

        Args:
            seed: the new seed.
        """
        self.rng = random.Random(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all parameters of the space: a proposal decides all of them."""
        if len(study.directions) > 1 and not takes_several(type(self)):
            raise ConfigError(
                f"{type(self).__name__} optimizes one objective, and the study has {len(study.directions)}; take a "
                "strategy that can handle several (auto, evolution, nsga2, tpe, ..), or a study of one objective"
            )
        return self.space.to_optuna()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose the active parameters of an architecture that no trial has, if one is found.

        The random numbers follow from the sampler's seed and the trial's number, so a script that continues a study in
        another process does not draw the same ones again.
        """
        with _PROPOSING:
            self.reseed(_seed_of(self.seed, trial.number))
            params = self.space.params(self._proposed(study, trial.number))
        return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample by TPE a parameter outside the space, or one whose trial was enqueued with other parameters fixed."""
        sampler = TPESampler(seed=_seed_of(self.seed, trial.number, param_name), multivariate=False)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _proposed(self, study: Study, number: int) -> Architecture:
        history = History.of(study, self.space, ALL)
        self._promised = {other: key for other, key in self._promised.items() if history.is_open(other)}
        taken = {*history.ids, *self._promised.values()}
        made = self._not_among(taken, study, number)
        self._promised[number] = made.id
        return made

    def _not_among(self, taken: set[str], study: Study, number: int) -> Architecture:
        made = self.space.sample(self.rng)
        try:
            for _ in range(self.asked_again):
                made = self.propose(study, number)
                if made.id not in taken:
                    return made
        except Exhausted as reason:
            _stop(study, reason)
        return self._unseen.find(made, taken, self.rng) or made


def _stop(study: Study, reason: Exhausted) -> None:
    """End `study.optimize`, as Optuna's grid sampler does; under ask and tell, warn that architectures repeat."""
    try:
        study.stop()
    except RuntimeError:
        warnings.warn(f"{reason}: from here on architectures are proposed again", stacklevel=4)


def _seed_of(*path: object) -> int:
    """Derive a seed of 32 bits from all parts of the path."""
    return random.Random(repr(path)).getrandbits(32)
