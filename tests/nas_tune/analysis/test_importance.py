"""What importances say in words, and from which trials they are."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nas_tune.analysis.evidence import Evidence, _constant, _finite
from nas_tune.analysis.importance import _advice, _by_title, _seen, _too_little, _varied
from nas_tune.objectives.objective import Objective
from search_spaces import Space, choice, subset

ACCURACY = Objective("accuracy", "max")
SPACE = Space(
    {"op": choice({"a": {"k": choice(3, 5, 7)}, "b": {}}), "w": choice(1, 2), "s": subset(("x", "y", "z"), (1, 2))}
)


def known(decisions: list[dict[str, Any]], scores: list[float] | None = None, **more: Any) -> Evidence:
    count = len(decisions)
    values = tuple(map(float, range(count))) if scores is None else tuple(scores)
    return Evidence(ACCURACY, more.pop("epochs", None), tuple(range(count)), tuple(decisions), values, **more)


# The evidence in words


@pytest.mark.parametrize(
    ("count", "epochs", "said"),
    [
        (1, None, "1 trial that trained in full"),
        (2, None, "2 trials that trained in full"),
        (0, 3, "0 trials after epoch 3"),
        (1, 3, "1 trial after epoch 3"),
    ],
)
def test_the_source_says_how_many_and_after_which_training(count: int, epochs: int | None, said: str) -> None:
    assert known([{"w": 1}] * count, epochs=epochs).source == said


def test_a_selection_is_named_with_what_all_survivors_share() -> None:
    three: list[dict[str, Any]] = [{"w": 1}] * 3
    assert known(three).selection == ""
    in_full = "other trials were stopped early: those that trained in full are a selected sample"
    assert known(three, survivors=2).selection == in_full
    assert known(three, epochs=2, survivors=0).selection == "no trial trained in full"
    both = "2 of 3 trials trained in full: a sample selected by values, so all trials are compared after the last epoch"
    assert known(three, epochs=2, survivors=2).selection == f"{both} that each reached"
    shared = known(three, epochs=2, survivors=2, constant={"op": "a", "w": 1}).selection
    assert shared == f'{both} that each reached; only op = "a", w = 1 survived'
    many = {f"d{place}": place for place in range(8)}
    named = ", ".join(f"{name} = {value}" for name, value in many.items())
    assert known(three, epochs=2, survivors=1, constant=many).selection.endswith(f"; only {named} survived")
    more = known(three, epochs=2, survivors=1, constant={**many, "d8": 8, "d9": 9}).selection
    assert more.endswith(f"; only {named} and 2 more survived")


def test_what_survivors_share_counts_only_where_chance_hardly_explains_it() -> None:
    """With one decision a share of a half needs five survivors: 0.5 ** 4 is above 0.05, 0.5 ** 5 is below."""
    made: list[dict[str, Any]] = [{"w": 1}, {"w": 2}] * 8
    assert _constant(made, [{"w": 1}] * 4) == {}
    assert _constant(made, [{"w": 1}] * 5) == {"w": 1}
    assert _constant(made, [*[{"w": 1}] * 5, {"w": 2}]) == {}
    assert _constant(made, []) == {}
    two: list[dict[str, Any]] = [{"w": 1, "v": 1}, {"w": 2, "v": 2}] * 8
    assert _constant(two, [{"w": 1, "v": 1}] * 5) == {}, "of two decisions each may explain half as much"
    assert _constant(two, [{"w": 1, "v": 1}] * 6) == {"w": 1, "v": 1}


def test_values_that_are_missing_or_infinite_are_left_out() -> None:
    values = pd.Series([0.5, float("nan"), float("inf"), None, 2])
    assert _finite(pd.Series([3, 4, 5, 6, 7]), values) == {3: 0.5, 7: 2.0}


# The importances in words


def test_too_little_evidence_is_named() -> None:
    varied = list(SPACE.parameters)
    eight: list[dict[str, Any]] = [{"w": 1}, {"w": 2}] * 4
    assert _too_little(known(eight), varied) == ""
    few = "7 trials that trained in full: too few to say which decisions matter; at least 8 are needed"
    assert _too_little(known(eight[:7]), varied) == few
    assert _too_little(known(eight), []) == "8 trials that trained in full: no decision varied among them"
    same = "8 trials that trained in full: all have the same value"
    assert _too_little(known(eight, [1.0] * 8), varied) == same
    assert _too_little(known(eight, [*[1.0] * 7, 2.0]), varied) == ""


def advice(standing: list[bool], together: int = 0, trials: int = 100) -> str:
    table = pd.DataFrame({"stands_out": standing})
    pairs = pd.DataFrame({"one": ["x", "y", "x"], "other": ["y", "z", "z"], "stands_out": [False] * 3})
    pairs["stands_out"] = [place < together for place in range(3)]
    return _advice(table, pairs, trials)


def test_advice_counts_decisions_pairs_and_trials() -> None:
    chance = "than chance explains: their order means little"
    assert advice([True, False]) == "1 of 2 decisions matters more than chance"
    assert advice([True, True, False]) == "2 of 3 decisions matter more than chance"
    assert advice([False, False]) == f"no decision matters more {chance}"
    assert advice([False], 1) == f"no decision matters by itself more {chance}; 1 pair acts together (x with y)"
    assert advice([True], 2) == "1 of 1 decisions matters more than chance; 2 pairs act together (x with y)"
    assert advice([True, False], trials=6) == "1 of 2 decisions matters more than chance"
    few = "1 of 2 decisions matters more than chance; 5 trials are few for 2 decisions"
    assert advice([True, False], trials=5) == few


def test_only_decisions_with_several_values_have_varied() -> None:
    made = [{"op": "a", "op.a.k": 3, "w": 1}, {"op": "b", "w": 1}, {"op": "a", "op.a.k": 5, "w": 1}]
    assert [parameter.name for parameter in _varied(SPACE.parameters, made)] == ["op", "op.a.k"]
    assert _varied(SPACE.parameters, made[:1]) == []


def test_a_decision_tells_how_often_it_is_active_and_of_how_many_values() -> None:
    made = [SPACE.params(SPACE.sample(seed)) for seed in range(40)]
    found = known(made)
    ks = [one["op.a.k"] for one in made if "op.a.k" in one]
    assert 0 < len(ks) < 40
    assert _seen("op.a.k", SPACE.parameters, found) == {"active": len(ks) / 40, "values": len(set(ks))}
    assert _seen("w", SPACE.parameters, found) == {"active": 1.0, "values": 2}
    flags = {tuple(one.get(f"s.{place}") for place in range(3)) for one in made}
    assert _seen("s", SPACE.parameters, found)["values"] == len(flags) > 2, "the flags of a subset are one decision"


def test_the_shares_of_the_flags_of_a_subset_are_added() -> None:
    shares = {"op": 0.25, "w": 0.5, "s.0": 0.125, "s.2": 0.0625}
    assert _by_title(SPACE.parameters, shares) == {"op": 0.25, "op.a.k": 0.0, "w": 0.5, "s": 0.1875}
