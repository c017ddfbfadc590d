"""Rank correlations of few architectures against what can be counted by hand."""

from __future__ import annotations

import pytest

from nas_tune.winners.retrain.agreement import agreement, error_of_difference, standard_deviation


def test_three_orders_can_be_counted_by_hand() -> None:
    found = agreement([1, 2, 3], [10, 20, 30])
    assert found is not None
    assert (found.count, found.kendall, found.spearman) == (3, 1.0, pytest.approx(1.0))
    # Of the six orders of three, the same and the reverse are as strong.
    assert (found.kendall_p, found.spearman_p) == (pytest.approx(2 / 6), pytest.approx(2 / 6))


@pytest.mark.parametrize("other", [[2, 1, 4, 3, 5], [5, 3, 4, 1, 2], [1, 1, 2, 3, 3]])
def test_the_exact_p_is_that_of_scipy_over_all_orders(other: list[float]) -> None:
    from scipy.stats import permutation_test, spearmanr

    mine = [1, 2, 3, 4, 5]
    found = agreement(mine, other)
    whole = permutation_test((other,), lambda x: spearmanr(x, mine).statistic, permutation_type="pairings")
    assert found is not None
    assert found.spearman_p == pytest.approx(whole.pvalue)


def test_what_cannot_be_told_is_none() -> None:
    assert agreement([1, 2], [1, 2]) is None
    same = agreement([1, 1, 1], [1, 2, 3])
    assert same is not None
    assert same.kendall is None
    assert standard_deviation([1.0]) is None
    assert error_of_difference([1.0, 2.0], [3.0]) is None
