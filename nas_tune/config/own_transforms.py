"""Transforms that a configuration is given as an object: they stand there by their names and arguments.

SearchConfig(space="nb201", data="photos", task={"name": "classification", "transforms": v2.RandAugment()}, ..)
# trainable.settings["transforms"] is ["RandAugment"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_tune.config.component import Component
from nas_tune.config.references import with_local_modules

__all__ = ["with_described_transforms"]

_KEY = "transforms"
_TRAINABLES_OF_OURS = (None, "learner", "image_classifier", "darts")
"""Trainables whose setting `transforms` is that of a task; others may take any object."""


def with_described_transforms(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write transforms as plain values into a configuration.

    Args:
        values: the values of a configuration by key; `transforms` is one of them, or stands in `task` or `trainable`.

    Returns:
        The values with names and arguments, or "module:attribute", as `transforms`.

    Raises:
        TrainableError: a transform is unknown or impossible, or another process could not import it.
    """
    found = dict(values)
    trainable = found.get("trainable")
    if isinstance(trainable, Component):
        trainable = {"name": trainable.name, **trainable.settings}
    name = trainable.get("name") if isinstance(trainable, Mapping) else trainable
    if name not in _TRAINABLES_OF_OURS:
        return found
    if found.get(_KEY) is not None:
        found[_KEY] = _described(found[_KEY])
    for key, table in (("task", found.get("task")), ("trainable", trainable)):
        if isinstance(table, Mapping) and table.get(_KEY) is not None:
            found[key] = {**table, _KEY: _described(table[_KEY])}
    return found


def _described(transforms: object) -> object:
    from trainables.data.transforms import described

    with_local_modules()  # where a "module:attribute" is found
    return described(transforms)
