"""Runs Optuna samplers that do not support conditional parameters on a flat copy of the study.

The flat study has a value for every decision of every trial, inactive ones filled, and scores that can be compared. It
is made for one proposal and then dropped, so the Optuna sampler must not need the attributes that it stores in it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.study_memory import StudyMemory
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["FlatSampler"]

_EPOCH = datetime(2000, 1, 1)


class FlatSampler(UnseenSampler):
    """Proposes by the Optuna sampler that `inner` makes; at random until `startup` trials have a score.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        startup: how many trials are drawn at random first.
    """

    def __init__(self, space: Space, seed: int, startup: int) -> None:
        super().__init__(space, seed)
        self.startup = startup
        self.encoding = FlatEncoding(space)

    @abstractmethod
    def inner(self, seed: int, objectives: int) -> BaseSampler:
        """Make the Optuna sampler for one proposal.

        Args:
            seed: of the sampler.
            objectives: how many objectives the study has; all are maximized.

        Returns:
            A new sampler.
        """

    def training_trials(self, finished: list[Finished]) -> list[Finished]:
        """Select the trials that the sampler learns from.

        Args:
            finished: all finished trials, by number.

        Returns:
            The selected ones, by number (default: all).
        """
        return finished

    def fill(self, architecture: Architecture, number: int) -> dict[str, Any]:
        """Encode the architecture of a trial as flat parameters.

        Args:
            architecture: the architecture.
            number: the number of the trial.

        Returns:
            A value for every parameter of the space.
        """
        return self.encoding.filled(architecture)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield proposals of the Optuna sampler without end."""
        finished = history.finished()
        if len(finished) < self.startup:
            yield from self.at_random()
        distributions = self.space.to_optuna()
        space = {name: distribution for name, distribution in distributions.items() if not distribution.single()}
        sampler = self.inner(self.rng.getrandbits(31), len(history.signs))
        study = self._study(self.training_trials(finished), history, space)
        while True:
            trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
            drawn = sampler.sample_relative(study, trial, space)
            for name, distribution in space.items():
                if name not in drawn:
                    drawn[name] = sampler.sample_independent(study, trial, name, distribution)
            fixed = {p.name: p.first for p in self.space.parameters if p.name not in space}
            yield self.encoding.member(fixed | drawn)

    def _study(self, finished: list[Finished], history: History, space: dict[str, BaseDistribution]) -> Study:
        directions = [StudyDirection.MAXIMIZE] * len(history.signs)
        study = optuna.create_study(storage=StudyMemory(), study_name="flat", directions=directions)
        for trial in finished:
            note = (type(self).__name__, trial.number)
            params = history.notes.get(note)
            if params is None:
                flat = self.fill(trial.architecture, trial.number)
                params = history.notes[note] = {name: flat[name] for name in space}
            study._storage.create_new_trial(study._study_id, _complete(trial, params, space))
        return study


def _complete(trial: Finished, params: dict[str, Any], space: dict[str, BaseDistribution]) -> FrozenTrial:
    return FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=TrialState.COMPLETE,
        value=None,
        values=trial.scores or (trial.score,),
        datetime_start=_EPOCH,
        datetime_complete=_EPOCH,
        params=params,
        distributions=space,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
