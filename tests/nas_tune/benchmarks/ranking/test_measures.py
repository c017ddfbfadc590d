"""The measures of an order: by hand, against scipy, and in every draw of the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from nas_tune.benchmarks.ranking.measures import Measures, _drawn, interval, mean_of

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.integers(0, 20, 60).astype(float)
SIZES = RANDOM.integers(1, 6, 60) * 100.0
SCORE = TRUTH + RANDOM.integers(-6, 7, 60)


def test_by_hand() -> None:
    # Sizes 100 and 100.5 are within 1 %, 102 is not. Of the pairs of equal size (a, b) agrees, (c, d) does not.
    measured = Measures([1, 2, 3, 4], [100, 100.5, 102, 102], top=2, resamples=0).of([1, 2, 4, 3])
    found = {name: values[0] for name, values in measured.values.items()}
    assert found == {"tau": pytest.approx(4 / 6), "equal_size_tau": 0, "top_2": 3.5, "regret": 1}


def test_less_of_a_loss_is_better() -> None:
    measured = Measures([1, 2, 3, 4], [1, 1, 1, 1], is_max=False, top=2, resamples=0).of([1, 2, 4, 3])
    found = {name: values[0] for name, values in measured.values.items()}
    assert found == {"tau": pytest.approx(-4 / 6), "equal_size_tau": pytest.approx(-4 / 6), "top_2": 3.5, "regret": 2}


def test_tau_is_that_of_scipy_in_the_sample_and_in_every_draw() -> None:
    weights = _drawn(60, 20, seed=1).astype(int)
    taus = Measures(TRUTH, SIZES, resamples=20, seed=1).of(SCORE).values["tau"]
    for draw in range(21):
        rows = np.repeat(np.arange(60), weights[:, draw])
        assert taus[draw] == pytest.approx(kendalltau(SCORE[rows], TRUTH[rows]).statistic)
    assert (weights.sum(axis=0) == 60).all()


def test_tau_of_equal_sizes_is_that_of_the_pairs_within_the_band() -> None:
    agreeing = untied = of_truth = 0.0
    for one in range(60):
        for other in range(one):
            if abs(SIZES[one] - SIZES[other]) <= 0.01 * max(SIZES[one], SIZES[other]):
                signs = np.sign(SCORE[one] - SCORE[other]), np.sign(TRUTH[one] - TRUTH[other])
                agreeing += signs[0] * signs[1]
                untied += abs(signs[0])
                of_truth += abs(signs[1])
    found = Measures(TRUTH, SIZES, resamples=0).of(SCORE)
    assert found.values["equal_size_tau"][0] == pytest.approx(agreeing / np.sqrt(untied * of_truth))


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Measures(TRUTH, SIZES, resamples=5)
    monkeypatch.setattr("nas_tune.benchmarks.ranking.measures._ROWS", 7)
    parted = Measures(TRUTH, SIZES, resamples=5)
    for name, values in whole.of(SCORE).values.items():
        assert values == pytest.approx(parted.of(SCORE).values[name])
    assert whole.near_pairs == parted.near_pairs == sum(n * (n - 1) // 2 for n in np.unique_counts(SIZES).counts)


def test_counting_orders_nothing_among_equal_sizes() -> None:
    found = Measures(TRUTH, SIZES, resamples=10).of(SIZES)
    assert (found.values["equal_size_tau"] == 0).all()
    assert (Measures(TRUTH, SIZES, resamples=10).of(np.zeros(60)).values["tau"] == 0).all()


def test_without_two_equal_sizes_there_is_nothing_to_order() -> None:
    row = Measures([1, 2, 3, 4, 5], [10, 20, 30, 40, 50], top=2, resamples=9).of([1, 2, 3, 4, 5]).row()
    assert row["tau"] == 1
    assert all(np.isnan(row[name]) for name in ("equal_size_tau", "equal_size_tau_low", "equal_size_tau_high"))


def test_ties_at_the_end_count_in_equal_parts() -> None:
    found = Measures([4, 1, 2, 9], [1, 1, 1, 1], top=3, resamples=0).of([5, 3, 3, 3])
    assert found.values["top_3"][0] == pytest.approx((4 + 2 * (1 + 2 + 9) / 3) / 3)
    assert found.values["regret"][0] == 5


def test_what_has_no_number_is_the_worst() -> None:
    one = Measures(TRUTH, SIZES, resamples=0)
    given = SCORE.copy()
    given[[2, 5]] = np.nan
    lowest = np.where(np.isnan(given), -100, given)
    assert one.of(given).values["tau"] == pytest.approx(one.of(lowest).values["tau"])
    assert one.of(np.where(np.isnan(given), -np.inf, given)).values["top_10"] == one.of(lowest).values["top_10"]


def test_intervals_hold_the_value_repeat_with_the_seed_and_are_narrower_for_differences_of_equals() -> None:
    first = Measures(TRUTH, SIZES, resamples=200, seed=4).of(SCORE)
    row = first.row()
    assert row["tau_low"] < row["tau"] < row["tau_high"]
    assert 0 <= row["regret_low"] <= row["regret_high"]
    assert row == Measures(TRUTH, SIZES, resamples=200, seed=4).of(SCORE).row()
    assert row != Measures(TRUTH, SIZES, resamples=200, seed=5).of(SCORE).row()
    assert first.less(first).row()["tau_high"] == 0
    assert mean_of([first, first]).row() == pytest.approx(row)


def test_an_interval_leaves_5_per_cent_out_and_draws_without_a_value() -> None:
    assert interval(np.array([*range(101), np.nan])) == pytest.approx((2.5, 97.5))
    assert all(np.isnan(interval(np.array([np.nan]))))
