"""An ensemble of networks with one layer of random weights, whose last layer is a ridge regression.

Extreme learning machines (Huang et al. 2006): the members differ in the random layer, and disagree where there is
little to learn from. All random numbers come from a fixed seed: equal trials give equal models.
"""

from __future__ import annotations

import numpy as np

from nas_tune.strategies.predictors.features import Numbers

__all__ = ["RandomLayers"]

_WIDTH = 128
_RIDGE = 0.3
_SEED = 20_191_025


class RandomLayers:
    """The ensemble for features in rows and their scores; greater is better."""

    def __init__(self, known: Numbers, scores: Numbers, members: int = 5) -> None:
        self._mean, self._spread = float(scores.mean()), float(scores.std()) or 1.0
        self._center = known.mean(axis=0)
        rng = np.random.default_rng(_SEED)
        scale = 1.0 / max(float(np.sqrt(((known - self._center) ** 2).sum(axis=1).mean())), 1e-9)
        self._layers = [
            (scale * rng.standard_normal((known.shape[1], _WIDTH)), 0.5 * rng.standard_normal(_WIDTH))
            for _ in range(members)
        ]
        normal = (scores - self._mean) / self._spread
        self._solved = [_solved(self._hidden(known, layer), normal) for layer in self._layers]

    def predict(self, asked: Numbers) -> tuple[Numbers, Numbers]:
        """What the members expect: its mean, and how much they differ."""
        answers = np.array(
            [self._hidden(asked, layer) @ last for layer, last in zip(self._layers, self._solved, strict=True)]
        )
        return self._mean + self._spread * answers.mean(axis=0), self._spread * answers.std(axis=0)

    def _hidden(self, features: Numbers, layer: tuple[Numbers, Numbers]) -> Numbers:
        weights, shift = layer
        raised: Numbers = np.maximum((features - self._center) @ weights + shift, 0.0) / np.sqrt(_WIDTH)
        return raised


def _solved(hidden: Numbers, scores: Numbers) -> Numbers:
    """The ridge regression from the hidden layer, by the smaller of its two systems."""
    ridge = _RIDGE * float((hidden * hidden).sum(axis=1).mean())
    gram = hidden @ hidden.T
    gram.flat[:: len(gram) + 1] += ridge
    weights: Numbers = hidden.T @ np.linalg.solve(gram, scores)
    return weights
