"""Separable CMA-ES (Ros and Hansen, PPSN 2008) on the numbers of a space's vectors.

Of the covariance only the diagonal is learnt: a vector has a number for every option, and a search of networks has
too few trials for their pairs. The package `cmaes` is the one that Optuna's sampler uses. Optuna's keeps a pickled
state at the trials; here the state is folded from the trials, generation by generation. What CMA-ES wants to be told
is the point that it drew, of which an architecture shows only what it decoded to: the draw is therefore repeated,
from a seed that follows from the first generation and the trial's number. Where that gives another architecture
(trials that ran at the same time, or that somebody else proposed), the point is changed as little as leads to the
right one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.faces import FlatFace
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["CmaEs"]

_REDRAWS = 3
_RESAMPLINGS = 2
_SIGMA = 1 / 6


class CmaEs(UnseenSampler):
    """Proposes from a normal distribution that moves and stretches to where the better half of a generation lay.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        population: trials in a generation; by default 4 + 3 ln(length of a vector), as in the paper. The first
            generation is drawn at random.
    """

    def __init__(self, space: Space, seed: int, population: int | None = None) -> None:
        if population is not None and population < 4:
            raise ConfigError(f"strategy.population is {population}; CMA-ES needs generations of at least 4")
        super().__init__(space, seed)
        self.face = FlatFace(space)
        width = max(2, self.face.width)
        self.population = population or 4 + int(3 * np.log(width))

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Draws of this proposal; at random until the first generation is complete."""
        finished = history.finished()
        if len(finished) < self.population:
            yield from self.at_random()
        whole = len(finished) // self.population * self.population
        model = _Model.of(history, self.face, finished[:whole], self.population)
        for point in model.draws(number):
            yield self.space.decode(point[: self.face.width])


class _Model:
    """The distribution after some generations; kept, until other trials turn out to have come before."""

    _kept: ClassVar[WeakKeyDictionary[History, _Model]] = WeakKeyDictionary()

    def __init__(self, face: FlatFace, first: list[Finished]) -> None:
        # The package imports scipy.stats, which takes longer than all of ours.
        from cmaes import SepCMA

        self._face = face
        self._told: list[tuple[int, ...]] = []
        self._seed = zlib.crc32(" ".join(told.architecture.id for told in first).encode())
        width = max(2, face.width)
        bounds = np.tile([0.0, 1.0], (width, 1))
        self._cma = SepCMA(
            np.full(width, 0.5),
            _SIGMA,
            bounds,
            n_max_resampling=_RESAMPLINGS,
            seed=self._seed,
            population_size=len(first),
        )

    @classmethod
    def of(cls, history: History, face: FlatFace, told: list[Finished], population: int) -> _Model:
        """The distribution after these trials, which are whole generations.

        All that it learns of a generation is who was better than whom: where the scores of stopped trials are
        estimated anew, that mostly stays as it was, and so does the model.
        """
        starts = range(0, len(told), population)
        generations = [sorted(told[start : start + population], key=lambda one: -one.score) for start in starts]
        orders = [tuple(one.number for one in generation) for generation in generations]
        model = cls._kept.get(history)
        if model is None or model._told != orders[: len(model._told)]:
            model = cls._kept[history] = cls(face, told[:population])
        for place in range(len(model._told), len(generations)):
            model.learn(generations[place])
        return model

    def learn(self, generation: list[Finished]) -> None:
        """Be told of a generation, the best first."""
        self._told.append(tuple(told.number for told in generation))
        self._cma.tell([(self._point(told), float(rank)) for rank, told in enumerate(generation)])

    def draws(self, number: int) -> Iterator[NDArray[np.float64]]:
        """The points of trial `number`, wanted in this order."""
        self._cma.reseed_rng((self._seed + number) % 2**32)
        while True:
            yield self._cma.ask()

    def _point(self, told: Finished) -> NDArray[np.float64]:
        """The point that led to this architecture, or one near the first that was drawn that would have."""
        active = self._face.space.params(told.architecture)
        first: list[float] | None = None
        for point in islice(self.draws(told.number), _REDRAWS):
            numbers = point.tolist()
            if self._face.agrees(numbers, active):
                return point
            first = first or numbers
        return np.array(self._face.corrected(first or [], active))
