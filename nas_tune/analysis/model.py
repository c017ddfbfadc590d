"""Tests of decisions and pairs that also hold where a search chose its trials by their scores.

The trials of a search that learns are not a random sample. A search repeats good options together with the other
decisions of the same architecture, so a test of groups mistakes correlation for cause. A likelihood does not depend on
how the next trial was chosen. So the best model without the effect is compared with models that have it: the ratio of
likelihoods, averaged over sizes of the effect, exceeds 1/p with a chance of at most p where there is no effect and the
model holds (universal inference; Wasserman et al. 2020). The test is conservative: small effects need more trials than
under random search.

The model is a Gaussian process. Its covariance has a part for what each decision does alone, a part for what some of
them do jointly, and noise. A local search over a few values fits the size of each part, and the decisions of the joint
part. `tests/benchmarks/chance.py` measures how often the tests are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs

from nas_tune.analysis.units import Numbers

__all__ = ["Model", "likeness"]

_SIZES = (0.0, 0.02, 0.1, 0.5, 2.0)
_JOINT = ((0.0, 1.0), *((size, reach) for size in (0.1, 0.5, 2.0) for reach in (0.5, 1.0, 4.0)))
_NOISES = (0.001, 0.01, 0.05, 0.2, 0.6, 1.0)
_MEAN = 1.0
_SWEEPS, _AGAIN = 4, 2
"""Sweeps of a local search from a start, and of one from a shape that is already fitted."""
_CARE = 4.0
"""The factor on every p-value: the model is an approximation, and the local search may miss its best fit."""
_GAIN = 0.1
"""A sweep that raises the log-likelihood by less is the last."""


def likeness(units: Numbers, *, ordered: bool) -> Numbers:
    """Compute the similarity of each two trials in one decision.

    Args:
        units: the decision of each trial as a number (n,); NaN where it is inactive.
        ordered: whether near numbers are similar. If not, options are either equal or different.

    Returns:
        Similarities from 0 to 1, (n, n). Two trials in which the decision is inactive have 1.
    """
    active = ~np.isnan(units)
    known = np.where(active, units, -1.0)
    apart = np.abs(known[:, None] - known)
    alike: Numbers = np.exp(-2.0 * apart) if ordered else (apart == 0).astype(float)
    return np.where(active[:, None] == active, alike, 0.0)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The variances of the model.

    `sizes` are those of each decision alone. `members` says which decisions take part in the joint part, and `joint`
    is the variance and the length scale of that part. `noise` is the variance of the noise.
    """

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

    def keeps(self, idle: int | None, alone: int | None) -> bool:
        """Whether the decision `idle` has no effect, and the decision `alone` no joint one."""
        if idle is not None and (self.members[idle] or self.sizes[idle]):
            return False
        return alone is None or not self.members[alone]

    @property
    def entries(self) -> int:
        """The number of lists of `around`."""
        return 2 + 2 * len(self.members)

    def around(self) -> Iterator[list[_Shape]]:
        """Lists of shapes that differ in one entry only: joint, noise, then membership and size of each decision."""
        yield [replace(self, joint=joint) for joint in _JOINT]
        yield [replace(self, noise=noise) for noise in _NOISES]
        for place, member in enumerate(self.members):
            yield [self.joined(place, not member)]
            yield [self.sized(place, size) for size in _SIZES]


class Model:
    """A Gaussian process fitted to the scores of trials.

    Args:
        alike: for every decision, the similarity of each two trials in it (n, n), from 0 to 1; see `likeness`.
        scores: the scores of the trials (n,).
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
        """Test whether one decision has an effect, alone or jointly with others.

        Args:
            place: the place of the decision in `alike`.

        Returns:
            The p-value, not corrected for the number of tests.
        """
        if not self._shape.acts(place):
            return 1.0
        without, shape = self._likeliest(self._climbed(start.without(place), idle=place) for start in self._starts)
        shapes = {
            *(one.sized(place, size) for one in (shape, self._shape) for size in _SIZES[1:]),
            *(one.sized(place, 0.0).joined(place, True) for one in (shape, self._shape)),
        }
        return _chance(without, [self._likelihood(one) for one in shapes])

    def pair(self, one: int, other: int) -> float:
        """Test whether two decisions interact, beyond what each does together with the other decisions.

        Args:
            one: the place of the first decision in `alike`.
            other: the place of the second decision.

        Returns:
            The p-value, not corrected for the number of tests.
        """
        if not (self._shape.acts_jointly(one) and self._shape.acts_jointly(other)):
            return 1.0
        apart, shape = max((self._alone(place) for place in (one, other)), key=lambda found: found[0])
        members = (shape.joined(one, True).joined(other, True), self._shape)
        shapes = set()
        for base in members:
            for size in (0.1, 0.5, 2.0):
                shapes.add(replace(base, joint=(size, base.joint[1])))
        return _chance(apart, [self._likelihood(shape) for shape in shapes])

    def _fitted_alone(self, place: int) -> tuple[float, _Shape]:
        return self._likeliest(self._climbed(start.joined(place, False), alone=place) for start in self._starts)

    def _likeliest(self, found: Iterator[tuple[float, _Shape]]) -> tuple[float, _Shape]:
        """The best of several local searches, each of which may end in another local maximum."""
        return max(found, key=lambda one: one[0])

    def _climbed(self, shape: _Shape, idle: int | None = None, alone: int | None = None) -> tuple[float, _Shape]:
        """The log-likelihood and the shape that a local search finds by changing one entry at a time.

        The decision `idle` stays without any effect, the decision `alone` without a joint one.
        """
        best = self._likelihood(shape)
        for _ in range(_SWEEPS if idle is None and alone is None else _AGAIN):
            before = best
            for step in range(shape.entries):
                options = next(islice(shape.around(), step, None))
                allowed = [one for one in options if one != shape and one.keeps(idle, alone)]
                likelihoods = [self._likelihood(one) for one in allowed]
                if max(likelihoods, default=best) > best:
                    best = max(likelihoods)
                    shape = allowed[likelihoods.index(best)]
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
    """The p-value from the log-likelihoods of the best model without the effect, and of models with it."""
    ratio = float(np.logaddexp.reduce(with_it)) - np.log(len(with_it)) - without
    return min(1.0, _CARE * float(np.exp(-max(0.0, ratio))))
