"""A Gaussian process over the blocks of features: few trials suffice, and it knows what it does not know.

The kernel is a mixture of one kernel a block: exponential in the exchanged decisions, squared-exponential in the
others, distances counted in the median distance of the trials. Mixture, length scale and noise are those of a
short list under which the scores are likeliest (Rasmussen and Williams 2006, chapter 5). Few trials cannot tell such
shapes apart: then several are asked, each weighed by how likely it makes the scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from nas_tune.strategies.predictors.features import Blocks, Numbers

__all__ = ["GaussianModel", "Shape", "Shapes"]

_TINY = 1e-9
_JITTER = 1e-3
_MIXTURES = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33), (0.1, 0.5, 0.4))
_SCALES = (0.6, 1.0, 1.7, 3.0)
_NOISES = (0.003, 0.03, 0.2)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model assumes: the weights of the blocks, the length scale in median distances, the share of noise."""

    mixture: tuple[float, float, float]
    scale: float
    noise: float = 0.01


Shapes = tuple[tuple[float, Shape], ...]
"""Shapes, the likeliest first, with the logarithms of their shares, which add up to 1."""


class GaussianModel:
    """The model of scores known for some architectures.

    Args:
        known: their features, in rows.
        scores: theirs; greater is better.
        extra: how much noisier each score is than a complete one, as a factor of at least 1.
        shapes: what is assumed; the likeliest are looked for where it is None.
        most: of how many shapes, at most, if they are looked for.
    """

    def __init__(
        self,
        known: Blocks,
        scores: Numbers,
        extra: Numbers | None = None,
        shapes: Shapes | None = None,
        most: int = 1,
    ) -> None:
        self._extra = np.ones(len(scores)) if extra is None else extra
        self._frames = _frames(known)
        self._known = [frame.scaled(block) for frame, block in zip(self._frames, _parts(known), strict=True)]
        self._mean, self._spread = float(scores.mean()), float(scores.std()) or 1.0
        self._scores = (scores - self._mean) / self._spread
        squares = [_squares(block, block) for block in self._known]
        self.shapes = shapes or self._likeliest(squares, most)
        mixed = _mixed([shape for _, shape in self.shapes], squares)
        self._fits = [self._fitted(matrix, shape) for matrix, (_, shape) in zip(mixed, self.shapes, strict=True)]

    def answers(self, asked: Blocks) -> tuple[Numbers, Numbers]:
        """By every shape, in rows: the expected scores and their standard deviations, in the units of the scores."""
        parts = [frame.scaled(block) for frame, block in zip(self._frames, _parts(asked), strict=True)]
        squares = [_squares(a, b) for a, b in zip(parts, self._known, strict=True)]
        across = _mixed([shape for _, shape in self.shapes], squares)
        pairs = [fit.answer(matrix) for fit, matrix in zip(self._fits, across, strict=True)]
        means, deviations = (np.array(rows) for rows in zip(*pairs, strict=True))
        return self._mean + self._spread * means, self._spread * deviations

    def predict(self, asked: Blocks) -> tuple[Numbers, Numbers]:
        """The expected scores and their standard deviations, over all shapes."""
        means, deviations = self.answers(asked)
        shares = np.exp([share for share, _ in self.shapes])
        mean: Numbers = shares @ means
        variance: Numbers = shares @ (deviations**2 + (means - mean) ** 2)
        return mean, np.sqrt(variance)

    def _fitted(self, matrix: Numbers, shape: Shape) -> _Fit:
        root = _rooted(matrix, shape.noise * self._extra)
        weights: Numbers = dpotrs(root, self._scores, lower=1)[0]
        return _Fit(root, weights, max(float(self._scores @ weights) / len(weights), _TINY))

    def _likeliest(self, squares: list[Numbers], most: int) -> Shapes:
        has = [bool(block.shape[1]) for block in self._known]
        mixtures = [m for m in _MIXTURES if all(there or not weight for there, weight in zip(has, m, strict=True))]
        plain = [Shape(mixture, scale) for scale in _SCALES for mixture in mixtures]
        found: list[tuple[float, Shape]] = []
        for matrix, shape in zip(_mixed(plain, squares), plain, strict=True):
            for noise in _NOISES:
                likelihood = self._likelihood(_rooted(matrix, noise * self._extra))
                found.append((likelihood, Shape(shape.mixture, shape.scale, noise)))
        found = sorted(found, key=lambda one: -one[0])[:most]
        total = np.logaddexp.reduce([likelihood for likelihood, _ in found])
        return tuple((float(likelihood - total), shape) for likelihood, shape in found)

    def _likelihood(self, root: Numbers) -> float:
        """The logarithm of the likelihood, the variance at its best; without constants."""
        half, _ = dtrtrs(root, self._scores, lower=1)
        count = len(self._scores)
        return float(-0.5 * count * np.log(max(half @ half / count, _TINY)) - np.log(np.diag(root)).sum())


