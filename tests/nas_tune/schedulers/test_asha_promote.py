"""Pausing and promoting, checked against traces worked out by hand; see test_reference for whole searches."""

from __future__ import annotations

import pytest

from nas_tune.schedulers.asha_promote import AshaPromote
from nas_tune.schedulers.base import Verdict, verdict_of


def paused(scores: list[float], epoch: int = 1, **settings: int) -> AshaPromote:
    """Trials that all pause at a rung: told in an order in which none is promoted at once."""
    asha = AshaPromote(max_epochs=9, **settings)
    for trial, score in enumerate(scores):
        assert asha.observe(trial, epoch, score) is Verdict.PAUSE
    return asha


def test_everyone_pauses_until_a_rung_has_eta_trials() -> None:
    asha = paused([0.5, 0.9])
    assert asha.next_promotion() is None
    assert asha.observe(2, 1, 0.1) is Verdict.PAUSE
    assert asha.next_promotion() == 1
    assert asha.next_promotion() == 1
    asha.promoted(1)
    assert asha.next_promotion() is None


def test_a_late_field_promotes_who_waited_long() -> None:
    asha = paused([0.6, 0.5, 0.4])
    assert asha.next_promotion() == 0
    asha.promoted(0)
    for trial, score in ((3, 0.3), (4, 0.2)):
        assert asha.observe(trial, 1, score) is Verdict.PAUSE
        assert asha.next_promotion() is None
    # The second of six: trial 1, which had to wait.
    assert asha.observe(5, 1, 0.1) is Verdict.PAUSE
    assert asha.next_promotion() == 1


def test_the_worker_stays_with_a_trial_that_would_be_promoted_next() -> None:
    asha = paused([0.6, 0.5])
    assert verdict_of(asha, 2, 1, 0.7) is Verdict.GO_ON
    assert asha.next_promotion() is None
    assert verdict_of(asha, 2, 2, 0.7) is Verdict.GO_ON
    assert verdict_of(asha, 2, 3, 0.7) is Verdict.PAUSE


def test_the_highest_rung_goes_first() -> None:
    asha = AshaPromote(max_epochs=9)
    for trial, score in ((0, 0.1), (1, 0.2), (2, 0.15)):
        asha.observe(trial, 3, score)
    for trial in (3, 4, 5):
        asha.observe(trial, 1, trial / 10)
    assert asha.next_promotion() == 1
    asha.promoted(1)
    # At the first rung are six, who came over it included; trials 4 and 5 are the best two.
    assert asha.next_promotion() == 5
    asha.promoted(5)
    assert asha.next_promotion() == 4


def test_among_equals_the_earlier_goes_on() -> None:
    asha = paused([0.5, 0.5, 0.5, 0.5, 0.5])
    assert asha.next_promotion() == 0
    asha.promoted(0)
    asha.observe(5, 1, 0.5)
    assert asha.next_promotion() == 1


@pytest.mark.parametrize("promoted", [True, False])
def test_who_is_over_is_promoted_no_more_and_still_counts(promoted: bool) -> None:
    asha = paused([0.9, 0.5, 0.4])
    if promoted:
        asha.promoted(0)
    asha.forget(0)
    assert asha.next_promotion() is None
    for trial in (3, 4):
        asha.observe(trial, 1, 0.1)
    assert asha.next_promotion() is None
    asha.observe(5, 1, 0.1)
    assert asha.next_promotion() == 1
