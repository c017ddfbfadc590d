"""Interactions of two decisions: analysis of variance by hand, and what has no test."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import f as fisher

from nas_tune.analysis.pairs import _beyond, pairs

RNG = np.random.default_rng(0)


def crossed(times: int, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two decisions of 2 and 3 options, each pair so many times; the score is that of both being 1, and noise."""
    cells = np.array(list(product([0.0, 1.0], [0.0, 1.0, 2.0])) * times)
    one, other = cells.T
    scores = 1.0 * one + 0.5 * other + 2.0 * (one == 1) * (other == 1)
    return one, other, scores + noise * RNG.normal(size=len(scores))


def by_hand(one: np.ndarray, other: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Balanced cells: the sum of two effects has the means of rows and columns."""
    rows = {x: scores[one == x].mean() for x in set(one)}
    columns = {y: scores[other == y].mean() for y in set(other)}
    added = np.array([rows[x] + columns[y] - scores.mean() for x, y in zip(one, other, strict=True)])
    cell = np.array([scores[(one == x) & (other == y)].mean() for x, y in zip(one, other, strict=True)])
    alone, left = ((scores - added) ** 2).sum(), ((scores - cell) ** 2).sum()
    more, free, whole = 2, len(scores) - 6, ((scores - scores.mean()) ** 2).sum()
    ratio = (alone - left) / more / (left / free)
    return max(0.0, (alone - left - more * left / free) / whole), float(fisher.sf(ratio, more, free))


@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_the_share_and_p_are_those_of_the_analysis_of_variance(noise: float) -> None:
    data = crossed(5, noise)
    assert _beyond(*data) == pytest.approx(by_hand(*data))
    assert (_beyond(*data)[1] < 1e-3) is (noise < 1)


def test_effects_that_add_up_are_no_interaction() -> None:
    one, other, _ = crossed(5)
    assert _beyond(one, other, one + 3 * other) == (0.0, 1.0)
    share, p = _beyond(one, other, (one == 1) * (other == 1) * 1.0)
    assert p == 0.0, "without any noise it is certain"
    assert 0 < share < 1
    assert _beyond(one, other, np.full(len(one), 3.0)) == (0.0, 1.0)


def test_too_few_trials_say_nothing() -> None:
    one, other, scores = crossed(5)
    missing = one.copy()
    missing[11:] = np.nan
    assert _beyond(missing[:16], other[:16], scores[:16]) == (0.0, 1.0), "eleven active ones leave five free"
    assert _beyond(one[:15], other[:15], scores[:15]) == (0.0, 1.0), "nine free"
    assert _beyond(one[:16], other[:16], scores[:16])[1] < 1.0, "ten free"
    inactive = np.where(np.arange(len(one)) < 10, one, np.nan)
    assert _beyond(inactive, other, scores) == (0.0, 1.0)
    assert _beyond(np.zeros(30), other, scores) == (0.0, 1.0), "one option alone"


def test_pairs_come_by_their_p_and_flags_of_one_subset_form_none() -> None:
    one, other, scores = crossed(6)
    third = RNG.integers(0, 2, len(one)).astype(float)
    found = pairs(["a", "b", "c", "c"], [one, other, third, 1 - third], scores, None, 2)
    named = list(zip(found["one"], found["other"], strict=True))
    assert named[0] == ("a", "b")
    assert ("c", "c") not in named
    assert len(named) == len(set(named)) == 3
    assert found["p"].is_monotonic_increasing
    assert found["stands_out"].tolist() == [True, False, False]
    raw = _beyond(one, other, scores)
    assert (found["share"][0], found["p"][0]) == pytest.approx((raw[0], min(1.0, 2 * 5 * raw[1])))


def test_at_most_twenty_pairs_are_shown() -> None:
    levels = [RNG.integers(0, 2, 60).astype(float) for _ in range(8)]
    found = pairs([f"d{place}" for place in range(8)], levels, RNG.normal(size=60), None, 1)
    assert len(found) == 20
