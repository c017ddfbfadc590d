"""An Optuna sampler that proposes whole architectures instead of one parameter after another.

What the space's rule refuses is therefore never proposed, and the moves of the space (sample, mutate, crossover)
can be used as they are. A sampler that learns from several objectives is decorated with
`nas_tune.objectives.objective.several_objectives`; it finds what trials came to in `History`.

Each is a sampler for plain Optuna studies too, in which trials may have parameters beside the architecture, come from
another sampler or another process, or wait in the queue. Trials are matched by the space's own parameters; a parameter
that is not the space's is left to TPE, one at a time. A run asks `propose` alone.
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
"""Held for a proposal: what strategies keep between proposals is shared by all threads of `optimize(n_jobs=..)`."""


class Exhausted(Exception):
    """Raised by `propose` where nothing is left to propose: the run ends as on a space that was searched whole."""


class ArchitectureSampler(BaseSampler, ABC):
    """Proposes members of `space` with the random numbers of `rng`, which `seed` decides.

    Attributes:
        asked_again: how often a plain study asks for another proposal where one repeats an earlier trial.
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
        """The architecture of the study's trial `number`.

        Raises:
            Exhausted: there is none, and none will come.
        """

    def reseed(self, seed: int) -> None:
        """Begin the random numbers anew; a sampler with generators of its own extends it."""
        self.rng = random.Random(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters of the space: a proposal decides them all."""
        if len(study.directions) > 1 and not takes_several(type(self)):
            raise ConfigError(
                f"{type(self).__name__} optimizes one objective, and the study has {len(study.directions)}; take a "
                "strategy that can handle several (auto, evolution, nsga2, tpe, ..), or a study of one objective"
            )
        return self.space.to_optuna()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The active parameters of an architecture that no trial has, as long as one is found.

        It follows from the sampler's seed, the trial's number and the study, so that a script that goes on with a study
        in another process does not begin with the same random numbers again.
        """
        with _PROPOSING:
            self.reseed(_seed_of(self.seed, trial.number))
            params = self.space.params(self._proposed(study, trial.number))
        return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """By TPE on this parameter alone: it is not the space's, or others were fixed when the trial was enqueued."""
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
    """End `study.optimize`, as Optuna's grid does; who asks by hand is warned that architectures repeat."""
    try:
        study.stop()
    except RuntimeError:
        warnings.warn(f"{reason}: from here on architectures are proposed again", stacklevel=4)


def _seed_of(*path: object) -> int:
    """32 bits that depend on all of the path."""
    return random.Random(repr(path)).getrandbits(32)
