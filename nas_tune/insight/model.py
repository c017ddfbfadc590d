"""Whether a decision, or two together, explain scores beyond all else: also where a search chose its trials by scores.

The trials of a search that learns are no sample. What was good once is tried again with all that stood beside it, so a
test of groups takes company for cause. A likelihood does not depend on how the next trial was chosen. So a model
without the effect, fitted to its best, is compared with models that have it: the ratio of likelihoods, averaged over
sizes of the effect, exceeds 1/p with a chance of at most p where the effect is none and the model holds (universal
inference; Wasserman et al. 2020). The test is careful: small effects need more trials than under random search.

The model is a Gaussian process: a part for every decision, a part for what all decisions do together, and noise. How
large each is, is fitted on a short list. `tests/benchmarks/chance.py` measures how often it errs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs

from nas_tune.insight.units import Numbers

__all__ = ["Model", "likeness"]

_SIZES = (0.0, 0.02, 0.1, 0.5, 2.0)
_TOGETHER = ((0.0, 1.0), (0.1, 1.0), (0.1, 4.0), (0.5, 1.0), (0.5, 4.0), (2.0, 1.0), (2.0, 4.0))
_NOISES = (0.001, 0.01, 0.05, 0.2, 0.6, 1.0)
_MEAN = 1.0
_SWEEPS = 3
_GAIN = 0.05
"""Logarithm of likelihood: a sweep that gains less is the last."""


def likeness(units: Numbers, *, ordered: bool) -> Numbers:
    """How alike each two trials are in one decision, (n, n), from 0 to 1; NaN stands for an inactive decision."""
    active = ~np.isnan(units)
    known = np.where(active, units, -1.0)
    apart = np.abs(known[:, None] - known)
    alike: Numbers = np.exp(-2.0 * apart) if ordered else (apart == 0).astype(float)
    return np.where(active[:, None] == active, alike, 0.0)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The variance of each decision's part, of the joint part and how far that reaches, and of the noise."""

    sizes: tuple[float, ...]
    together: tuple[float, float] = (0.1, 4.0)
    noise: float = 0.2

    def sized(self, place: int, size: float) -> _Shape:
        return replace(self, sizes=(*self.sizes[:place], size, *self.sizes[place + 1 :]))

    def around(self, place: int) -> Iterator[_Shape]:
        """Shapes that differ in one entry: a decision's, or after those the joint part's, then the noise."""
        count = len(self.sizes)
        if place < count:
            yield from (self.sized(place, size) for size in _SIZES)
        elif place == count:
            yield from (replace(self, together=together) for together in _TOGETHER)
        else:
            yield from (replace(self, noise=noise) for noise in _NOISES)


class Model:
    """The model of some trials.

    Args:
        alike: for every decision, how alike each two trials are in it (n, n), from 0 to 1.
        scores: of the trials.
        pairs: places of decisions that are taken to act together.
    """

    def __init__(self, alike: Sequence[Numbers], scores: Numbers, pairs: Sequence[tuple[int, int]] = ()) -> None:
        self._given = (alike, scores, pairs)
        self._alike = [*alike, *(alike[one] * alike[other] for one, other in pairs)]
        self._scores = (scores - scores.mean()) / (scores.std() or 1.0)
        self._apart: Numbers = np.sum([1.0 - one for one in alike], axis=0)
        self._best, self._shape = self._fitted(_Shape((_SIZES[1],) * len(self._alike)))

    def decision(self, place: int) -> float:
        """The p-value of one decision."""
        if self._shape.sizes[place] == 0:
            return 1.0
        start = self._shape.sized(place, 0.0)
        apart = self._apart - (1.0 - self._alike[place])
        without, shape = max(
            (self._fitted(start, fixed=place, apart=one) for one in (apart, self._apart)), key=lambda found: found[0]
        )
        sized = (one.sized(place, size) for one in (shape, self._shape) for size in _SIZES[1:])
        return _chance(without, [self._likelihood(one) for one in sized])

    def with_pair(self, one: int, other: int) -> Model:
        """The model in which these two act together, too."""
        alike, scores, pairs = self._given
        return Model(alike, scores, [*pairs, (one, other)])

    def pair(self, one: int, other: int) -> float:
        """The p-value of what two decisions do together, beyond the sum of what each does."""
        product = self._alike[one] * self._alike[other]
        shapes = [
            replace(self._shape, together=(joint, self._shape.together[1]), noise=noise)
            for joint in {0.0, self._shape.together[0]}
            for noise in {self._shape.noise, *_NOISES[1:4]}
        ]
        return _chance(
            self._best, [self._likelihood(shape, extra=size * product) for shape in shapes for size in _SIZES[1:]]
        )

    def _fitted(self, shape: _Shape, fixed: int | None = None, apart: Numbers | None = None) -> tuple[float, _Shape]:
        """The likeliest shape found by moving one entry at a time, `fixed` excepted."""
        best = self._likelihood(shape, apart)
        for _ in range(_SWEEPS):
            before = best
            for place in range(len(shape.sizes) + 2):
                if place == fixed:
                    continue
                others = [one for one in shape.around(place) if one != shape]
                found = max(((self._likelihood(one, apart), rank) for rank, one in enumerate(others)), default=None)
                if found is not None and found[0] > best:
                    best, shape = found[0], others[found[1]]
            if best - before < _GAIN:
                break
        return best, shape

    def _likelihood(self, shape: _Shape, apart: Numbers | None = None, extra: Numbers | Literal[0] = 0) -> float:
        """The logarithm of the likelihood, without constants."""
        matrix = np.full_like(self._apart, _MEAN) + extra
        for size, one in zip(shape.sizes, self._alike, strict=True):
            if size:
                matrix += size * one
        together, reach = shape.together
        if together:
            matrix += together * np.exp((self._apart if apart is None else apart) / -reach)
        matrix.flat[:: len(matrix) + 1] += shape.noise
        root, failed = dpotrf(matrix, lower=1, clean=1, overwrite_a=1)
        if failed:
            return -np.inf
        half, _ = dtrtrs(root, self._scores, lower=1)
        return float(-0.5 * half @ half - np.log(np.diag(root)).sum())


def _chance(without: float, with_it: Sequence[float]) -> float:
    ratio = float(np.logaddexp.reduce(with_it)) - np.log(len(with_it)) - without
    return float(np.exp(-max(0.0, ratio)))
