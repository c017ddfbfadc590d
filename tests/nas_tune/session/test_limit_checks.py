"""Limits before the first trial: what nothing judges or no member keeps is refused with the least that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nas_tune.coordination.gate import Gate
from nas_tune.errors import ConfigError, NasTuneError
from nas_tune.objectives.limits import Limit
from nas_tune.objectives.objective import Objective
from nas_tune.session.limit_checks import check_limits, check_met, limit_remarks
from search_spaces import Architecture, Space, choice
from trainables.metrics import Metric

SPACE = Space({"a": choice(*range(2, 8)), "b": choice(*range(2, 8))}, name="sums")


class Counting:
    """Counts a sum and a difference of two numbers, or fails, or forgets one of them."""

    counts: Sequence[str] = ("total", "gap")

    def __init__(self, *, fails: bool = False, forgets: str = "") -> None:
        self.fails, self.forgets = fails, forgets

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        if self.fails:
            raise NasTuneError("no network can be built")
        a, b = (float(cast("Any", architecture)[key]) for key in ("a", "b"))
        found = {"total": a + b, "gap": abs(a - b)}
        return {name: found[name] for name in names if name != self.forgets}


def gate(*limits: Limit, **how: Any) -> Gate:
    return Gate(limits, Counting(**how))


def setup(*limits: Limit, judged: Gate | None = None, searches: bool = False, metrics: Sequence[Metric] = ()) -> Any:
    config = SimpleNamespace(trainable=SimpleNamespace(name="own:train"), strategy=SimpleNamespace(name="darts"))
    return SimpleNamespace(
        limits=limits, gate=judged, path_gate=None, space=SPACE, metrics=metrics, searches=searches, config=config,
        objectives=[Objective("accuracy", "max")],
    )  # fmt: skip


def refusal(made: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        check_limits(made)
    return str(caught.value)


def at_most(name: str, bound: float) -> Limit:
    return Limit(name, "<=", bound)


def at_least(name: str, bound: float) -> Limit:
    return Limit(name, ">=", bound)


def test_a_limit_that_the_least_member_just_keeps_is_met() -> None:
    check_met(SPACE, gate(at_most("total", 4)))
    check_met(SPACE, gate(at_least("total", 14)))
    check_limits(setup(at_most("total", 4), judged=gate(at_most("total", 4))))
    check_limits(setup())


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (at_most("total", 3.5), "keeps total <= 3.5; the least that was found is 4; change the limit"),
        (at_least("total", 14.5), "keeps total >= 14.5; the greatest that was found is 14; change the limit"),
    ],
)
def test_a_limit_out_of_reach_is_told_with_the_nearest_that_was_found(limit: Limit, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_met(SPACE, gate(limit))
    assert str(caught.value).startswith("limits.total: no architecture of the space was found that ")
    assert said in str(caught.value)


def test_limits_that_exclude_one_another_are_told_as_such_and_those_out_of_reach_one_by_one() -> None:
    apart = gate(at_most("total", 5), at_least("gap", 5))
    assert "each of total <= 5, gap >= 5 can be kept alone, but no architecture was found that keeps" in refusal(
        setup(*apart.limits, judged=apart)
    )
    both = gate(at_most("total", 3), at_least("gap", 6))
    said = refusal(setup(*both.limits, judged=both)).splitlines()
    assert [line.partition(":")[0] for line in said] == ["limits.total", "limits.gap"]
    one = gate(at_most("total", 3), at_most("gap", 0))
    assert len(refusal(setup(*one.limits, judged=one)).splitlines()) == 1


def test_the_only_member_is_the_nearest() -> None:
    alone = Space({"a": 2, "b": 2}, name="alone")
    with pytest.raises(ConfigError, match="the least that was found is 4"):
        check_met(alone, gate(at_most("total", 3)))


def test_costs_that_cannot_be_counted_are_told_before_the_first_trial() -> None:
    limit = at_most("total", 5)
    said = refusal(setup(limit, judged=gate(limit, fails=True)))
    assert said == "limits: total cannot be counted here: no network can be built"
    said = refusal(setup(limit, judged=gate(limit, forgets="total")))
    assert "own:train says that it counts 'total', but its costs() returns nothing; return every cost" in said
    two = (limit, at_most("gap", 5))
    assert "its costs() returns total;" in refusal(setup(*two, judged=gate(*two, forgets="gap")))


def test_a_limit_on_what_is_reported_needs_no_count() -> None:
    check_limits(setup(at_least("accuracy", 0.5)))
    check_limits(setup(at_least("recall", 0.5), metrics=[Metric("recall", "max")]))
    check_limits(setup(at_least("recall", 0.5)))  # nothing is declared, so that it may be reported


def test_a_limit_that_nothing_judges_is_refused_with_what_there_is() -> None:
    declared = [Metric("recall", "max"), Metric("total", "min")]
    said = refusal(setup(at_least("recal", 0.5), metrics=declared))
    assert "limits.recal: own:train reports no such metric; did you mean 'recall'" in said
    assert "on a reported metric (recall, total)" in said
    limit = at_most("total", 5)
    counted = gate(limit)
    said = refusal(setup(limit, at_least("recal", 0.5), judged=counted, metrics=declared))
    assert "on a reported metric (recall)" in said, "a count is no report"
    said = refusal(setup(at_most("macs", 5), searches=True, metrics=declared))
    assert "limits.macs: strategy darts searches by itself and does not know limits on costs" in said
    said = refusal(setup(at_most("latency", 5), metrics=declared))
    assert "limits.latency: own:train neither reports nor counts it; report it as a metric, or limit macs" in said


def test_remarks_say_which_limit_leaves_all_and_how_many_keep_the_others() -> None:
    idle, some = at_most("total", 14), at_most("gap", 2)
    assert limit_remarks(setup()) == []
    assert limit_remarks(setup(idle, judged=gate(idle))) == [
        "limit total <= 14: all of 50 random architectures keep it"
    ]
    first, second = limit_remarks(setup(idle, some, judged=gate(idle, some)))
    assert first == "limit total <= 14: all of 50 random architectures keep it"
    assert second.startswith("limits total <= 14, gap <= 2: ")
    kept = int(second.split(": ")[1].split(" of 50 ")[0])
    assert 10 < kept < 45
    assert limit_remarks(setup(some, judged=gate(some, fails=True))) == [
        "limits gap <= 2: 0 of 0 random architectures keep them"
    ]
    by_paths = setup(idle)
    by_paths.path_gate = gate(idle)
    assert len(limit_remarks(by_paths)) == 1
