"""Lines from the values of another run to those of this one."""

from __future__ import annotations

import math

import pytest

from nas_tune.coordination.prior import LinearFit, Prior, fit_line
from nas_tune.ledger import Known


def test_without_a_pair_values_stand_and_with_few_they_are_shifted() -> None:
    assert fit_line([]) == LinearFit(1.0, 0.0)
    assert fit_line([(0.5, 70.0)]).at(0.6) == pytest.approx(70.1)
    two = fit_line([(0.5, 70.0), (0.7, 74.0)])
    assert (two.slope, two.at(0.6)) == (1.0, pytest.approx(72.0))


def test_three_pairs_tell_the_scale() -> None:
    line = fit_line([(0.5, 70.0), (0.7, 74.0), (0.6, 72.0)])
    assert (line.slope, line.at(0.9)) == (pytest.approx(20.0), pytest.approx(78.0))


@pytest.mark.parametrize("here", [(3.0, 2.0, 1.0), (2.0, 2.0, 2.0)])
def test_what_falls_or_says_nothing_has_no_slope(here: tuple[float, ...]) -> None:
    line = fit_line(list(zip((0.1, 0.2, 0.3), here, strict=True)))
    assert (line.slope, line.at(0.9)) == (0.0, pytest.approx(2.0))


def test_equal_values_there_are_only_shifted() -> None:
    assert fit_line([(0.5, 1.0), (0.5, 2.0), (0.5, 3.0)]).at(0.6) == pytest.approx(2.1)


def known(name: str, id: str, *curve: list[float]) -> Known:
    return Known(name, 0, {}, id, "complete", list(curve))


def test_pairs_are_values_after_the_last_epoch_that_both_have_seen() -> None:
    prior = Prior()
    there = known("a", "x", [1, 0.2], [3, 0.4], [9, 0.8])
    prior.add(0, there)
    prior.record("x", 7)
    curve = {1: 10.2, 2: math.inf, 3: math.nan}
    assert list(prior.updated_lines({7: curve}.__getitem__)) == [(LinearFit(1.0, 10.0), {0: there})]
    assert list(prior.updated_lines({7: curve}.__getitem__)) == []
    curve[3] = 12.4
    [(line, _)] = prior.updated_lines({7: curve}.__getitem__)
    assert line.at(0.4) == pytest.approx(12.4)


def test_each_run_has_a_line_of_its_own() -> None:
    prior = Prior()
    for ask, event in enumerate((known("a", "x", [1, 0.2]), known("b", "x", [1, 20.0]), known("b", "y", [1, 30.0]))):
        prior.add(ask, event)
    prior.record("stranger", 3)
    assert list(prior.updated_lines({3: {1: 1.0}}.__getitem__)) == []
    prior.record("x", 4)
    lines = [(line.offset, sorted(trials)) for line, trials in prior.updated_lines({4: {1: 5.0}}.__getitem__)]
    assert lines == [(4.8, [0]), (-15.0, [1, 2])]
