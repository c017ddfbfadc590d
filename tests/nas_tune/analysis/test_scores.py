"""Even units: the median is 0, the width of the middle half is 1, and no outlier or large float breaks them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nas_tune.analysis.scores import Scale, deviation, even_units, mean, median

LARGEST = 1.7e308


def test_the_median_is_0_and_the_middle_half_is_1_wide() -> None:
    """Quantiles of five scores: 1, 2 and 4."""
    assert even_units([0.0, 1.0, 2.0, 4.0, 9.0]).tolist() == pytest.approx([-2 / 3, -1 / 3, 0, 2 / 3, 7 / 3])
    scale = Scale.of([0.0, 1.0, 2.0, 4.0, 9.0])
    assert (scale.middle, scale.width) == (1.0, 1.5)
    assert scale.score(-1 / 3) == pytest.approx(1.0)
    assert scale.score(0) == 2.0
    assert scale.length(2.0) == 6.0


def test_no_unit_is_beyond_10() -> None:
    units = even_units([0.0, 1.0, 2.0, 3.0, 4.0, 1e300, -1e300])
    assert (units.max(), units.min()) == (10.0, -10.0)
    assert np.diff(np.sort(units)[1:-1]).min() > 0.1


def test_where_most_are_equal_the_others_decide_the_width() -> None:
    assert even_units([5.0, 5.0, 5.0, 5.0, 7.0]).tolist() == [0, 0, 0, 0, 1]
    assert even_units([5.0, 5.0, 5.0, 5.0, 5.0, 7.0, 13.0, 5.0, 5.0]).tolist()[5:7] == [1.0, 4.0]
    assert even_units([3.0, 3.0]).tolist() == [0, 0]
    assert Scale.of([3.0]) == Scale(1.5, 1.0)


def test_the_largest_floats_do_not_overflow() -> None:
    assert even_units([-LARGEST, LARGEST, 0.0]).tolist() == pytest.approx([-0.5, 0.5, 0.0])
    assert mean([LARGEST, LARGEST, -LARGEST]) == pytest.approx(LARGEST / 3)
    assert median([LARGEST, LARGEST]) == LARGEST
    assert deviation([LARGEST, LARGEST]) == 0.0
    assert Scale(LARGEST, LARGEST).score(1.0) == math.inf


def test_means_medians_and_deviations_of_samples() -> None:
    values = [1.0, 2.0, 6.0, 7.0]
    assert (mean(values), median(values)) == (4.0, 4.0)
    assert deviation(values) == pytest.approx(math.sqrt((9 + 4 + 4 + 9) / 3))
    assert (mean([0.0, 0.0]), median([0.0]), deviation([0.0, 0.0])) == (0.0, 0.0, 0.0)
    assert (mean([-3.0]), median([-3.0])) == (-3.0, -3.0)
    assert mean([-3.0, -1.0]) == -2.0
    assert math.isnan(mean([]))
    assert math.isnan(median([]))
    assert math.isnan(deviation([1.0]))
    assert math.isnan(deviation([]))
