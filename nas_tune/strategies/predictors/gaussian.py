"""A Gaussian process over the blocks of features: few trials suffice, and it knows what it does not know.

The kernel is a mixture of one kernel a block: exponential in the exchanged decisions, squared-exponential in the
others, distances counted in the median distance of the trials. Mixture, length scale and noise are those of a
short list under which the scores are likeliest (Rasmussen and Williams 2006, chapter 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from nas_tune.strategies.predictors.features import Blocks, Numbers

__all__ = ["GaussianModel", "Shape"]

_TINY = 1e-9
_JITTER = 1e-3
_MIXTURES = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33), (0.1, 0.5, 0.4))
_SCALES = (0.6, 1.0, 1.7, 3.0)
_NOISES = (0.003, 0.03, 0.2)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model assumes: the weights of the blocks, the length scale in median distances, the share of noise."""

    mixture: tuple[float, float, float] = (0.34, 0.33, 0.33)
    scale: float = 1.0
    noise: float = 0.01


class GaussianModel:
    """The model of scores known for some architectures.

    Args:
        known: their features, in rows.
        scores: theirs; greater is better.
        extra: how much noisier each score is than a complete one, as a factor of at least 1.
        shape: what is assumed; the likeliest is looked for where it is None.
    """

    def __init__(
        self, known: Blocks, scores: Numbers, extra: Numbers | None = None, shape: Shape | None = None
    ) -> None:
        self._extra = np.ones(len(scores)) if extra is None else extra
        self._frames = _frames(known)
        self._known = [frame.scaled(block) for frame, block in zip(self._frames, _parts(known), strict=True)]
        self._mean, self._spread = float(scores.mean()), float(scores.std()) or 1.0
        self._scores = (scores - self._mean) / self._spread
        self._squares = [_squares(block, block) for block in self._known]
        self.shape = shape or self._likeliest()
        self._condition()

    def predict(self, asked: Blocks) -> tuple[Numbers, Numbers]:
        """The expected scores and their standard deviations, in the units of the scores."""
        parts = [frame.scaled(block) for frame, block in zip(self._frames, _parts(asked), strict=True)]
        across = _mixed(self.shape, [_squares(a, b) for a, b in zip(parts, self._known, strict=True)])
        mean = across @ self._weights
        explained, _ = dtrtrs(self._root, across.T, lower=1)
        variance = np.maximum(1.0 - np.einsum("ij,ij->j", explained, explained), _TINY)
        return self._mean + self._spread * mean, self._spread * np.sqrt(variance * self._variance)

    def _condition(self) -> None:
        matrix = _mixed(self.shape, self._squares)
        self._root = _rooted(matrix, self.shape.noise * self._extra)
        self._weights = dpotrs(self._root, self._scores, lower=1)[0]
        self._variance = max(float(self._scores @ self._weights) / len(self._scores), _TINY)

    def _likeliest(self) -> Shape:
        blocks = [bool(block.shape[1]) for block in self._known]
        mixtures = [m for m in _MIXTURES if all(has or not weight for has, weight in zip(blocks, m, strict=True))]
        best, likeliest = -np.inf, Shape(mixtures[0])
        for scale in _SCALES:
            kernels = _kernels(scale, self._squares)
            for mixture in mixtures:
                matrix = sum(weight * kernel for weight, kernel in zip(mixture, kernels, strict=True) if weight)
                for noise in _NOISES:
                    likelihood = self._likelihood(_rooted(np.asarray(matrix), noise * self._extra))
                    if likelihood > best:
                        best, likeliest = likelihood, Shape(mixture, scale, noise)
        return likeliest

    def _likelihood(self, root: Numbers) -> float:
        """The logarithm of the likelihood, the variance at its best; without constants."""
        half, _ = dtrtrs(root, self._scores, lower=1)
        count = len(self._scores)
        return float(-0.5 * count * np.log(max(half @ half / count, _TINY)) - np.log(np.diag(root)).sum())


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


def _kernels(scale: float, squares: list[Numbers]) -> list[Numbers]:
    sharp, wide = -1.0 / scale**2, -0.5 / scale**2
    return [np.exp(factor * square) for factor, square in zip((sharp, wide, wide), squares, strict=True)]


def _mixed(shape: Shape, squares: list[Numbers]) -> Numbers:
    used = [square if weight else square[:0] for square, weight in zip(squares, shape.mixture, strict=True)]
    kernels = _kernels(shape.scale, used)
    total: Numbers = np.zeros_like(squares[0])
    for weight, kernel in zip(shape.mixture, kernels, strict=True):
        if weight:
            total += weight * kernel
    return total


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
