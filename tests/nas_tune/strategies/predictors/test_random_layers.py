"""Networks with a random layer: what they predict does not depend on units, and they disagree where little is known."""

from __future__ import annotations

import numpy as np
import pytest

from nas_tune.strategies.predictors.random_layers import RandomLayers

RNG = np.random.default_rng(3)
KNOWN = RNG.standard_normal((60, 4))
SCORES = KNOWN @ np.array([1.0, -0.5, 0.25, 0.0])
ASKED = RNG.standard_normal((20, 4))


def test_predictions_follow_the_scores() -> None:
    mean, deviation = RandomLayers(KNOWN, SCORES).predict(ASKED)
    wanted = ASKED @ np.array([1.0, -0.5, 0.25, 0.0])
    assert np.corrcoef(mean, wanted)[0, 1] > 0.9
    assert (mean.shape, deviation.shape) == ((20,), (20,))
    again = RandomLayers(KNOWN, SCORES).predict(ASKED)
    assert (again[0] == mean).all()


def test_units_and_shifts_of_scores_and_features_change_nothing_else() -> None:
    mean, deviation = RandomLayers(KNOWN, SCORES).predict(ASKED)
    other = RandomLayers(KNOWN, 10 * SCORES + 7).predict(ASKED)
    assert other[0] == pytest.approx(10 * mean + 7)
    assert other[1] == pytest.approx(10 * deviation)
    moved = RandomLayers(3 * KNOWN - 2, SCORES).predict(3 * ASKED - 2)
    assert moved[0] == pytest.approx(mean)


def test_members_disagree_far_from_what_is_known() -> None:
    model = RandomLayers(KNOWN, SCORES)
    assert model.predict(20 * ASKED)[1].mean() > 5 * model.predict(KNOWN)[1].mean()
    assert RandomLayers(KNOWN, SCORES, members=1).predict(ASKED)[1].tolist() == [0.0] * 20


def test_equal_scores_and_equal_features_are_no_division_by_zero() -> None:
    mean, deviation = RandomLayers(KNOWN, np.full(60, 2.5)).predict(ASKED)
    assert mean == pytest.approx(np.full(20, 2.5))
    assert deviation == pytest.approx(np.zeros(20))
    mean, _ = RandomLayers(np.ones((3, 2)), np.array([0.0, 1.0, 2.0])).predict(np.ones((1, 2)))
    assert mean == pytest.approx([1.0])
