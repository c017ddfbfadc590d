"""Keys that exclude one another: each problem with the least that makes it, and the most that does not."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.config.conflicts import conflicts, misspelt_metrics
from nas_tune.config.schema import SearchConfig

KEYS = list(SearchConfig.model_fields)
BATCHES: dict[str, Any] = {"deterministic": True, "batch": 4}


def found(**values: Any) -> list[str]:
    return list(conflicts({"space": "nb201", "max_trials": 3, **values}, KEYS))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"max_trials": None, "max_seconds": 9},
        {"max_trials": None, "forever": True},
        {"max_trials": None, "max_trails": 3},
        {**BATCHES, "workers": 4},
        {**BATCHES, "workers": -1},
        {"deterministic": True, "workers": 8},
        {"executor": "inline", "workers": 1},
        {"executor": "simulated", "workers": 3},
        {"executor": "ray", "workers": -1, "address": "auto"},
        {"metric": ["a", "b"], "mode": ["max", "min"]},
        {"metric": ["a", "b"], "mode": "max"},
        {"metric": ["a", "b"]},
        {"metric": "a", "mode": ["max"]},
    ],
)
def test_what_fits_together_is_no_problem(values: dict[str, Any]) -> None:
    assert found(**values) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_trials": None}, "max_trials: no budget: neither max_trials nor max_seconds is set; set one of them"),
        (
            {"max_trials": None, "strategy": {"name": "x", "max_seconds": 3}},
            "max_trials: no budget: neither max_trials nor max_seconds is set (max_seconds stands below [strategy]",
        ),
        ({"max_trials": None, "forever": 1}, "max_trials: no budget"),
        ({"forever": True}, "forever: true contradicts max_trials; remove one of them"),
        ({"forever": True, "max_seconds": 3}, "forever: true contradicts max_trials and max_seconds; remove"),
        ({"batch": 4}, "batch: got 4 (an integer), but only a deterministic search has batches"),
        ({"batch": 4, "deterministic": 1}, "batch: got 4 (an integer), but only a deterministic search has batches"),
        (
            {"deterministic": True, "max_trials": None, "max_seconds": None, "forever": True},
            "deterministic: needs max_trials",
        ),
        ({"deterministic": True, "max_seconds": 3}, "deterministic: max_seconds contradicts it"),
        ({**BATCHES, "workers": 5}, "workers: got 5, more than a batch has trials; set batch = 5 or more, or fewer"),
        ({"executor": "inline", "workers": 2}, "workers: got 2, but the inline executor runs one at a time"),
        ({"executor": "simulated", "workers": -1}, "workers: got -1, but nothing bounds simulated workers"),
        ({"executor": "inline", "address": "auto"}, "address: the inline executor uses no cluster"),
        ({"executor": "simulated", "address": "auto"}, "address: the simulated executor uses no cluster"),
        ({"metric": ["a", "b"], "mode": ["max"]}, "mode: got 1 for 2 (a, b); give one for each metric"),
        ({"metric": "a", "mode": ["max", "min"]}, "mode: got 2 for 1 (a); give one for each metric"),
    ],
)
def test_what_does_not_is_told_once(values: dict[str, Any], said: str) -> None:
    (problem,) = found(**values)
    assert problem.startswith(said)


def test_a_space_below_a_table_is_not_set() -> None:
    values = {"max_trials": 3, "strategy": {"name": "x", "space": "nb201"}}
    assert list(conflicts(values, KEYS)) == [
        "space: not set (space stands below [strategy] and belongs to it; move it above the first [table])"
    ]
    assert list(conflicts({"max_trials": 3}, KEYS)) == [], "a missing key is told elsewhere"


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(
    ("values", "gpus", "key"),
    [
        ({"executor": "ray"}, 1, ""),
        ({"executor": "ray"}, 0, ""),
        ({"executor": "ray"}, 0.5, "resources.gpus"),
        ({"executor": "ray"}, 2, "resources.gpus"),
        ({"executor": "ray", "workers": 2}, 0, "workers"),
        ({"executor": "inline"}, 0, "resources.devices"),
    ],
)
def test_several_devices_train_one_architecture_at_a_time(
    values: dict[str, Any], gpus: float, key: str, devices: int
) -> None:
    problems = found(**values, resources={"devices": devices, "gpus": gpus})
    assert [problem.partition(":")[0] for problem in problems] == ([key] if key and devices > 1 else [])


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        ("acuracy", "accuracy"),
        (["loss", "train_acuracy"], "train_accuracy"),
        (("discrete_acuracy",), "discrete_accuracy"),
        ("parametrs", "parameters"),
    ],
)
def test_a_metric_that_is_nearly_a_known_one_is_asked_about(metric: object, hint: str) -> None:
    (line,) = misspelt_metrics(metric)
    assert f"did you mean {hint!r}?" in line
    assert line.endswith("For a metric of your own say its mode: mode = 'max' or 'min'")


@pytest.mark.parametrize("metric", ["accuracy", "train_loss", "macs", "discrete_accuracy", "mine", [], None, [3]])
def test_other_metrics_are_not(metric: object) -> None:
    assert list(misspelt_metrics(metric)) == []
