"""The key `task` of a configuration becomes settings of the trainable; what is given twice or misplaced is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.config.component import Component
from nas_tune.config.problems import ConfigProblems
from nas_tune.config.task import is_learner, name_of, with_defaults_of_task, with_task
from nas_tune.errors import ConfigError

KEYS = {"space", "trainable", "strategy", "metric", "mode", "max_trials"}


def read(**values: Any) -> dict[str, Any]:
    return with_task(values, KEYS)


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**values)
    return str(caught.value)


def test_a_task_is_written_into_the_trainable() -> None:
    table = {"name": "regression", "data": "a.npz"}
    wanted = {"name": "learner", "task": "regression", "data": "a.npz"}
    assert read(task=table)["trainable"] == wanted
    assert read(task=Component("regression", {"data": "a.npz"}))["trainable"] == wanted
    assert read(task="regression", data="a.npz")["trainable"] == wanted
    assert read(task="regression", data="a.npz", trainable={"lr": 0.1})["trainable"] == {**wanted, "lr": 0.1}
    assert read(task=table, space="nb201", max_trials=3) == {"space": "nb201", "max_trials": 3, "trainable": wanted}


def test_data_alone_mean_the_task_that_they_suggest_where_networks_are_trained() -> None:
    wanted = {"name": "learner", "task": "auto", "data": "digits"}
    for trainable in (
        {},
        {"trainable": "learner"},
        {"trainable": {"lr": 0.1}},
        {"trainable": Component("learner", {})},
    ):
        found = read(data="digits", **trainable)["trainable"]
        assert {key: found[key] for key in wanted} == wanted
    classifier = read(data="digits", trainable="image_classifier")["trainable"]
    assert classifier == {"name": "image_classifier", "data": "digits"}
    own = {"data": "digits", "trainable": "own:train"}
    assert read(**own) == own
    assert read(space="nb201") == {"space": "nb201"}


def test_a_classifier_learns_classes_alone() -> None:
    found = read(task={"name": "classification", "data": "digits"}, trainable="image_classifier")["trainable"]
    assert found == {"name": "image_classifier", "data": "digits"}
    said = refusal(task="regression", trainable="image_classifier")
    assert said.startswith("trainable: image_classifier learns classes and no other task, and the task is regression")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"task": {"name": "regression", "data": "a.npz"}, "data": "b.npz"},
            "task.data: got 'b.npz' (a string), and 'a.npz' (a string); give it once",
        ),
        (
            {"task": {"name": "regression", "data": "a.npz"}, "trainable": {"data": "b.npz"}},
            "trainable.data: got 'b.npz' (a string), and 'a.npz' (a string); give it once",
        ),
        (
            {"task": "regression", "data": "a.npz", "trainable": {"data": "b.npz"}},
            "trainable.data: got 'b.npz' (a string), and 'a.npz' (a string); give it once",
        ),
    ],
)
def test_what_is_given_twice_is_refused_with_both_values(values: dict[str, Any], said: str) -> None:
    assert refusal(**values) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"task": 3}, "task: got 3 (an integer), expected a name, or a table with a name and settings"),
        (
            {"task": "regression", "trainable": {"name": 3}},
            "trainable: got {'name': 3} (a table), expected a name, or a table",
        ),
        ({"task": "regression", "targt": "a"}, "targt: unknown key; did you mean 'target'"),
        ({"task": "regression", "batch_size": 3}, "batch_size: unknown key; it says how to train"),
        ({"task": {"name": "regression", "batch_size": 3}}, "task.batch_size: it says how to train"),
    ],
)
def test_what_is_no_setting_is_refused_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        read(**values)
    assert said in str(caught.value)


def test_a_misspelt_key_of_a_configuration_is_left_to_those_who_know_the_keys() -> None:
    assert read(task="regression", max_trails=3)["max_trails"] == 3


@pytest.mark.parametrize("key", ["data", "target"])
def test_the_trainable_table_has_no_data(key: str) -> None:
    for trainable in ({"name": "table", key: "a.csv"}, Component("table", {key: "a.csv"})):
        assert refusal(trainable=trainable).startswith(f"trainable.{key}: the trainable table looks architectures up")
    kept = {"trainable": {"name": "table", "file": "a.parquet"}}
    assert read(**kept) == kept
    assert read(trainable="table") == {"trainable": "table"}


def test_names_are_read_from_names_tables_and_objects() -> None:
    found = [name_of(one) for one in ("a", {"name": "a"}, SimpleNamespace(name="a"), {"lr": 1}, None, 3)]
    assert found == ["a", "a", "a", None, None, 3]
    assert is_learner({"name": "learner"})
    assert is_learner("learner")
    assert not is_learner("image_classifier")
    assert not is_learner(None)


def completed(in_supernet: bool = False, **values: Any) -> dict[str, Any]:
    trainable = {"name": "learner", "task": "regression", "data": "a.npz"}
    found = with_defaults_of_task({"space": "nb201", "trainable": trainable, **values}, in_supernet=in_supernet)
    return {key: found.get(key) for key in ("metric", "mode")}


def test_metric_and_mode_are_those_of_the_task_unless_they_are_given() -> None:
    assert completed() == {"metric": "rmse", "mode": ["min"]}
    assert completed(metric="r2") == {"metric": "r2", "mode": ["max"]}
    assert completed(metric="train_rmse") == {"metric": "train_rmse", "mode": ["min"]}
    assert completed(metric=["r2", "parameters"]) == {"metric": ["r2", "parameters"], "mode": ["max", "min"]}
    assert completed(mode="max") == {"metric": "rmse", "mode": "max"}
    assert completed(metric="rmse", mode="max") == {"metric": "rmse", "mode": "max"}
    assert completed(metric="of_mine") == {"metric": "of_mine", "mode": None}
    assert completed(metric=["r2", "of_mine"])["mode"] is None


def test_in_a_supernet_the_metric_is_that_of_what_is_found() -> None:
    assert completed(in_supernet=True) == {"metric": "discrete_rmse", "mode": ["min"]}


def test_what_trains_no_networks_has_no_metric_of_a_task() -> None:
    for trainable in ("own:train", {"name": "image_classifier"}, None):
        values = {"trainable": trainable}
        assert with_defaults_of_task(values, in_supernet=False) == values
