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
    """Proposes the first of its candidates whose canonical id no trial has, else a mutation of the first."""

    @abstractmethod
    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Generate candidates for a proposal, the preferred ones first.

        Args:
            history: the trials below `number`.
            number: the number of the proposed trial.

        Returns:
            An iterator over members of the space: at least one, possibly without end.
        """

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the first new one among 20 candidates; else mutate the first up to 40 times until it is new."""
        history = History.of(study, self.space, number)
        wanted: Architecture | None = None
        for made in islice(self.candidates(history, number), _TRIES):
            if made.id not in history.ids:
                return made
            wanted = wanted or made
        return self._aside(wanted or self.space.sample(self.rng), history)

    def at_random(self) -> Iterator[Architecture]:
        """Draw members of the space at random.

        Yields:
            Members without end, drawn independently.
        """
        while True:
            yield self.space.sample(self.rng)

    def _aside(self, made: Architecture, history: History) -> Architecture:
        for _ in range(_STEPS_ASIDE if self.space.size != 1 else 0):
            if made.id not in history.ids:
                break
            made = self.space.mutate(made, self.rng)
        return made
