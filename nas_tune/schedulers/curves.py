"""Extrapolates learning curves by power laws and exponentials, weighted by how well they fit the known scores.

After the ensemble of Domhan, Springenberg and Hutter (IJCAI 2015), in closed form: each family `a - b * g(epoch)` is
fitted by least squares, for a fixed choice of the decay `g`, and the fits are averaged by their likelihood.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["extrapolated"]

_Vector = NDArray[np.float64]
_POWERS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_HALVINGS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0)
"""Time constants of the exponentials, as shares of a full training."""
_FEWEST = 3
"""Below this number of known scores no curve is fitted."""


def extrapolated(epochs: _Vector, scores: _Vector, last: int) -> float:
    """Predict the score after epoch `last` from the scores so far.

    Args:
        epochs: the epochs of the scores, ascending, from 1; shape (n,).
        scores: the score at each; greater is better; shape (n,).
        last: the epoch to predict.

    Returns:
        The mean of the fitted curves at `last`, weighted by likelihood; the latest score if there are fewer than three
        scores or if `last` is already reached.
    """
    if len(epochs) < _FEWEST or epochs[-1] >= last:
        return float(scores[-1])
    shapes, ends = _decays(tuple(epochs.tolist()), last)
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    deviations = scores - scores.mean()
    # Assume that longer training is never worse: the slope against a falling decay is at most 0.
    slopes = np.minimum(0.0, centred @ deviations / np.maximum(np.sum(centred**2, axis=1), 1e-30))
    errors = np.sum((deviations - slopes[:, None] * centred) ** 2, axis=1)
    predictions = scores.mean() + slopes * (ends - shapes.mean(axis=1))
    floor = 1e-12 + 1e-6 * float(np.sum(deviations**2))
    likelihoods = -0.5 * len(epochs) * np.log(errors + floor)
    weights = np.exp(likelihoods - likelihoods.max())
    return float(weights @ predictions / weights.sum())


@lru_cache(maxsize=512)
def _decays(epochs: tuple[float, ...], last: int) -> tuple[_Vector, _Vector]:
    """Evaluate every decay at the known epochs, shape (decays, epochs), and at the last one, shape (decays,)."""
    places = np.array([*epochs, float(last)])
    powers = places[None, :] ** -np.array(_POWERS)[:, None]
    exponentials = np.exp(-places[None, :] / (last * np.array(_HALVINGS)[:, None]))
    rows = np.vstack([powers, exponentials])
    return rows[:, :-1], rows[:, -1]
