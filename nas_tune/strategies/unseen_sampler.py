"""Samplers that never propose an architecture twice, as long as the space has others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice

from optuna.study import Study

from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.history import History
from search_spaces import Architecture

__all__ = ["UnseenSampler"]

_TRIES = 20
_STEPS_ASIDE = 40


class UnseenSampler(ArchitectureSampler):
    """Takes the first of its candidates that no trial has, by canonical id; failing that, one beside the first."""

    @abstractmethod
    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """What the model would propose, the most wanted first; endless or short, at least one."""

    def propose(self, study: Study, number: int) -> Architecture:
        """The first of the first 20 candidates that is new, else a mutation of the first one until it is new."""
        history = History.of(study, self.space, number)
        wanted: Architecture | None = None
        for made in islice(self.candidates(history, number), _TRIES):
            if made.id not in history.ids:
                return made
            wanted = wanted or made
        return self._aside(wanted or self.space.sample(self.rng), history)

    def at_random(self) -> Iterator[Architecture]:
        """Endlessly many, drawn evenly."""
        while True:
            yield self.space.sample(self.rng)

    def _aside(self, made: Architecture, history: History) -> Architecture:
        for _ in range(_STEPS_ASIDE if self.space.size != 1 else 0):
            if made.id not in history.ids:
                break
            made = self.space.mutate(made, self.rng)
        return made
