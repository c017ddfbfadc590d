"""Extrapolation: curves whose end is known, and trials that are stopped because theirs is."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from nas_tune.schedulers import Verdict
from nas_tune.schedulers.curves import extrapolated
from nas_tune.schedulers.learning_curve import LearningCurve, _Curve, corrected

EPOCHS = np.arange(1.0, 21.0)


@pytest.mark.parametrize(
    "curve",
    [0.9 - 0.5 / np.sqrt(EPOCHS), 0.9 - 0.5 / EPOCHS, 0.8 - 0.6 * np.exp(-EPOCHS / 4), np.full(20, 0.3)],
    ids=["root", "hyperbola", "exponential", "flat"],
)
def test_a_curve_of_a_known_family_is_foreseen_from_its_first_third(curve: np.ndarray) -> None:
    assert extrapolated(EPOCHS[:7], curve[:7], 20) == pytest.approx(curve[-1], abs=0.005)


def test_a_falling_curve_is_not_expected_to_rise_nor_to_fall_for_ever() -> None:
    assert extrapolated(EPOCHS[:4], np.array([0.8, 0.6, 0.4, 0.2]), 20) == pytest.approx(0.5)


def test_of_one_or_two_epochs_the_last_score_is_all_there_is() -> None:
    assert extrapolated(EPOCHS[:1], np.array([0.4]), 20) == 0.4
    assert extrapolated(EPOCHS[:2], np.array([0.4, 0.5]), 20) == 0.5


def test_epochs_may_be_missing() -> None:
    chosen = [0, 2, 4, 8]
    curve = 0.9 - 0.5 / EPOCHS
    assert extrapolated(EPOCHS[chosen], curve[chosen], 20) == pytest.approx(curve[-1], abs=0.005)


def test_guesses_are_corrected_by_what_earlier_ones_came_to() -> None:
    guessed = np.linspace(0.1, 0.9, 30)
    mean, deviation = corrected(0.5, guessed, 0.2 + 0.5 * guessed)
    assert mean == pytest.approx(0.45, abs=0.001)
    assert deviation < 0.01
    noise = np.random.default_rng(0).normal(0, 0.1, 30)
    mean, noisy = corrected(0.5, guessed, 0.2 + 0.5 * guessed + noise)
    assert mean == pytest.approx(0.45, abs=0.06)
    assert 0.07 < noisy < 0.14
    # Far from all that was seen, less is known.
    assert corrected(3.0, guessed, 0.2 + 0.5 * guessed + noise)[1] > 1.2 * noisy


def test_the_spread_is_that_of_a_regression_of_two_coefficients() -> None:
    """By hand: errors 0, 0.03 and 0 have the mean 0.01, no slope, and the sum of squares 0.0006 about it."""
    guessed = np.array([0.1, 0.2, 0.3])
    ends = guessed + np.array([0.0, 0.03, 0.0])
    mean, deviation = corrected(0.2, guessed, ends)
    assert mean == pytest.approx(0.21)
    assert deviation == pytest.approx((0.0006 / 1 * (1 + 1 / 3) * 3 / 1) ** 0.5)
    mean, deviation = corrected(0.4, guessed, ends)
    assert mean == pytest.approx(0.41)
    assert deviation == pytest.approx((0.0006 / 1 * (1 + 1 / 3 + 0.04 / (0.02 + 0.0002)) * 3 / 1) ** 0.5)


def run(scheduler: LearningCurve, trial: int, worth: float, seed: int) -> int:
    """The epoch after which a trial stops; its curve rises towards `worth`."""
    rng = random.Random(seed)
    for epoch in range(1, 21):
        if scheduler.observe(trial, epoch, worth * (1 - 0.5**epoch) + rng.gauss(0, 0.01)) is Verdict.STOP:
            scheduler.forget(trial)
            return epoch
    return 20


def test_what_cannot_win_is_stopped_early_and_what_may_win_is_not() -> None:
    scheduler = LearningCurve(max_epochs=20)
    rng = random.Random(4)
    for trial in range(5):
        assert run(scheduler, trial, rng.uniform(0.4, 0.7), trial) == 20
    poor = [run(scheduler, trial, rng.uniform(0.1, 0.4), trial) for trial in range(5, 25)]
    assert max(poor) <= 6
    assert [run(scheduler, 30 + place, 0.8 + place / 10, 30 + place) for place in range(5)] == [20] * 5


def test_a_lower_chance_is_more_patient() -> None:
    def epochs(chance: float) -> int:
        scheduler, rng = LearningCurve(max_epochs=20, chance=chance), random.Random(1)
        return sum(run(scheduler, trial, rng.uniform(0.3, 0.8), trial) for trial in range(40))

    assert epochs(0.3) < epochs(0.05) < epochs(0.0001) < 800


def test_grace_is_kept() -> None:
    scheduler = LearningCurve(max_epochs=20, grace=8)
    for trial in range(5):
        run(scheduler, trial, 0.4 + trial / 10, trial)
    assert run(scheduler, 5, 0.1, 5) == 8


def test_between_two_reports_the_earlier_guess_counts() -> None:
    curve = _Curve([2, 4, 8], [0.1, 0.2, 0.3], [10.0, 20.0, 30.0])
    assert [curve.guess_at(epoch) for epoch in (1, 2, 3, 4, 7, 8, 20)] == [10.0, 10.0, 10.0, 20.0, 20.0, 30.0, 30.0]


def test_complete_curves_are_asked_what_was_guessed_of_them_at_the_same_epoch() -> None:
    """Those report every fourth epoch only, so that epoch 6 lies between two of their reports."""
    scheduler = LearningCurve(max_epochs=20)
    for trial in range(5):
        for epoch in (4, 8, 20):
            scheduler.observe(trial, epoch, trial / 10 + epoch / 100 + 0.1 * (epoch == 20 and trial % 2))
    for epoch in (4, 6):
        scheduler.observe(9, epoch, 0.4 + epoch / 100)
    mean, deviation = corrected(
        scheduler._running[9].guesses[-1],
        np.array([one.guesses[0] for one in scheduler._complete]),
        np.array([one.scores[-1] for one in scheduler._complete]),
    )
    chance = scheduler.chance_to_win(9)
    assert chance == pytest.approx(0.5 * math.erfc((0.6 - mean) / (math.sqrt(2.0) * deviation)))
    assert 0.05 < chance < 0.95, "neither sure, or the numbers above would not matter"
