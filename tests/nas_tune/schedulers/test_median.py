"""The median rule, checked against traces worked out by hand."""

from __future__ import annotations

from nas_tune.schedulers.base import Verdict
from nas_tune.schedulers.median import Median


def fill(median: Median, *curves: list[float]) -> None:
    for trial, curve in enumerate(curves):
        for epoch, score in enumerate(curve, 1):
            median.observe(trial, epoch, score)
        median.forget(trial)


def test_a_trial_stops_below_the_median_of_the_others_running_means() -> None:
    median = Median(max_epochs=9)
    # Running means at epoch 2: 0.15, 0.35, 0.55; the median is 0.35.
    fill(median, [0.1, 0.2], [0.3, 0.4], [0.5, 0.6])
    assert median.observe(3, 1, 0.3) is Verdict.GO_ON
    assert median.observe(3, 2, 0.34) is Verdict.STOP
    assert median.observe(4, 1, 0.3) is Verdict.GO_ON
    assert median.observe(4, 2, 0.36) is Verdict.GO_ON


def test_equal_to_the_median_goes_on() -> None:
    median = Median(max_epochs=9)
    fill(median, [0.1], [0.3], [0.5])
    assert median.observe(3, 1, 0.3) is Verdict.GO_ON


def test_it_is_the_best_so_far_that_counts() -> None:
    median = Median(max_epochs=9)
    fill(median, [0.3, 0.3], [0.3, 0.3], [0.3, 0.3])
    assert median.observe(3, 1, 0.9) is Verdict.GO_ON
    assert median.observe(3, 2, 0.0) is Verdict.GO_ON


def test_until_enough_others_were_there_nothing_is_judged() -> None:
    median = Median(max_epochs=9, min_trials=3)
    fill(median, [0.9, 0.9], [0.9])
    assert median.observe(2, 1, 0.0) is Verdict.GO_ON
    assert median.observe(3, 1, 0.0) is Verdict.STOP
    # At epoch 2 only one has been.
    assert median.observe(2, 2, 0.0) is Verdict.GO_ON


def test_a_trial_is_not_measured_against_itself() -> None:
    median = Median(max_epochs=9, min_trials=1)
    assert median.observe(0, 1, 0.9) is Verdict.GO_ON
    assert median.observe(0, 2, 0.1) is Verdict.GO_ON
    assert median.observe(1, 1, 0.8) is Verdict.STOP


def test_grace_and_the_last_epoch_are_free() -> None:
    median = Median(max_epochs=3, grace=2)
    fill(median, *[[0.9, 0.9, 0.9]] * 4)
    assert [median.observe(9, epoch, 0.0) is Verdict.STOP for epoch in (1, 2, 3)] == [False, True, False]


def test_forgotten_trials_are_still_the_field() -> None:
    median = Median(max_epochs=9)
    fill(median, [0.9], [0.9], [0.9])
    assert median.observe(3, 1, 0.1) is Verdict.STOP
