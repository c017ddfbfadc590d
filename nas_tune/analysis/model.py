"""Whether a decision, or two together, explain scores beyond all else: also where a search chose its trials by scores.

The trials of a search that learns are no sample. What was good once is tried again with all that stood beside it, so a
test of groups takes company for cause. A likelihood does not depend on how the next trial was chosen. So a model
without the effect, fitted to its best, is compared with models that have it: the ratio of likelihoods, averaged over
sizes of the effect, exceeds 1/p with a chance of at most p where the effect is none and the model holds (universal
inference; Wasserman et al. 2020). The test is careful: small effects need more trials than under random search.

The model is a Gaussian process: a part for what each decision does alone, a part for what some of them do jointly, and
noise. How large each is, and which decisions take part jointly, is fitted on a short list.
`tests/benchmarks/chance.py` measures how often it errs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs

from nas_tune.analysis.units import Numbers

__all__ = ["Model", "likeness"]

_SIZES = (0.0, 0.02, 0.1, 0.5, 2.0)
_JOINT = ((0.0, 1.0), *((size, reach) for size in (0.1, 0.5, 2.0) for reach in (0.5, 1.0, 4.0)))
_NOISES = (0.001, 0.01, 0.05, 0.2, 0.6, 1.0)
_MEAN = 1.0
_SWEEPS, _AGAIN = 4, 2
"""Of a climb from the beginning, and of one from a hill."""
_CARE = 4.0
"""By how much every p-value is raised: the model is only like the truth, and its best fit is only nearly found."""
_GAIN = 0.1
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
    """The variance of what each decision does alone; who takes part jointly, how large that is and how far it reaches;
    the noise."""

    sizes: tuple[float, ...]
    members: tuple[bool, ...]
    joint: tuple[float, float] = (0.1, 4.0)
    noise: float = 0.2

    def sized(self, place: int, size: float) -> _Shape:
        return replace(self, sizes=(*self.sizes[:place], size, *self.sizes[place + 1 :]))

    def joined(self, place: int, member: bool) -> _Shape:
        return replace(self, members=(*self.members[:place], member, *self.members[place + 1 :]))

    def without(self, place: int) -> _Shape:
        return self.sized(place, 0.0).joined(place, False)

    def acts(self, place: int) -> bool:
        return self.sizes[place] > 0 or self.acts_jointly(place)

    def acts_jointly(self, place: int) -> bool:
        return self.members[place] and self.joint[0] > 0

    def around(self) -> Iterator[list[_Shape]]:
        """Lists of shapes that differ in one entry only."""
        yield [replace(self, joint=joint) for joint in _JOINT]
        yield [replace(self, noise=noise) for noise in _NOISES]
        for place, member in enumerate(self.members):
            yield [self.joined(place, not member)]
            yield [self.sized(place, size) for size in _SIZES]


class Model:
    """The model of some trials.

    Args:
        alike: for every decision, how alike each two trials are in it (n, n), from 0 to 1.
        scores: of the trials.
    """

    def __init__(self, alike: Sequence[Numbers], scores: Numbers) -> None:
        self._alike = list(alike)
        self._scores = (scores - scores.mean()) / (scores.std() or 1.0)
        count = len(self._alike)
        starts = [_Shape((_SIZES[1],) * count, (member,) * count) for member in (True, False)]
        found = sorted((self._climbed(start) for start in starts), key=lambda one: -one[0])
        self._starts = [shape for _, shape in found]
        self._shape = self._starts[0]
        self._alone = cache(self._fitted_alone)

    def decision(self, place: int) -> float:
        """The p-value of one decision: that it does nothing, alone or jointly."""
        if not self._shape.acts(place):
            return 1.0
        without, shape = self._likeliest(self._climbed(start.without(place), idle=place) for start in self._starts)
        shapes = {
            *(one.sized(place, size) for one in (shape, self._shape) for size in _SIZES[1:]),
            *(one.sized(place, 0.0).joined(place, True) for one in (shape, self._shape)),
        }
        return _chance(without, [self._likelihood(one) for one in shapes])

    def pair(self, one: int, other: int) -> float:
        """The p-value of what two decisions do jointly, beyond the sum of what each does with all others."""
        if not (self._shape.acts_jointly(one) and self._shape.acts_jointly(other)):
            return 1.0
        apart, shape = max((self._alone(place) for place in (one, other)), key=lambda found: found[0])
        members = (shape.joined(one, True).joined(other, True), self._shape)
        shapes = {replace(base, joint=(size, base.joint[1])) for base in members for size in (0.1, 0.5, 2.0)}
        return _chance(apart, [self._likelihood(shape) for shape in shapes])

    def _fitted_alone(self, place: int) -> tuple[float, _Shape]:
        return self._likeliest(self._climbed(start.joined(place, False), alone=place) for start in self._starts)

    def _likeliest(self, found: Iterator[tuple[float, _Shape]]) -> tuple[float, _Shape]:
        """Of several climbs the one that came highest: each may end on a hill of its own."""
        return max(found, key=lambda one: one[0])

    def _climbed(self, shape: _Shape, idle: int | None = None, alone: int | None = None) -> tuple[float, _Shape]:
        """The likeliest shape found by moving one entry at a time.

        The decision `idle` is left without any part, `alone` without a joint one.
        """
        best = self._likelihood(shape)
        for _ in range(_SWEEPS if idle is None and alone is None else _AGAIN):
            before = best
            for step, _ in enumerate(shape.around()):
                options = next(options for number, options in enumerate(shape.around()) if number == step)
                allowed = [
                    one
                    for one in options
                    if one != shape
                    and (idle is None or not (one.members[idle] or one.sizes[idle]))
                    and (alone is None or not one.members[alone])
                ]
                found = max(((self._likelihood(one), rank) for rank, one in enumerate(allowed)), default=None)
                if found is not None and found[0] > best:
                    best, shape = found[0], allowed[found[1]]
            if best - before < _GAIN:
                break
        return best, shape

    def _likelihood(self, shape: _Shape) -> float:
        """The logarithm of the likelihood, without constants."""
        matrix = np.full_like(self._alike[0], _MEAN)
        for size, one in zip(shape.sizes, self._alike, strict=True):
            if size:
                matrix += size * one
        size, reach = shape.joint
        if size and any(shape.members):
            count = sum(shape.members)
            together = sum(one for one, member in zip(self._alike, shape.members, strict=True) if member)
            matrix += size * np.exp((together - count) / reach)
        matrix.flat[:: len(matrix) + 1] += shape.noise
        root, failed = dpotrf(matrix, lower=1, clean=1, overwrite_a=1)
        if failed:
            return -np.inf
        half, _ = dtrtrs(root, self._scores, lower=1)
        return float(-0.5 * half @ half - np.log(np.diag(root)).sum())


def _chance(without: float, with_it: Sequence[float]) -> float:
    ratio = float(np.logaddexp.reduce(with_it)) - np.log(len(with_it)) - without
    return min(1.0, _CARE * float(np.exp(-max(0.0, ratio))))
