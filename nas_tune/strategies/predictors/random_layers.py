"""An ensemble of networks with one layer of random weights and a last layer fitted by ridge regression.

These are extreme learning machines (Huang et al. 2006): the members differ in the random layer, and disagree where
there are few observations. All random numbers come from a fixed seed, so equal trials give equal models.
"""

from __future__ import annotations

import numpy as np

from nas_tune.strategies.predictors.features import Numbers

__all__ = ["RandomLayers"]

_WIDTH = 128
_RIDGE = 0.3
_SEED = 20_191_025


class RandomLayers:
    """An ensemble fitted to the scores of known architectures.

    Args:
        known: their features, shape (n, features).
        scores: greater is better; shape (n,).
        members: the size of the ensemble (default: 5).
    """

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
        """Predict the scores of architectures.

        Args:
            asked: their features, shape (k, features).

        Returns:
            Mean and standard deviation over the members, each of shape (k,).
        """
        answers = np.array(
            [self._hidden(asked, layer) @ last for layer, last in zip(self._layers, self._solved, strict=True)]
        )
        return self._mean + self._spread * answers.mean(axis=0), self._spread * answers.std(axis=0)

    def _hidden(self, features: Numbers, layer: tuple[Numbers, Numbers]) -> Numbers:
        weights, shift = layer
        raised: Numbers = np.maximum((features - self._center) @ weights + shift, 0.0) / np.sqrt(_WIDTH)
        return raised


def _solved(hidden: Numbers, scores: Numbers) -> Numbers:
    """Solve the ridge regression from the hidden layer in its dual form, which is smaller."""
    ridge = _RIDGE * float((hidden * hidden).sum(axis=1).mean())
    gram = hidden @ hidden.T
    gram.flat[:: len(gram) + 1] += ridge
    weights: Numbers = hidden.T @ np.linalg.solve(gram, scores)
    return weights
