"""A Gaussian process over the blocks of features: it learns from few trials and predicts its own uncertainty.

The kernel is a mixture of one kernel for each block: exponential for the decisions, squared-exponential for the other
blocks, with distances in units of the trials' median distance. Mixture, length scale and noise are chosen from a short
list by the likelihood of the scores (Rasmussen and Williams 2006, chapter 5). Few trials do not determine these
hyperparameters: the predictions of several choices are then averaged, weighted by their likelihoods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from nas_tune.strategies.predictors.features import FeatureBlocks, Numbers

__all__ = ["GaussianModel", "Hyperparameters", "WeightedHyperparameters"]

_TINY = 1e-9
_JITTER = 1e-3
_MIXTURES = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33), (0.1, 0.5, 0.4))
_SCALES = (0.6, 1.0, 1.7, 3.0)
_NOISES = (0.003, 0.03, 0.2)


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """One choice of the kernel.

    Attributes:
        mixture: the weights of the blocks decisions, pooled and paths.
        scale: the length scale, in median distances.
        noise: the variance of the noise as a share of that of the kernel (default: 0.01).
    """

    mixture: tuple[float, float, float]
    scale: float
    noise: float = 0.01


WeightedHyperparameters = tuple[tuple[float, Hyperparameters], ...]
"""Pairs of a log weight and hyperparameters, the likeliest first; the weights add up to 1."""


class GaussianModel:
    """A Gaussian process fitted to the scores of known architectures.

    Args:
        known: their features, in rows.
        scores: greater is better; shape (n,).
        noise_factors: the noise of each score relative to that of a complete trial, at least 1; shape (n,) (default: 1
            each).
        hyperparameters: the weighted choices to use (default: the likeliest of a short list).
        most: how many choices to keep if the likeliest are searched (default: 1).
    """

    def __init__(
        self,
        known: FeatureBlocks,
        scores: Numbers,
        noise_factors: Numbers | None = None,
        hyperparameters: WeightedHyperparameters | None = None,
        most: int = 1,
    ) -> None:
        self._noise_factors = np.ones(len(scores)) if noise_factors is None else noise_factors
        self._frames = _frames(known)
        self._known = [frame.scaled(block) for frame, block in zip(self._frames, _parts(known), strict=True)]
        self._mean, self._spread = float(scores.mean()), float(scores.std()) or 1.0
        self._scores = (scores - self._mean) / self._spread
        squares = [_squares(block, block) for block in self._known]
        self.hyperparameters = hyperparameters or self._likeliest(squares, most)
        mixed = _mixed([one for _, one in self.hyperparameters], squares)
        self._fits = [self._fitted(matrix, one) for matrix, (_, one) in zip(mixed, self.hyperparameters, strict=True)]

    def predict_each(self, asked: FeatureBlocks) -> tuple[Numbers, Numbers]:
        """Predict the scores of architectures under each choice of hyperparameters.

        Args:
            asked: their features, in rows.

        Returns:
            Expected scores and standard deviations, in units of the scores, each of shape (choices, k).
        """
        parts = [frame.scaled(block) for frame, block in zip(self._frames, _parts(asked), strict=True)]
        squares = [_squares(a, b) for a, b in zip(parts, self._known, strict=True)]
        across = _mixed([one for _, one in self.hyperparameters], squares)
        pairs = [fit.answer(matrix) for fit, matrix in zip(self._fits, across, strict=True)]
        means, deviations = (np.array(rows) for rows in zip(*pairs, strict=True))
        return self._mean + self._spread * means, self._spread * deviations

    def predict(self, asked: FeatureBlocks) -> tuple[Numbers, Numbers]:
        """Predict the scores of architectures, averaged over the choices of hyperparameters.

        Args:
            asked: their features, in rows.

        Returns:
            Expected scores and standard deviations, in units of the scores, each of shape (k,).
        """
        means, deviations = self.predict_each(asked)
        shares = np.exp([share for share, _ in self.hyperparameters])
        mean: Numbers = shares @ means
        variance: Numbers = shares @ (deviations**2 + (means - mean) ** 2)
        return mean, np.sqrt(variance)

    def _fitted(self, matrix: Numbers, one: Hyperparameters) -> _Fit:
        root = _rooted(matrix, one.noise * self._noise_factors)
        weights: Numbers = dpotrs(root, self._scores, lower=1)[0]
        return _Fit(root, weights, max(float(self._scores @ weights) / len(weights), _TINY))

    def _likeliest(self, squares: list[Numbers], most: int) -> WeightedHyperparameters:
        has = [bool(block.shape[1]) for block in self._known]
        mixtures = []
        for m in _MIXTURES:
            if all(there or not weight for there, weight in zip(has, m, strict=True)):
                mixtures.append(m)
        plain = []
        for scale in _SCALES:
            for mixture in mixtures:
                plain.append(Hyperparameters(mixture, scale))
        found: list[tuple[float, Hyperparameters]] = []
        for matrix, one in zip(_mixed(plain, squares), plain, strict=True):
            for noise in _NOISES:
                likelihood = self._likelihood(_rooted(matrix, noise * self._noise_factors))
                found.append((likelihood, Hyperparameters(one.mixture, one.scale, noise)))
        found = sorted(found, key=lambda one: -one[0])[:most]
        total = np.logaddexp.reduce([likelihood for likelihood, _ in found])
        return tuple((float(likelihood - total), one) for likelihood, one in found)

    def _likelihood(self, root: Numbers) -> float:
        """Compute the log-likelihood at the best variance, without constants."""
        half, _ = dtrtrs(root, self._scores, lower=1)
        count = len(self._scores)
        return float(-0.5 * count * np.log(max(half @ half / count, _TINY)) - np.log(np.diag(root)).sum())


@dataclass(frozen=True, slots=True)
class _Fit:
    """A fit of one choice: Cholesky factor, weights of the trials, variance of the normalized scores."""

    root: Numbers
    weights: Numbers
    variance: float

    def answer(self, across: Numbers) -> tuple[Numbers, Numbers]:
        explained, _ = dtrtrs(self.root, across.T, lower=1)
        left = np.maximum(1.0 - np.einsum("ij,ij->j", explained, explained), _TINY)
        return across @ self.weights, np.sqrt(left * self.variance)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The factors that scale the columns of a block to a median distance of 1."""

    factors: Numbers

    def scaled(self, block: Numbers) -> Numbers:
        return block * self.factors


