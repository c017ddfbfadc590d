"""Scores of races as lines and as JSON, number by number."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.benchmarks.races import Race, score_strategies
from nas_tune.cli.race_scores import print_scores, scores_json
from nas_tune.objectives.objective import Objective


def made() -> Any:
    races = [Race("a", seed, (2.0,), (0.5,), (0.75,), 3) for seed in range(2)]
    races += [Race("bb", seed, (30.0,), (0.25,), (0.5 + seed / 4,), 4) for seed in range(2)]
    return score_strategies(races, 200.0, best=1.0)


def contest(unit: str = "", mode: Any = "max") -> Any:
    return SimpleNamespace(objective=Objective("accuracy", mode), unit=unit)


def test_scores_are_three_tables(capsys: pytest.CaptureFixture[str]) -> None:
    print_scores(made(), contest())
    assert capsys.readouterr().out.splitlines() == [
        "strategy  seeds           test     validation  rank  trials",
        "a             2  0.750 ± 0.000  0.500 ± 0.000  1.25     3.0",
        "bb            2  0.625 ± 0.125  0.250 ± 0.000  1.75     4.0",
        "",
        "test and validation: accuracy, more is better",
        "",
        "regret by test score, from the best of the table, 1.000:",
        "regret after   10 s   20 s   50 s  100 s  150 s  200 s",
        "a             0.250  0.250  0.250  0.250  0.250  0.250",
        "bb              nan    nan  0.375  0.375  0.375  0.375",
        "",
        "differences by test score, Wilcoxon's signed ranks, Holm's correction:",
        "a - bb: +0.125, p = 1  (could be chance)",
    ]


@pytest.mark.parametrize(("p", "said"), [(0.0499, "p = 0.05"), (0.05, "p = 0.05  (could be chance)")])
def test_a_difference_below_a_twentieth_is_no_chance(p: float, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    scores = made()
    difference = replace(scores.differences[0], p=p)
    print_scores(replace(scores, differences=(difference,)), contest("ms", "min"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"a - bb: +0.125 ms, {said}"
    assert "test and validation: accuracy (ms), less is better" in lines
    assert "regret by test score, from the best of the table, 1.000 ms:" in lines
    print_scores(replace(scores, differences=()), contest())
    assert "differences" not in capsys.readouterr().out


def test_json_has_every_number_and_none_for_nan() -> None:
    scores = made()
    found = scores_json(scores, contest("ms"))
    json.dumps(found, allow_nan=False)
    assert {key: found[key] for key in ("metric", "mode", "unit", "judged_by", "best", "best_of")} == {
        "metric": "accuracy",
        "mode": "max",
        "unit": "ms",
        "judged_by": "test",
        "best": 1.0,
        "best_of": "table",
    }
    assert found["seconds"] == scores.seconds.tolist()
    first, second = found["strategies"]
    assert (first["strategy"], first["regret"][:2], second["regret"][:15]) == ("a", [0.25] * 2, [None] * 14 + [0.375])
    assert second["test_std"] == pytest.approx(0.125)
    assert found["differences"] == [{"one": "a", "other": "bb", "mean": 0.125, "p": 1.0}]
    assert not any(math.isnan(value) for value in second["regret"] if value is not None)
