"""The lines of `explain` and `compare`, from findings made by hand: what stands out, what is cut, what is counted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nas_tune.analysis import Importance
from nas_tune.analysis.comparison import Comparison
from nas_tune.analysis.explanation import Explanation
from nas_tune.analysis.neighbours import Neighbours
from nas_tune.cli import compare as compare_module
from nas_tune.cli import explain as explain_module

NAN = float("nan")


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def importance(ps: list[float], pairs: list[float] = (), **more: Any) -> Importance:  # type: ignore[assignment]
    count = len(ps)
    table = pd.DataFrame(
        {
            "decision": [f"d{place}" for place in range(count)],
            "importance": [0.5] * count,
            "low": [0.25] * count,
            "high": [0.75] * count,
            "p": ps,
            "values": [3] * count,
            "active": [0.5] * count,
        }
    )
    together = pd.DataFrame(
        {
            "one": [f"a{place}" for place in range(len(pairs))],
            "other": ["b"] * len(pairs),
            "share": [0.125] * len(pairs),
            "p": list(pairs),
            "stands_out": [p < 0.05 for p in pairs],
        }
    )
    values: dict[str, Any] = {"trials": 30, "sample": True, "tested": 30, "selection": "", **more}
    return Importance("accuracy", "30 trials", "mdi", table=table, pairs=together, advice="advice", **values)


def shown(capsys: pytest.CaptureFixture[str], one: Importance, rows: int = 12, unit: str = "") -> list[str]:
    explain_module._print_importance(one, unit, rows)
    return capsys.readouterr().out.splitlines()


def test_a_p_of_chance_has_a_question_mark(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, importance([0.0499, 0.05, 0.5]))
    assert said == [
        "which decisions mattered to accuracy",
        "(mdi, 30 trials; 90 % intervals; p: that chance alone did it; Holm's correction)",
        "decision  share    interval  p       values  active",
        "d0        50.0%  25% to 75%  0.05         3     50%",
        "d1        50.0%  25% to 75%  0.05 ?       3     50%",
        "d2        50.0%  25% to 75%  0.5 ?        3     50%",
        "shares are main effects of single decisions; no interaction of two was found",
        "advice",
        "",
    ]


def test_only_so_many_rows_are_shown_and_the_rest_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, importance([0.01] * 3, [0.01, 0.02, 0.03, 0.5]), rows=2)
    assert said.count("and 1 more (--rows, --json)") == 2
    assert sum(line.startswith("d") and "50.0%" in line for line in said) == 2
    begins = said.index("interactions of two decisions, beyond their main effects")
    assert said[begins + 1 : begins + 4] == [
        "pair       of the variance  p",
        "a0 with b            12.5%  0.01",
        "a1 with b            12.5%  0.02",
    ]
    whole = shown(capsys, importance([0.01] * 2, [0.01, 0.02]), rows=2)
    assert not any("more" in line for line in whole)


def test_a_model_says_of_which_trials_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    part = shown(capsys, importance([0.01], sample=False, tested=20, selection="selected"))
    first = (
        "(mdi, 30 trials; 90 % intervals; p: that chance alone did it by a model of the first 20 of them, since the "
    )
    assert part[1] == f"{first}trials were chosen; Holm's correction)"
    assert part[-3:] == ["selected", "advice", ""]
    whole = shown(capsys, importance([0.01], sample=False))
    assert "by a model, since the trials were chosen;" in whole[1]
    assert shown(capsys, importance([])) == ["which decisions mattered to accuracy", "advice", ""]


def around(count: int) -> Neighbours:
    table = pd.DataFrame(
        {
            "change": [f"x: {place}" for place in range(count)],
            "seen": [place == 0 for place in range(count)],
            "trial": pd.array([7, *[None] * (count - 1)], dtype="Int64"),
            "value": [0.5] * count,
            "low": [0.25] * count,
            "high": [0.5] * count,
            "gain": [0.125, *[NAN] * (count - 1)],
        }
    )
    return Neighbours(table, 0.375, "model", "30 trials", 9)


def test_neighbours_were_tried_or_are_guessed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    explain_module._print_neighbours(around(3), 4, "", 2)
    assert capsys.readouterr().out.splitlines() == [
        "one change to the winner, trial 4",
        "values of 30 trials, 0.3750 of the winner; 1 of 9 neighbours were tried; model",
        "          value    gain  known    change",
        "         0.5000  +0.125  trial 7  x: 0",
        "0.5000 ± 0.1250       -  guess    x: 1",
        "and 1 more (--rows, --json)",
    ]
    for width, lines in ((90, 3), (89, 4)):
        monkeypatch.setattr(explain_module, "width_of", lambda console, width=width: width)
        explain_module._print_neighbours(around(2), 4, "", 2)
        said = capsys.readouterr().out.splitlines()[2:]
        assert len(said) == lines, "a narrow terminal has each change on a line of its own"
    assert said[1] == "   x: 0"


def test_values_have_their_unit(capsys: pytest.CaptureFixture[str]) -> None:
    explain_module._print_neighbours(around(1), 4, "ms", 2)
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "values of 30 trials, 0.3750 ms of the winner; 1 of 9 neighbours were tried; model",
        "value (ms)  gain (ms)  known    change",
    ]
    assert shown(capsys, importance([0.01]), unit="ms")[0] == "which decisions mattered to accuracy (ms)"


def explained(values: list[float], shared: int) -> Explanation:
    top = pd.DataFrame(
        {
            "rank": range(1, len(values) + 1),
            "trial": range(len(values)),
            "value": values,
            "spread": [NAN] * len(values),
            "distance": [0.25] * len(values),
            "changes": ["", *["a: 1 -> 2\nb: 1 -> 3"] * (len(values) - 1)],
        }
    )
    return Explanation(0, (), None, top, {f"s{place}": place for place in range(shared)}, ())


def test_the_best_differ_from_the_winner_or_tie_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    explain_module._print_top(explained([0.75, 0.75, 0.5], 2))
    assert capsys.readouterr().out.splitlines() == [
        "",
        "the best 3, and how they differ from the winner",
        "1  trial 0  0.7500  the winner",
        "2  trial 1  0.7500  distance 0.25, a tie with the winner",
        "   a: 1 -> 2",
        "   b: 1 -> 3",
        "3  trial 2  0.5000  distance 0.25",
        "   a: 1 -> 2",
        "   b: 1 -> 3",
        "all agree on: s0 0, s1 1",
    ]


@pytest.mark.parametrize(("count", "more"), [(12, ""), (13, ", and 1 more"), (20, ", and 8 more")])
def test_at_most_twelve_shared_decisions_are_named(capsys: pytest.CaptureFixture[str], count: int, more: str) -> None:
    explain_module._print_top(explained([0.5, 0.4], count))
    named = ", ".join(f"s{place} {place}" for place in range(12))
    assert capsys.readouterr().out.splitlines()[-1] == f"all agree on: {named}{more}"


# compare


def row(**more: Any) -> dict[str, Any]:
    plain = {"one": "A", "other": "B", "about": "seeds", "n_one": 3, "n_other": 4, "difference": 0.25, "wins": 0.75}
    return {**plain, "p": 0.049, "least_p": 0.01, "differs": True, "why_no_p": "", **more}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "A - B: +0.25 s, better in 75% of pairs, n = 3 and 4, p = 0.049"),
        (
            {"difference": -0.25, "wins": 0.25, "differs": False, "p": 0.5},
            "A - B: -0.25 s, better in 25% of pairs, n = 3 and 4, p = 0.5  (could be chance)",
        ),
        ({"difference": 0.0, "wins": 0.5, "p": 1.0}, "A - B: no difference, n = 3 and 4, p = 1"),
        ({"difference": 0.0}, "A - B: +0 s, better in 75% of pairs, n = 3 and 4, p = 0.049"),
        ({"wins": 0.5}, "A - B: +0.25 s, better in 50% of pairs, n = 3 and 4, p = 0.049"),
        ({"why_no_p": "too few"}, "A - B: +0.25 s, better in 75% of pairs, n = 3 and 4, no p-value: too few"),
    ],
)
def test_a_difference_has_its_size_and_a_verdict(
    change: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lines_of(capsys, row(**change))[2] == said


def lines_of(capsys: pytest.CaptureFixture[str], *rows: dict[str, Any]) -> list[str]:
    empty = pd.DataFrame()
    found = Comparison("time", "min", "s", 5, empty, empty, pd.DataFrame(rows), {}, ())
    compare_module._print_tests(found)
    return capsys.readouterr().out.splitlines()


def test_tests_are_about_seeds_or_about_trials(capsys: pytest.CaptureFixture[str]) -> None:
    title = "differences (Mann-Whitney U of {}; Holm's correction)"
    assert lines_of(capsys, row())[1] == title.format("what each run found; n is the number of seeds")
    trials = lines_of(capsys, row(about="trials"))
    assert trials[1] == title.format("all complete trials; n is their number")
    alone = "a group has one run only: this compares trials, not seeds, and leaves out stopped trials"
    assert trials[3:] == [alone]
    few = "fewer than two groups have complete trials: nothing to test; give runs of another strategy, too"
    assert lines_of(capsys) == ["", few]


@pytest.mark.parametrize(
    ("least", "told"),
    [([0.049], False), ([0.05], True), ([0.024, 0.9], False), ([0.025, 0.9], True), ([0.0166, 0.5, 0.5], False)],
)
def test_too_few_seeds_for_any_p_are_told(least: list[float], told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    said = lines_of(capsys, *(row(least_p=p) for p in least))
    few = f"with so few seeds p cannot fall below {min(least):.2g} (before the correction): run more"
    assert said[2 + len(least) :] == ([few] if told else [])
