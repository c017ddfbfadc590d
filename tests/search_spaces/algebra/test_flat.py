"""Parameters: which values they take, how they are numbered, and their places on a scale, also where 0 is no end."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from search_spaces import ArchitectureError, Parameter, Space, choice, integer, real, subset


def parameter(declared: Any) -> Parameter:
    return Space({"p": declared}).parameters[0]


STEPS = parameter(real(0.5, 2.0, step=0.25))
INTS = parameter(integer(3, 12, step=3))


def refused(found: Parameter, value: object) -> str:
    with pytest.raises(ArchitectureError) as caught:
        found.read(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "read"), [(0.5, 0.5), (0.75, 0.75), (2, 2.0), (1.2500001, 1.25), (np.float32(1), 1.0)]
)
def test_a_real_is_read_on_its_grid(value: Any, read: float) -> None:
    found = STEPS.read(value)
    assert (found, type(found)) == (read, float)


@pytest.mark.parametrize("value", [0.25, 2.25, 0.6, 1.375, -0.75, True, "1", None, float("nan")])
def test_a_real_beside_its_grid_is_refused(value: object) -> None:
    assert "allowed: floats from 0.5 to 2.0 by 0.25" in refused(STEPS, value)
    assert refused(parameter(real(0.5, 2.0)), 2.1).endswith("allowed: floats from 0.5 to 2.0")


@pytest.mark.parametrize(("value", "read"), [(3, 3), (12, 12), (6.0, 6), (np.int64(9), 9)])
def test_an_int_is_read_by_its_step(value: Any, read: int) -> None:
    found = INTS.read(value)
    assert (found, type(found)) == (read, int)


@pytest.mark.parametrize("value", [0, 15, 4, 6.5, True, "3", None, 2.0**60])
def test_an_int_beside_its_step_is_refused(value: object) -> None:
    assert "allowed: ints from 3 to 12 by 3" in refused(INTS, value)
    assert refused(parameter(integer(1, 4)), 5).endswith("allowed: ints from 1 to 4")


def test_values_are_numbered_from_the_lowest() -> None:
    assert [STEPS.value(index) for index in range(STEPS.count or 0)] == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert [INTS.value(index) for index in range(INTS.count or 0)] == [3, 6, 9, 12]
    assert (STEPS.first, INTS.first, parameter(choice("a", "b")).first) == (0.5, 3, "a")
    assert parameter(real(0.5, 2.0)).count is None


def test_neighbours_are_one_step_away_within_the_ends() -> None:
    assert STEPS.alternatives(1.0) == [0.75, 1.25]
    assert (STEPS.alternatives(0.5), STEPS.alternatives(2.0)) == ([0.75], [1.75])
    assert INTS.alternatives(6) == [3, 9]
    assert (INTS.alternatives(3), INTS.alternatives(12)) == ([6], [9])
    assert parameter(choice("a", "b", True)).alternatives("b") == ["a", True]
    free = parameter(real(1.0, 3.0))
    assert free.alternatives(2.0) == pytest.approx([1.8, 2.2])
    assert (free.alternatives(1.0), free.alternatives(3.0)) == (pytest.approx([1.2]), pytest.approx([2.8]))


def test_places_on_a_scale_go_from_0_to_1() -> None:
    assert [STEPS.to_units(value)[0] for value in (0.5, 1.25, 2.0)] == pytest.approx([0, 0.5, 1])
    assert [INTS.to_units(value)[0] for value in (3, 6, 12)] == pytest.approx([0, 1 / 3, 1])
    logs = parameter(real(0.01, 1.0, log=True))
    assert [logs.to_units(value)[0] for value in (0.01, 0.1, 1.0)] == pytest.approx([0, 0.5, 1])
    assert [logs.from_units([unit]) for unit in (-1.0, 0.5, 2.0)] == pytest.approx([0.01, 0.1, 1.0])


@pytest.mark.parametrize(
    ("unit", "real_value", "int_value"), [(-3, 0.5, 3), (0.4, 1.0, 6), (0.43, 1.25, 6), (9, 2.0, 12)]
)
def test_a_number_of_a_vector_is_the_nearest_value(unit: float, real_value: float, int_value: int) -> None:
    assert STEPS.from_units([unit]) == real_value
    assert INTS.from_units([unit]) == int_value


def test_options_are_one_hot_and_flags_are_single_numbers() -> None:
    options = parameter(choice("a", "b", "c"))
    assert (options.width(), options.to_units("b"), options.from_units([0.2, 0.1, 0.3])) == (3, [0.0, 1.0, 0.0], "c")
    flag = Space({"s": subset(("x", "y"), (0, 2))}).parameters[0]
    assert (flag.width(), flag.to_units(True), flag.to_units(False)) == (1, [1.0], [0.0])
    assert [flag.from_units([unit]) for unit in (0.49, 0.5)] == [False, True]


@pytest.mark.slow
def test_draws_are_spread_over_all_values() -> None:
    rng = random.Random(0)
    assert {STEPS.draw(rng, None) for _ in range(200)} == {0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0}
    assert {INTS.draw(rng, None) for _ in range(200)} == {3, 6, 9, 12}
    free = [float(parameter(real(1.0, 3.0)).draw(rng, None)) for _ in range(2000)]  # type: ignore[arg-type]
    assert 1.0 <= min(free) < 1.02
    assert 2.98 < max(free) <= 3.0
    assert sum(free) / 2000 == pytest.approx(2.0, abs=0.05)
    logs = [math.log10(parameter(real(0.01, 1.0, log=True)).draw(rng, None)) for _ in range(2000)]  # type: ignore[arg-type]
    assert sum(logs) / 2000 == pytest.approx(-1.0, abs=0.05)
    ints = [parameter(integer(1, 100, log=True)).draw(rng, None) for _ in range(2000)]
    assert (min(ints), max(ints)) == (1, 100)  # type: ignore[type-var]
    assert sum(value < 10 for value in ints) / 2000 == pytest.approx(math.log(9.5 / 0.5) / math.log(201), abs=0.04)  # type: ignore[operator]
    flag = Space({"s": subset(("x", "y"), (0, 2))}).parameters[0]
    assert sum(flag.draw(rng, 0.25) for _ in range(2000)) / 2000 == pytest.approx(0.25, abs=0.03)  # type: ignore[misc]


@pytest.mark.parametrize(("value", "fits"), [(1, True), (True, False), ("1", False), (1.0, True), ([1], False)])
def test_an_option_is_read_by_its_value_and_its_kind(value: Any, fits: bool) -> None:
    found = parameter(choice(1, 2))
    if fits:
        assert (found.read(value), type(found.read(value))) == (1, int)
    else:
        assert "allowed: 1, 2" in refused(found, value)
    assert "did you mean 'conv'?" in refused(parameter(choice("conv", "pool")), "convv")