@dataclass(frozen=True, slots=True)
class _Fit:
    """One shape's root of the kernel matrix, the weights of the trials, and the variance, in even units."""

    root: Numbers
    weights: Numbers
    variance: float

    def answer(self, across: Numbers) -> tuple[Numbers, Numbers]:
        explained, _ = dtrtrs(self.root, across.T, lower=1)
        left = np.maximum(1.0 - np.einsum("ij,ij->j", explained, explained), _TINY)
        return across @ self.weights, np.sqrt(left * self.variance)


@dataclass(frozen=True, slots=True)
class _Frame:
    """How a block is brought to a median distance of 1."""

    factors: Numbers

    def scaled(self, block: Numbers) -> Numbers:
        return block * self.factors


def _parts(blocks: Blocks) -> tuple[Numbers, Numbers, Numbers]:
    return blocks.decisions, blocks.pooled, blocks.paths


def _frames(known: Blocks) -> list[_Frame]:
    decisions, pooled, paths = _parts(known)
    deviation = pooled.std(axis=0) if len(pooled) else np.zeros(pooled.shape[1])
    even = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > _TINY)
    starts = [np.ones(decisions.shape[1]), even, np.ones(paths.shape[1])]
    return [
        _Frame(start / np.sqrt(_median_square(block * start)))
        for start, block in zip(starts, (decisions, pooled, paths), strict=True)
    ]


def _median_square(block: Numbers) -> float:
    squares = _squares(block, block)[np.triu_indices(len(block), 1)]
    positive: NDArray[np.float64] = squares[squares > _TINY]
    return float(np.median(positive)) if len(positive) else 1.0


def _squares(a: Numbers, b: Numbers) -> Numbers:
    """The squared distances of all rows."""
    squares: Numbers = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2.0 * (a @ b.T)
    return np.maximum(squares, 0.0, out=squares)


def _mixed(shapes: Sequence[Shape], squares: list[Numbers]) -> Iterator[Numbers]:
    """The kernel of every shape; shapes of one scale share the exponentials, and those of one mixture the sum."""
    kernels: dict[tuple[int, float], Numbers] = {}
    sums: dict[tuple[object, float], Numbers] = {}
    for shape in shapes:
        key = (shape.mixture, shape.scale)
        if key not in sums:
            used = [place for place, weight in enumerate(shape.mixture) if weight]
            for place in used:
                if (place, shape.scale) not in kernels:
                    factor = (-0.5 if place else -1.0) / shape.scale**2
                    kernels[place, shape.scale] = np.exp(factor * squares[place])
            sums[key] = sum((shape.mixture[place] * kernels[place, shape.scale] for place in used), np.zeros(()))
        yield sums[key]


def _rooted(matrix: Numbers, noise: Numbers) -> Numbers:
    """The lower root of the matrix with noise on its diagonal."""
    noisy = matrix.copy()
    noisy.flat[:: len(noisy) + 1] += noise
    root, failed = dpotrf(noisy, lower=1, clean=1)
    if failed:
        noisy.flat[:: len(noisy) + 1] += _JITTER
        root, _ = dpotrf(noisy, lower=1, clean=1)
    lower: Numbers = root
    return lower
