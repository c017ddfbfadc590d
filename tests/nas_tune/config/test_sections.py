"""Every setting in the wrong table is told the right one, and a misspelt key its name, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.config import SearchConfig
from nas_tune.config.components import make_component
from nas_tune.config.sections import place_of
from nas_tune.errors import ConfigError
from tests.trainables.data.tables.frames import small
from trainables.settings.groups import flat_settings
from trainables.tasks.learner_settings import LearnerSettings
from trainables.tasks.registry import TASKS, task_settings

TRAINING = [*flat_settings(LearnerSettings), "repeats"]
TASK: dict[str, Any] = {"name": "table", "data": small(), "target": "size", "kind": "regression"}
BASE: dict[str, Any] = {"space": "mlp", "max_trials": 1}


def refusal(**keys: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        SearchConfig(**{**BASE, **keys})
    return str(caught.value)


@pytest.mark.parametrize("task", TASKS.built_in())
def test_a_setting_of_the_training_in_the_table_of_a_task(task: str) -> None:
    own = task_settings(TASKS.get(task))
    for name in TRAINING:
        if name not in own:
            said = refusal(task={"name": task, name: None})
            assert f"task.{name}: it says how to train; write it in [trainable]" in said
    for name in SearchConfig.model_fields:
        if name not in (*own, *TRAINING, "name"):
            assert f"task.{name}: it is a key of the search; write it above all tables" in refusal(
                task={"name": task, name: None}
            )


@pytest.mark.parametrize("task", TASKS.built_in())
def test_a_setting_of_a_task_in_the_table_of_the_trainable(task: str) -> None:
    for name in task_settings(TASKS.get(task)):
        if name not in TRAINING:
            said = refusal(task={"name": task}, trainable={name: None})
            assert f"trainable.{name}: it is a setting of the task; write it in [task]" in said


@pytest.mark.parametrize("task", [None, *TASKS.built_in()])
def test_a_setting_of_the_training_at_the_top(task: str | None) -> None:
    own = [] if task is None else task_settings(TASKS.get(task))
    for name in TRAINING:
        if name in own or name in SearchConfig.model_fields:
            continue
        said = refusal(**{name: None}) if task is None else refusal(task={"name": task, "data": "x"}, **{name: None})
        assert f"{name}: unknown key; " in said
        assert "it says how to train: write it in [trainable]" in said or "here it is called" in said


def test_a_setting_of_a_task_at_the_top_where_no_task_is() -> None:
    for task in TASKS.built_in():
        for name in task_settings(TASKS.get(task)):
            if name not in (*SearchConfig.model_fields, "data", *TRAINING):
                said = refusal(space="nb201", **{name: None})
                assert "unknown key; it is a setting of the task" in said or "known task" in said, said


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"repeat": 3}, "repeat: unknown key; did you mean 'repeats'? It says how to train: write it in [trainable]"),
        ({"task": TASK, "repeat": 3}, "repeat: unknown key; did you mean 'repeats'? It says how to train: write it in"),
        ({"task": {**TASK, "repeat": 3}}, "task.repeat: unknown setting; did you mean 'repeats' of [trainable]?"),
        ({"task": TASK, "trainable": {"repeat": 3}}, "trainable.repeat: unknown setting; did you mean 'repeats'?"),
        ({"validation_group": "x"}, "did you mean 'validation_groups'? It is a setting of the tasks"),
        ({"task": TASK, "validation_group": "x"}, "validation_group: unknown key; did you mean 'validation_groups'?"),
        ({"task": {**TASK, "validation_group": "x"}}, "unknown setting; did you mean 'validation_groups'?"),
        (
            {"task": TASK, "trainable": {"validation_group": "x"}},
            "trainable.validation_group: unknown setting; did you mean 'validation_groups' of [task]?",
        ),
        (
            {"fold": 0},
            "fold: unknown key; it is a setting of the tasks classification, detection, regression, segmentation, "
            "signal, table",
        ),
        ({"task": {**TASK, "window": 3}}, "task.window: it is a setting of the task signal; leave it out"),
        ({"task": {**TASK, "max_trial": 3}}, "unknown setting; did you mean 'max_trials', a key of the search?"),
    ],
)
def test_misspelt_and_misplaced_keys_get_a_hint(keys: dict[str, Any], said: str) -> None:
    assert said in refusal(**keys)


def test_all_problems_are_told_together() -> None:
    said = refusal(task={**TASK, "batch_size": 8, "repeat": 2}, trainable={"unit": "mm"})
    assert "3 problems" in said


def test_components_say_where_a_setting_belongs() -> None:
    with pytest.raises(ConfigError, match=r"not a setting of 'a'; it says how to train: write it in \[trainable\]"):
        make_component("scheduler", {"a": lambda *, eta=3: eta}, "a", {}, {"batch_size": 3})
    assert place_of("nonsense") == ""


def test_a_kept_configuration_holds_all_in_the_trainable() -> None:
    config = SearchConfig(**BASE, task=TASK, trainable={"batch_size": 8})
    assert SearchConfig.from_toml(config.to_toml()) == SearchConfig.from_json(config.to_json()) == config
