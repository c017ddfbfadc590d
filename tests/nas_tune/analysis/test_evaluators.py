"""Every evaluator against functions whose truth is known, whatever decisions are called and in whatever order."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nas_tune.analysis.evaluators import EVALUATORS, Rows, importance_shares
from search_spaces import Space, choice, integer, real

Decided = Mapping[str, Any]


def _rows(space: Space, worth: Callable[[Decided], float], trials: int = 150) -> Rows:
    rng = random.Random(0)
    made = [space.params(space.sample(rng)) for _ in range(trials)]
    return Rows(space.parameters, made, [worth(one) for one in made])


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_a_name_that_sorts_last_keeps_its_importance(evaluator: str) -> None:
    space = Space({"zz": choice(0, 1, 2), **{f"d{i:02d}": choice(0, 1, 2) for i in range(13)}})
    found = importance_shares(evaluator, _rows(space, lambda one: 0.3 * one["zz"] + 0.001 * one["d00"]), 0)
    assert max(found, key=found.__getitem__) == "zz"
    assert found["zz"] > 0.5
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("evaluator", EVALUATORS)
@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_names_moves_nothing(evaluator: str, seed: int) -> None:
    """Decisions of every kind under shuffled names: the one that decides is first, whatever its kind and place."""
    kinds = [
        choice("x", "y", "z"),
        integer(1, 9),
        integer(1, 64, log=True),
        real(-1.0, 1.0),
        real(1e-5, 1e-1, log=True),
    ]
    names = ["_b", "A", "c", "z10", "z9"]
    rng = random.Random(seed)
    rng.shuffle(names)
    for place, name in enumerate(names):
        space = Space(dict(zip(names, kinds, strict=True)))
        (parameter,) = [p for p in space.parameters if p.name == name]
        found = importance_shares(evaluator, _rows(space, lambda one, p=parameter: p.to_units(one[p.name])[0]), seed)  # type: ignore[misc]
        assert max(found, key=found.__getitem__) == name, place


@pytest.mark.parametrize("evaluator", ["fanova", "mdi"])
def test_shares_are_shares_of_the_variance(evaluator: str) -> None:
    """One of eight options and one of two, scaled to equal variances."""
    space = Space({"many": choice(*range(8)), "two": choice(0, 1), "idle": choice(0, 1, 2)})
    rows = _rows(space, lambda one: (one["many"] == 3) / math.sqrt(7 / 64) + one["two"] / 0.5, 400)
    found = importance_shares(evaluator, rows, 0)
    assert found["many"] == pytest.approx(0.5, abs=0.08)
    assert found["two"] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_numbers_count_on_their_own_scale(evaluator: str) -> None:
    """A logarithmic number that decides in its lowest third, which is a thousandth of its range."""
    space = Space({"small": real(1e-4, 1e-1, log=True), "idle": real(0.0, 1.0), "other": integer(1, 64, log=True)})
    found = importance_shares(evaluator, _rows(space, lambda one: (one["small"] < 1e-3) + 0.1 * (one["other"] < 8)), 0)
    assert max(found, key=found.__getitem__) == "small"
    assert found["idle"] < 0.1


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_nothing_that_varies_is_no_importance(evaluator: str) -> None:
    found = importance_shares(evaluator, _rows(Space({"a": choice(0, 1), "b": choice(0, 1)}), lambda one: 0.5, 20), 0)
    assert set(found) == {"a", "b"}
    if evaluator != "ped_anova":  # its best quarter of equals is any quarter
        assert set(found.values()) == {0.0}
