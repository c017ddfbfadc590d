"""Decisions as numbers, and numbers as a few levels."""

from __future__ import annotations

import numpy as np
import pytest

from nas_tune.analysis.units import binned, column, unit
from search_spaces import Parameter, Space, choice, integer, real

SPACE = Space(
    {
        "op": choice({"conv": {"kernel": choice(3, 5, 7)}, "pool": {}}),
        "many": choice(*range(20)),
        "width": integer(1, 64),
        "rate": real(1e-4, 1.0, log=True),
    }
)
OF = {one.name: one for one in SPACE.parameters}


def test_an_option_is_its_place_and_a_number_its_place_on_its_scale() -> None:
    assert [unit(OF["op.conv.kernel"], kernel) for kernel in (3, 5, 7)] == [0.0, 1.0, 2.0]
    assert unit(OF["rate"], 1e-4) == 0.0
    assert unit(OF["rate"], 1e-2) == pytest.approx(0.5)
    assert unit(OF["width"], 64) > unit(OF["width"], 63) > 0.9


def test_what_is_not_active_has_no_number() -> None:
    found = column(OF["op.conv.kernel"], [{"op.conv.kernel": 5}, {"op": "pool"}])
    np.testing.assert_equal(found, [1.0, np.nan])


def levels(parameter: Parameter, units: list[float]) -> list[float]:
    found: list[float] = binned(parameter, np.array(units)).tolist()
    return found


def test_more_than_eight_numbers_fall_into_five_bins_of_equal_counts() -> None:
    assert levels(OF["width"], [*range(8), 0, 1]) == [*range(8), 0, 1]
    assert levels(OF["width"], [*range(9), 8]) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert levels(OF["width"], [float(number) for number in range(20)]) == [float(n // 4) for n in range(20)]
    found = levels(OF["rate"], [*range(9), np.nan, 8])
    assert np.isnan(found[9])
    assert found[:9] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_options_stay_apart_however_many_they_are() -> None:
    assert levels(OF["many"], [float(place) for place in range(20)]) == [float(place) for place in range(20)]
