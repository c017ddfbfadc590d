"""The model of adaptive trials: what decides is seen through noise, what does nothing is not, and the numbers stand.

The calibration by simulation takes minutes and is a slow test. It holds for these numbers: who changes a constant of
the model changes them, and calibrates anew.
"""

from __future__ import annotations

import numpy as np
import pytest

from nas_tune.analysis.model import Model, likeness

TRIALS = 40


def model(noise: float) -> Model:
    """Of x + (y XOR z) + 0 w under noise of this share of the deviation; x is ordered."""
    rng = np.random.default_rng(3)
    x, flags = rng.random(TRIALS), rng.integers(0, 2, (3, TRIALS)).astype(float)
    scores = x + (flags[0] != flags[1])
    scores = scores / scores.std() + noise * rng.standard_normal(TRIALS)
    alike = [likeness(x, ordered=True), *(likeness(flag, ordered=False) for flag in flags)]
    return Model(alike, scores)


FOUND = {
    0.1: [1.561392e-10, 1.772421e-18, 1.437874e-18, 1.0, 3.522201e-18],
    0.2: [2.038523e-07, 1.689799e-14, 1.690592e-14, 1.0, 3.352820e-14],
    0.3: [3.917802e-08, 2.688629e-14, 2.687666e-14, 1.0, 4.221179e-14],
    0.8: [0.08491262, 2.238073e-04, 2.023319e-04, 1.0, 3.349202e-04],
    1.6: [0.4727422, 0.2502095, 0.2323152, 1.0, 0.3968789],
    2.0: [1.0, 1.0, 1.0, 1.0, 1.0],
}
"""By the share of noise: the p-values of x, y, z and w, and of y and z together."""


@pytest.mark.parametrize("noise", FOUND)
def test_what_decides_is_seen_through_noise(noise: float) -> None:
    found = model(noise)
    assert [*map(found.decision, range(4)), found.pair(1, 2)] == pytest.approx(FOUND[noise], rel=1e-3)
    assert found.pair(0, 3) == 1.0


def test_what_is_not_active_in_one_of_two_trials_is_not_alike() -> None:
    units = np.array([0.0, 1.0, np.nan, np.nan])
    ordered = np.array([[1, np.exp(-2), 0, 0], [np.exp(-2), 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_allclose(likeness(units, ordered=True), ordered)
    np.testing.assert_allclose(likeness(units, ordered=False), np.round(ordered - 0.1))
