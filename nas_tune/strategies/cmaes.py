"""Separable CMA-ES (Ros and Hansen, PPSN 2008) on the numbers of a space's vectors.

Only the diagonal of the covariance is learnt: a vector has a number for every option, and a search of networks has too
few trials for pairs of them. The package `cmaes` is the one that Optuna's sampler uses. Optuna's sampler stores a
pickled state in the trials; here the state is folded from the trials, generation by generation. CMA-ES learns from the
points that it drew, but a trial has only the decoded architecture. The draw is therefore repeated, from a seed that
follows from the first generation and the trial's number. If it gives another architecture (because trials ran at the
same time, or another sampler proposed the trial), the point is changed as little as needed to give the right one.
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
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["CmaEs"]

_REDRAWS = 3
_RESAMPLINGS = 2
_SIGMA = 1 / 6


class CmaEs(UnseenSampler):
    """Proposes from a normal distribution that moves and stretches towards the better half of a generation.

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
        self.encoding = FlatEncoding(space)
        width = max(2, self.encoding.width)
        self.population = population or 4 + int(3 * np.log(width))

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield draws of the distribution without end; random members until the first generation is complete."""
        finished = history.finished()
        if len(finished) < self.population:
            yield from self.at_random()
        whole = len(finished) // self.population * self.population
        model = _Model.of(history, self.encoding, finished[:whole], self.population)
        for point in model.draws(number):
            yield self.space.decode(point[: self.encoding.width])


class _Model:
    """The distribution after some generations; kept until the earlier generations change."""

    _kept: ClassVar[WeakKeyDictionary[History, _Model]] = WeakKeyDictionary()

    def __init__(self, encoding: FlatEncoding, first: list[Finished]) -> None:
        # Imported late: the package imports scipy.stats, which takes longer than all of this package.
        from cmaes import SepCMA

        self._encoding = encoding
        self._generations: list[tuple[int, ...]] = []
        self._seed = zlib.crc32(" ".join(trial.architecture.id for trial in first).encode())
        width = max(2, encoding.width)
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
    def of(cls, history: History, encoding: FlatEncoding, trials: list[Finished], population: int) -> _Model:
        """Return the distribution after these trials, which are whole generations.

        It learns only the order of the trials within a generation. That order mostly stays the same when the scores of
        stopped trials are estimated again, and then the kept model stays valid.
        """
        starts = range(0, len(trials), population)
        generations = [sorted(trials[start : start + population], key=lambda one: -one.score) for start in starts]
        orders = []
        for generation in generations:
            orders.append(tuple(one.number for one in generation))
        model = cls._kept.get(history)
        if model is None or model._generations != orders[: len(model._generations)]:
            model = cls._kept[history] = cls(encoding, trials[:population])
        for place in range(len(model._generations), len(generations)):
            model.learn(generations[place])
        return model

    def learn(self, generation: list[Finished]) -> None:
        """Update the distribution by a generation, the best trial first."""
        self._generations.append(tuple(trial.number for trial in generation))
        self._cma.tell([(self._point(trial), float(rank)) for rank, trial in enumerate(generation)])

    def draws(self, number: int) -> Iterator[NDArray[np.float64]]:
        """Draw the points of trial `number`, in the order in which they are tried."""
        self._cma.reseed_rng((self._seed + number) % 2**32)
        while True:
            yield self._cma.ask()

    def _point(self, trial: Finished) -> NDArray[np.float64]:
        """Find the point that gave the trial's architecture, or change the first draw until it does."""
        active = self._encoding.space.params(trial.architecture)
        first: list[float] | None = None
        for point in islice(self.draws(trial.number), _REDRAWS):
            numbers = point.tolist()
            if self._encoding.agrees(numbers, active):
                return point
            first = first or numbers
        return np.array(self._encoding.corrected(first or [], active))
