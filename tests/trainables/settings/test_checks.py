"""Numbers are refused with their value and the rule."""

from __future__ import annotations

import pytest

from trainables.errors import TrainableError
from trainables.settings import check_number


@pytest.mark.parametrize("value", [True, 2.0, "2", None, float("nan")])
def test_other_than_whole_numbers_are_refused(value: object) -> None:
    with pytest.raises(TrainableError, match=r"steps is .*; it must be a whole number at least 1"):
        check_number("steps", value, 1, whole=True)


@pytest.mark.parametrize("value", [True, "2", None, float("nan"), float("inf")])
def test_other_than_finite_numbers_are_refused(value: object) -> None:
    with pytest.raises(TrainableError, match=r"rate is .*; it must be a number above 0"):
        check_number("rate", value, 0, open_low=True)


def test_a_number_that_no_float_holds_is_compared_all_the_same() -> None:
    check_number("steps", 10**400, 1, whole=True)
    with pytest.raises(TrainableError, match="at most 5"):
        check_number("steps", 10**400, 1, 5, whole=True)
