"""Data that a configuration is given as an object: the configuration names a file of equal content.

    SearchConfig(space="chain", data=(x, y), ..)      # task.data is "data/0123456789abcdef.npz"

The file moves into the folder of the run when that begins (`trainables.kept_data`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nas_tune.config.component import Component
from nas_tune.config.task import name_of
from nas_tune.errors import ConfigError

__all__ = ["with_kept_data"]

_TASKS_OF_OURS = (None, "learner", "image_classifier")
"""Trainables whose setting `data` is that of a task; others may take any object."""


def with_kept_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write the object that stands for the data of a task into a file, and its name into the configuration.

    Args:
        values: the values of a configuration by key; `data` is one of them, or is in `task` or in `trainable`.

    Returns:
        The values with a text as `data`. The same values where the data are not an object.

    Raises:
        DataError: the object is none that a task can learn from, or is too large.
        ConfigError: the settings of the task have another form.
    """
    found = dict(values)
    tables = {key: _settings(found[key]) for key in ("task", "trainable") if isinstance(found.get(key), Mapping)}
    component = found.get("trainable")
    if isinstance(component, Component):
        tables["trainable"] = {"name": component.name, **component.settings}
    trainable = tables.get("trainable", {}).get("name") if "trainable" in tables else found.get("trainable")
    if trainable not in _TASKS_OF_OURS and "task" not in found:
        return found
    places = [found, *tables.values()]
    holder = next((place for place in places if place.get("data") is not None), None)
    if holder is None or isinstance(holder["data"], str):
        return found
    if isinstance(holder["data"], os.PathLike):
        holder["data"] = os.fspath(holder["data"])
        return {**found, **tables}
    from trainables.data.objects import keep
    from trainables.tasks.registry import task_of_space

    task = tables["task"].get("name", "auto") if "task" in tables else found.get("task") or "auto"
    if "task" not in found and trainable == "image_classifier":
        task = "classification"
    if task == "auto" and task_of_space(name_of(found.get("space"))) == "signal":
        task = "signal"  # Else rows of numbers are those of a table.
    known = {key: value for place in places for key, value in place.items() if key in ("target", "resize", "stream")}
    kept = keep(holder["data"], task=str(task), **known)
    holder.update(data=kept.data, **kept.settings)
    return {**found, **tables}


def _settings(table: Mapping[Any, Any]) -> dict[str, Any]:
    for key in table:
        if not isinstance(key, str):
            raise ConfigError(f"task: got the key {key!r}; the name of a setting is a string")
    return dict(table)
