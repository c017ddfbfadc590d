"""From a trained network of a task to what an export takes: examples, names, settings, and how inputs are prepared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from trainables.tasks.registry import measure_settings, task_reference
from trainables.tasks.task import Task, TaskData
from trainables.training.batches import Batch, mapped

if TYPE_CHECKING:
    from trainables.export.deployed import Deployed

__all__ = ["deployed", "kept_settings"]

_EXAMPLES = 16
"""How many examples go with an exported network."""
_NOT_KEPT = ("data", "data_root", "transforms")
"""Settings of the tasks of this package that no prediction needs: where the data are, and views of the training. No
prediction needs a loss or metrics of one's own either, which name code.
"""


def deployed(
    network: torch.nn.Module,
    task: Task,
    data: TaskData,
    *,
    space: str,
    architecture: Any,
    arguments: Mapping[str, Any],
    network_settings: Mapping[str, Any],
    task_settings: Mapping[str, Any],
) -> Deployed:
    """Put a network together with some training examples and what its user needs besides.

    Args:
        network: in evaluation mode.
        task: what it has learned.
        data: from what.
        space: the name of its space.
        architecture: its tree.
        arguments: with which it was built, as the data decide them.
        network_settings: with which it was built, as they were given.
        task_settings: those of the task that an exported folder keeps, see `kept_settings`.

    Returns:
        What an export takes.
    """
    from trainables.export.deployed import Deployed

    decided = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    rows = data.train.rows(torch.arange(min(_EXAMPLES, len(data.train)), device=data.device))[0]
    return Deployed(
        network=network,
        inputs=data.normalize(rows),
        space=space,
        architecture=architecture,
        settings={**decided, **network_settings},
        classes=data.classes,
        data=data.name,
        splits={"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
        task=task_reference(task),
        task_settings=dict(task_settings),
        **_prepared(task, data, rows),
        **task.exported(data),
    )


def kept_settings(task: Task, settings: Mapping[str, object]) -> dict[str, Any]:
    """Choose the settings that an exported folder keeps: those that JSON can hold and a prediction needs.

    Args:
        task: the task.
        settings: its settings.

    Returns:
        Some of them.
    """
    kept: dict[str, Any] = {}
    measures = measure_settings(type(task))
    for name, value in settings.items():
        if name in measures or (type(task).__module__.startswith("trainables.") and name in _NOT_KEPT):
            continue
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            continue
        kept[name] = value
    return kept


def _prepared(task: Task, data: TaskData, rows: Batch) -> dict[str, Any]:
    """How raw inputs become those of the network, unless the task says it by `mean` and `std`."""
    if "mean" in task.exported(data) or _are_equal(rows, data.normalize(rows)):
        return {}
    # Exported files compute on the CPU, whatever this training computed on.
    return {"prepare": task.load(torch.device("cpu")).normalize, "raw": mapped(torch.Tensor.cpu, rows)}


def _are_equal(one: Batch, other: Batch) -> bool:
    """Check whether two batches have the same form, names, types and values."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same = one.shape == other.shape and one.dtype == other.dtype
        return same and torch.allclose(one, other, rtol=0, atol=0, equal_nan=one.is_floating_point())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_equal(part, other[name]) for name, part in one.items())
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return False
