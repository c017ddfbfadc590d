"""Kernel densities: bandwidths, kernels and draws in numbers that were computed by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from nas_tune.strategies.kernel_density import Codes, KernelDensity
from search_spaces import Space, choice, integer, real
from tests.toys import conditional_space

NAN = float("nan")
OPTIONS = Space({"a": choice("x", "y", "z")})
NUMBERS = Space({"x": real(0.0, 10.0)})


def density(space: Space, *rows: list[float]) -> KernelDensity:
    return KernelDensity(Codes(space), np.array(rows))


def test_codes_are_indices_of_options_and_positions_of_numbers() -> None:
    space = Space({"a": choice("x", "y", "z"), "x": real(0.0, 10.0), "n": integer(1, 4)})
    codes = Codes(space)
    assert codes.options.tolist() == [3, 0, 0]
    row = codes.row(space.validate({"a": "z", "x": 2.5, "n": 4}))
    assert row[:2] == pytest.approx([2.0, 0.25])
    assert codes.values(row) == {"a": "z", "x": 2.5, "n": 4}
    conditional = Codes(conditional_space())
    assert conditional.row(conditional_space().validate({"head": {"pool": {}}, "width": 8}))[:4] == pytest.approx(
        [2.0, NAN, NAN, NAN], nan_ok=True
    )


def test_bandwidths_follow_the_normal_reference_rule_within_their_bounds() -> None:
    """1.06 times the spread times n ** (-1 / (4 + d)); of options the spread is the root of the chance to differ."""
    (of_numbers,) = density(NUMBERS, [0.2], [0.4], [NAN], [0.6], [0.8]).bandwidths
    assert of_numbers == pytest.approx(1.06 * math.sqrt(0.05) * 5 ** (-1 / 5))
    (of_options,) = density(OPTIONS, [0.0], [0.0], [1.0], [0.0]).bandwidths
    assert of_options == pytest.approx(1.06 * math.sqrt(1 - 0.5625 - 0.0625) * 4 ** (-1 / 5))
    assert density(OPTIONS, [0.0], [1.0], [2.0]).bandwidths.tolist() == pytest.approx([2 / 3])
    assert density(OPTIONS, [NAN], [NAN]).bandwidths.tolist() == pytest.approx([2 / 3]), "never above that of chance"
    assert density(NUMBERS, [NAN]).bandwidths.tolist() == pytest.approx([1.0])
    assert density(NUMBERS, [0.3], [0.3]).bandwidths.tolist() == pytest.approx([0.001])
    assert density(OPTIONS, [1.0], [1.0]).bandwidths.tolist() == pytest.approx([0.001])
    assert density(Space({"a": choice("x")}), [0.0]).bandwidths.tolist() == [0.0]


def test_the_kernel_of_an_option_keeps_it_but_for_the_bandwidth() -> None:
    known = density(OPTIONS, [0.0], [0.0], [1.0], [NAN])
    (width,) = known.bandwidths
    other = width / 2
    at_x = (2 * (1 - width) + other + 1 / 3) / 4
    at_y = (2 * other + (1 - width) + 1 / 3) / 4
    at_z = (3 * other + 1 / 3) / 4
    assert np.exp(known.log(np.array([[0.0], [1.0], [2.0]]))) == pytest.approx([at_x, at_y, at_z])
    assert known.log(np.array([[NAN]])).tolist() == pytest.approx([0.0]), "a decision that is inactive says nothing"
    assert density(Space({"a": choice("x")}), [0.0]).log(np.array([[0.0]])).tolist() == [0.0]


def test_the_kernel_of_a_number_is_a_normal_cut_at_the_ends() -> None:
    known = density(NUMBERS, [0.1], [0.7], [NAN])
    (width,) = known.bandwidths
    wanted = 0.0
    for center in (0.1, 0.7):
        bell = NormalDist(center, width)
        wanted += bell.pdf(0.3) / (bell.cdf(1.0) - bell.cdf(0.0))
    assert np.exp(known.log(np.array([[0.3]]))) == pytest.approx([(wanted + 1.0) / 3])


def test_options_are_drawn_anew_as_often_as_the_bandwidth_says() -> None:
    known = density(OPTIONS, [0.0], [0.0], [0.0], [1.0])
    (width,) = known.bandwidths
    drawn = np.array(known.draw(4000, 3.0, np.random.default_rng(0)))[:, 0]
    shares = np.bincount(drawn.astype(int), minlength=3) / 4000
    wanted = [(1 - width) * 0.75 + width / 3, (1 - width) * 0.25 + width / 3, width / 3]
    assert shares == pytest.approx(wanted, abs=0.025)
    inactive = np.array(density(OPTIONS, [NAN]).draw(3000, 1.0, np.random.default_rng(0)))[:, 0]
    assert np.bincount(inactive.astype(int)) / 3000 == pytest.approx([1 / 3] * 3, abs=0.03)


@pytest.mark.parametrize("widening", [0.5, 1.0])
def test_numbers_are_drawn_around_trials_with_the_widened_bandwidth(widening: float) -> None:
    known = density(NUMBERS, *[[0.5 + place / 100] for place in range(-5, 6)])
    (width,) = known.bandwidths
    drawn = np.array(known.draw(4000, widening, np.random.default_rng(0)))[:, 0]
    spread = math.sqrt((widening * width) ** 2 + known.rows.var())
    assert (drawn.mean(), drawn.std()) == pytest.approx((0.5, spread), rel=0.05)
    uniform = np.array(density(NUMBERS, [NAN]).draw(4000, 1.0, np.random.default_rng(0)))[:, 0]
    assert (uniform.mean(), uniform.std()) == pytest.approx((0.5, math.sqrt(1 / 12)), rel=0.05)


def test_numbers_near_an_end_stay_inside() -> None:
    known = density(NUMBERS, [0.0], [0.02], [1.0])
    drawn = np.array(known.draw(2000, 3.0, np.random.default_rng(0)))[:, 0]
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert ((drawn > 0.0) & (drawn < 1.0)).mean() > 0.99
