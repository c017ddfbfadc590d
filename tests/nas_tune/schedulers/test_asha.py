"""Successive halving, checked against traces worked out by hand."""

from __future__ import annotations

import pytest

from nas_tune.schedulers.asha import Asha, rungs
from nas_tune.schedulers.base import Verdict


@pytest.mark.parametrize(
    ("grace", "reduction", "max_epochs", "expected"),
    [
        (1, 3, 9, (1, 3)),
        (1, 3, 10, (1, 3, 9)),
        (2, 2, 16, (2, 4, 8)),
        (9, 3, 9, ()),
        (1, 2, 1, ()),
        (4, 4, 100, (4, 16, 64)),
    ],
)
def test_rungs_are_powers_below_the_last_epoch(
    grace: int, reduction: int, max_epochs: int, expected: tuple[int, ...]
) -> None:
    assert rungs(grace, reduction, max_epochs) == expected


def test_a_rung_keeps_the_best_third_of_those_that_came_so_far() -> None:
    asha = Asha(max_epochs=9)
    # One is kept of up to five, two of six to eight, three of nine.
    came = [
        (0.5, Verdict.GO_ON),  # the first
        (0.4, Verdict.STOP),
        (0.6, Verdict.GO_ON),  # the best
        (0.55, Verdict.STOP),
        (0.6, Verdict.GO_ON),  # equal to the best
        (0.58, Verdict.STOP),  # the best two are 0.6 and 0.6
        (0.59, Verdict.STOP),
        (0.7, Verdict.GO_ON),
        (0.6, Verdict.GO_ON),  # the best three are 0.7, 0.6 and 0.6
    ]
    verdicts = [asha.observe(trial, 1, score) for trial, (score, _) in enumerate(came)]
    assert verdicts == [verdict for _, verdict in came]


def test_between_rungs_nothing_is_judged() -> None:
    asha = Asha(max_epochs=9)
    for trial in range(3):
        asha.observe(trial, 1, 1.0)
    assert asha.observe(0, 2, -100.0) is Verdict.GO_ON
    assert asha.observe(0, 3, 0.0) is Verdict.GO_ON
    assert {asha.observe(0, epoch, -100.0) for epoch in range(4, 10)} == {Verdict.GO_ON}


def test_each_rung_has_its_own_field() -> None:
    asha = Asha(max_epochs=9)
    assert asha.observe(0, 1, 0.9) is Verdict.GO_ON
    assert asha.observe(1, 1, 0.95) is Verdict.GO_ON
    assert asha.observe(1, 3, 0.2) is Verdict.GO_ON
    assert asha.observe(0, 3, 0.3) is Verdict.GO_ON
    assert asha.observe(2, 1, 0.5) is Verdict.STOP


def test_a_report_that_jumps_over_rungs_is_judged_at_each() -> None:
    asha = Asha(max_epochs=28)
    assert asha.rungs == (1, 3, 9, 27)
    asha.observe(0, 9, 0.5)
    assert asha.observe(1, 1, 0.45) is Verdict.STOP
    assert asha.observe(2, 3, 0.45) is Verdict.STOP


def test_a_report_that_jumps_counts_also_above_the_rung_that_stops_it() -> None:
    asha = Asha(max_epochs=4, reduction=2)
    assert asha.observe(0, 2, 0.5) is Verdict.GO_ON
    assert asha.observe(1, 2, 0.4) is Verdict.STOP
    assert asha.observe(2, 2, 0.3) is Verdict.STOP
    # The better half of four, at both rungs.
    assert asha.observe(3, 2, 0.45) is Verdict.GO_ON


def test_a_trial_counts_once_at_a_rung_though_its_epochs_go_on() -> None:
    asha = Asha(max_epochs=20, grace=4, reduction=2)
    asha.observe(0, 4, 0.5)
    for epoch in (5, 6, 7):
        assert asha.observe(0, epoch, 0.1) is Verdict.GO_ON
    # Had those counted, 0.3 would be among the best half of five.
    assert asha.observe(1, 4, 0.3) is Verdict.STOP


def test_forgetting_a_trial_keeps_its_scores() -> None:
    asha = Asha(max_epochs=9)
    asha.observe(0, 1, 0.9)
    asha.forget(0)
    assert asha.observe(1, 1, 0.8) is Verdict.STOP


def test_a_third_of_many_equal_strangers_goes_on() -> None:
    import random

    rng = random.Random(0)
    asha = Asha(max_epochs=9)
    passed = sum(asha.observe(trial, 1, rng.random()) is Verdict.GO_ON for trial in range(600))
    assert 150 < passed < 230
