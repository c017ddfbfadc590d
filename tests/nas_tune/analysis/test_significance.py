"""Tests of significance against numbers that can be counted, on both sides of their bounds."""

from __future__ import annotations

from math import comb

import pytest
from scipy.stats import mannwhitneyu

from nas_tune.analysis.significance import holm, least_p, mann_whitney


def test_the_lowest_p_counts_most_and_none_is_below_one_before_it() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.01, 0.01]) == pytest.approx([0.02, 0.02])
    assert holm([0.5, 0.6, 0.7]) == [1.0, 1.0, 1.0]
    assert holm([0.01, 0.2], families=2) == pytest.approx([0.04, 0.4])
    assert holm([0.3]) == [0.3]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("one", "other", "method"),
    [(20, 20, "exact"), (20, 3, "exact"), (3, 20, "exact"), (21, 3, "asymptotic"), (3, 21, "asymptotic")],
)
def test_samples_of_up_to_twenty_are_tested_exactly(one: int, other: int, method: str) -> None:
    mine, theirs = [float(2 * place) for place in range(one)], [place * 3.3 + 1.1 for place in range(other)]
    both = {kind: float(mannwhitneyu(mine, theirs, method=kind).pvalue) for kind in ("exact", "asymptotic")}
    assert both["exact"] != pytest.approx(both["asymptotic"])
    assert mann_whitney(mine, theirs)[0] == both[method]


def test_ties_make_a_test_asymptotic_and_count_half() -> None:
    mine, theirs = [1.0, 2.0, 3.0], [3.0, 4.0, 5.0]
    p, wins = mann_whitney(mine, theirs)
    assert p == mannwhitneyu(mine, theirs, method="asymptotic").pvalue
    assert wins == pytest.approx(0.5 / 9)
    assert mann_whitney(theirs, mine)[1] == pytest.approx(8.5 / 9)
    twice = mann_whitney([1.0, 1.0], [2.0, 3.0])
    assert twice[0] == mannwhitneyu([1.0, 1.0], [2.0, 3.0], method="asymptotic").pvalue


def test_equal_values_do_not_differ() -> None:
    assert mann_whitney([2.0, 2.0], [2.0]) == (1.0, 0.5)


def test_the_least_p_is_that_of_two_orders_of_all() -> None:
    assert least_p(3, 4) == 2 / comb(7, 3) == mann_whitney([1, 2, 3], [4, 5, 6, 7])[0]
    assert least_p(5, 5) == pytest.approx(2 / 252)
    assert least_p(1, 1) == 1.0
    assert least_p(1, 2) == pytest.approx(2 / 3)
