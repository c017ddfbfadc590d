"""The starter configuration of a task: a commented TOML file that runs unchanged, for `nas-tune init`.

Every key of a search is in it. The keys that a first search needs are set; each other key is in a comment with its
default, or with an example where there is no default. The comments of the search's keys are the schema's own texts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from nas_tune.config.component import Component
from nas_tune.config.field_texts import field_texts, first_sentence
from nas_tune.config.schema import SearchConfig
from nas_tune.config.starters import ALIASES, STARTERS, Setting, Starter
from nas_tune.config.text import toml_text
from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean

__all__ = ["ROOT_VARIABLE", "STARTERS", "starter"]


_SECTIONS = {
    "What is searched, and how": ("space", "strategy", "scheduler", "initial", "warm_start", "warm_start_trials"),
    "What is better, and what must hold": ("metric", "mode", "limits", "audit"),
    "When it ends": ("max_trials", "max_seconds", "forever", "max_epochs"),
    "Where it runs": ("executor", "workers", "resources", "address", "device", "deterministic", "batch", "seed"),
    "What is kept, and what happens after a failure": (
        "name",
        "run_dir",
        "keep_checkpoints",
        "storage",
        "backup_seconds",
        "max_retries",
        "epoch_timeout",
    ),
}

_EXAMPLES: Mapping[str, object] = {
    "metric": "accuracy",
    "mode": "max",
    "limits": {"parameters": "100k"},
    "initial": "zero_cost",
    "max_seconds": 3600.0,
    "address": "auto",
    "device": {"engine": "onnxruntime", "threads": 1},
    "batch": 8,
    "name": "my-search",
    "run_dir": "runs/my-search",
    "storage": "backup",
    "epoch_timeout": 600.0,
}
"""Values of keys that have no default."""

ROOT_VARIABLE = "NAS_TUNE_DATA"
"""The variable that names the folder of data sets, as `trainables.data` has it (which imports torch)."""

_COLUMN = 34


def starter(
    task: str = "classification",
    *,
    data: str | None = None,
    target: str | Sequence[str] | None = None,
    needed: Mapping[str, object] | None = None,
    space: str | None = None,
) -> str:
    """Write the starter configuration of a task.

    Args:
        task: a name of `STARTERS`.
        data: the data to search on: a name, or a path as the search shall see it. By default scikit-learn's digits,
            where the task is a classification.
        target: the column or array that is predicted, or several columns; None where the data tell it.
        needed: settings of the task that these data need, beside those of the starter.
        space: the name of a space that takes the settings of the starter's, in place of it.

    Returns:
        The text of the file, TOML with a comment for every key.

    Raises:
        ConfigError: there is no such task, it needs data, or it predicts no column.
    """
    name = ALIASES.get(task, task)
    if name not in STARTERS:
        known = ", ".join(STARTERS)
        raise ConfigError(f"task: there is no {task!r}{did_you_mean(task, STARTERS) or ';'} known tasks: {known}")
    chosen = STARTERS[name]
    own = chosen.chosen["space"]
    if space is not None and isinstance(own, Mapping):
        chosen = replace(chosen, chosen={**chosen.chosen, "space": {**own, "name": space}})
    if chosen.data is None and data is None:
        raise ConfigError(f"task {name} has no built-in data; give a path by --data")
    if target is not None and all(setting.key != "target" for setting in chosen.task):
        raise ConfigError(f"target: got {target!r}, but the task {name} predicts no column; leave the target out")
    lines = [
        f"# {chosen.about} Run it with `nas-tune search` and the name of this file.",
        "# A line `# key = value` shows a default, or an example where there is none. Remove its # to set the key.",
    ]
    for title, keys in _SECTIONS.items():
        lines += ["", f"# {title}"]
        lines += [_search_line(chosen, key) for key in keys if key != "trainable"]
    given = _given(chosen, data) | ({} if target is None else {"target": target}) | dict(needed or {})
    for table, settings in (("task", chosen.task), ("trainable", chosen.trainable)):
        lines += ["", f"[{table}]", *(_setting_line(setting, given) for setting in settings)]
    return "\n".join(lines) + "\n"


def _search_line(chosen: Starter, key: str) -> str:
    text = first_sentence(field_texts(SearchConfig)[key]).replace("`", "")
    if key in chosen.chosen:
        return _line(key, chosen.chosen[key], text, is_set=True)
    if key == "metric":
        return _line(key, _EXAMPLES[key], f"By default {chosen.metrics} (example)", is_set=False)
    default = SearchConfig.model_fields[key].get_default()
    if default is None or default is PydanticUndefined:
        return _line(key, _EXAMPLES[key], f"{text} (example)", is_set=False)
    return _line(key, default, text, is_set=False)


def _given(chosen: Starter, data: str | None) -> dict[str, object]:
    """The values of settings that follow from the data."""
    given: dict[str, object] = {} if data is None else {"data": data}
    if data in chosen.downloads:
        # A user who has set the variable has the data in that folder, or wants them there.
        return given | ({} if ROOT_VARIABLE in os.environ else dict(chosen.for_downloads))
    if data is not None and os.path.isdir(data):
        return given | dict(chosen.for_folders)
    return given


def _setting_line(setting: Setting, given: Mapping[str, object]) -> str:
    value = given.get(setting.key, setting.value)
    return _line(setting.key, value, setting.text, is_set=setting.is_set or setting.key in given)


def _line(key: str, value: object, text: str, *, is_set: bool) -> str:
    assignment = f"{'' if is_set else '# '}{key} = {_toml(value)}"
    return f"{assignment:<{_COLUMN - 1}} # {text}"


def _toml(value: Any) -> str:
    """A value as the text behind the equals sign; tables stay on the line."""
    if isinstance(value, Component):
        value = value.plain()
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return toml_text({"_": value}).removeprefix("_ = ").strip()