def _parts(blocks: FeatureBlocks) -> tuple[Numbers, Numbers, Numbers]:
    return blocks.decisions, blocks.pooled, blocks.paths


def _frames(known: FeatureBlocks) -> list[_Frame]:
    decisions, pooled, paths = _parts(known)
    deviation = pooled.std(axis=0) if len(pooled) else np.zeros(pooled.shape[1])
    even = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > _TINY)
    starts = [np.ones(decisions.shape[1]), even, np.ones(paths.shape[1])]
    found: list[_Frame] = []
    for start, block in zip(starts, (decisions, pooled, paths), strict=True):
        found.append(_Frame(start / np.sqrt(_median_square(block * start))))
    return found


def _median_square(block: Numbers) -> float:
    squares = _squares(block, block)[np.triu_indices(len(block), 1)]
    positive: NDArray[np.float64] = squares[squares > _TINY]
    return float(np.median(positive)) if len(positive) else 1.0


def _squares(a: Numbers, b: Numbers) -> Numbers:
    """Compute the squared distances of all rows, shape (rows of a, rows of b)."""
    squares: Numbers = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2.0 * (a @ b.T)
    return np.maximum(squares, 0.0, out=squares)


def _mixed(hyperparameters: Sequence[Hyperparameters], squares: list[Numbers]) -> Iterator[Numbers]:
    """Compute the kernel matrix of each choice; equal scales share exponentials, equal mixtures the sum."""
    kernels: dict[tuple[int, float], Numbers] = {}
    sums: dict[tuple[object, float], Numbers] = {}
    for one in hyperparameters:
        key = (one.mixture, one.scale)
        if key not in sums:
            used = [place for place, weight in enumerate(one.mixture) if weight]
            for place in used:
                if (place, one.scale) not in kernels:
                    factor = (-0.5 if place else -1.0) / one.scale**2
                    kernels[place, one.scale] = np.exp(factor * squares[place])
            sums[key] = sum((one.mixture[place] * kernels[place, one.scale] for place in used), np.zeros(()))
        yield sums[key]


def _rooted(matrix: Numbers, noise: Numbers) -> Numbers:
    """Compute the lower Cholesky factor of the matrix with noise added to its diagonal."""
    noisy = matrix.copy()
    noisy.flat[:: len(noisy) + 1] += noise
    root, failed = dpotrf(noisy, lower=1, clean=1)
    if failed:
        noisy.flat[:: len(noisy) + 1] += _JITTER
        root, _ = dpotrf(noisy, lower=1, clean=1)
    lower: Numbers = root
    return lower
