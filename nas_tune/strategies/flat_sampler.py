"""Optuna's samplers that know no conditions, on a study of flat trials made from the real one.

The flat study has every decision of every trial, inactive ones filled, and scores that can be compared. It is made
for one proposal and thrown away; whatever an Optuna sampler notes in it is lost, and must not be needed.
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

from nas_tune.strategies.faces import FlatFace
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.study_memory import StudyMemory
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["FlatSampler"]

_EPOCH = datetime(2000, 1, 1)


class FlatSampler(UnseenSampler):
    """Asks the Optuna sampler that `inner` makes, once `startup` trials have a score; before that draws at random."""

    def __init__(self, space: Space, seed: int, startup: int) -> None:
        super().__init__(space, seed)
        self.startup = startup
        self.face = FlatFace(space)

    @abstractmethod
    def inner(self, seed: int, objectives: int) -> BaseSampler:
        """Optuna's sampler, fresh, for so many objectives."""

    def told(self, finished: list[Finished]) -> list[Finished]:
        """The finished trials that the sampler learns from, by number."""
        return finished

    def fill(self, architecture: Architecture, number: int) -> dict[str, Any]:
        """The flat parameters of a trial."""
        return self.face.filled(architecture)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """What the Optuna sampler says, asked again and again."""
        finished = history.finished()
        if len(finished) < self.startup:
            yield from self.at_random()
        space: dict[str, BaseDistribution] = {
            name: distribution for name, distribution in self.space.to_optuna().items() if not distribution.single()
        }
        sampler = self.inner(self.rng.getrandbits(31), len(history.signs))
        study = self._study(self.told(finished), history, space)
        while True:
            trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
            drawn = sampler.sample_relative(study, trial, space)
            for name, distribution in space.items():
                if name not in drawn:
                    drawn[name] = sampler.sample_independent(study, trial, name, distribution)
            fixed = {p.name: p.first for p in self.space.parameters if p.name not in space}
            yield self.face.member(fixed | drawn)

    def _study(self, finished: list[Finished], history: History, space: dict[str, BaseDistribution]) -> Study:
        directions = [StudyDirection.MAXIMIZE] * len(history.signs)
        study = optuna.create_study(storage=StudyMemory(), study_name="flat", directions=directions)
        for told in finished:
            note = (type(self).__name__, told.number)
            params = history.notes.get(note)
            if params is None:
                flat = self.fill(told.architecture, told.number)
                params = history.notes[note] = {name: flat[name] for name in space}
            study._storage.create_new_trial(study._study_id, _complete(told, params, space))
        return study


def _complete(told: Finished, params: dict[str, Any], space: dict[str, BaseDistribution]) -> FrozenTrial:
    return FrozenTrial(
        number=told.number,
        trial_id=told.number,
        state=TrialState.COMPLETE,
        value=None,
        values=told.scores or (told.score,),
        datetime_start=_EPOCH,
        datetime_complete=_EPOCH,
        params=params,
        distributions=space,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
