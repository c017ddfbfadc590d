"""Settings of a task that a configuration is given as objects: transforms, losses and metrics.

The configuration has them by name, so that another process makes the same task:

    SearchConfig(space="nb201", data="photos", task={"name": "classification", "transforms": v2.RandAugment()}, ..)
    # trainable.settings["transforms"] is ["RandAugment"]
    SearchConfig(space="nb201", data="photos", task={"name": "regression", "loss": functional.huber_loss}, ..)
    # trainable.settings["loss"] is "torch.nn.functional:huber_loss"

A loss or a metric of a script or notebook, which another process cannot import, is registered under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nas_tune.config.component import Component
from nas_tune.config.references import reference_of, with_local_modules
from search_spaces.names import is_identifier

__all__ = ["with_named_objects"]

_TRAINABLES_OF_OURS = (None, "learner", "image_classifier", "darts")
"""Trainables whose settings of these names are those of a task; others may take any object."""


def with_named_objects(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write the transforms, the loss and the metrics of a task as plain values into a configuration.

    Args:
        values: the values of a configuration by key; the settings are among them, in `task` or in `trainable`.

    Returns:
        The values with names and arguments, "module:attribute", or registered names in the place of objects.

    Raises:
        TrainableError: a transform is unknown or impossible, or another process could not import it; a loss or a metric
            cannot be registered under its name.
    """
    found = dict(values)
    trainable = found.get("trainable")
    if isinstance(trainable, Component):
        trainable = {"name": trainable.name, **trainable.settings}
    name = trainable.get("name") if isinstance(trainable, Mapping) else trainable
    if name not in _TRAINABLES_OF_OURS:
        return found
    for key, named in _NAMED.items():
        if found.get(key) is not None:
            found[key] = named(found[key])
        for place, table in (("task", found.get("task")), ("trainable", trainable)):
            if isinstance(table, Mapping) and table.get(key) is not None:
                # A table may hold several of these settings.
                held = found[place] if isinstance(found[place], Mapping) else table
                found[place] = {**held, key: named(table[key])}
    return found


def _transforms(transforms: object) -> object:
    from trainables.data.transforms import described

    with_local_modules()  # where a "module:attribute" is found
    return described(transforms)


def _loss(loss: object) -> object:
    return _function("loss", loss)


def _metrics(metrics: object) -> object:
    if not isinstance(metrics, Mapping):
        return metrics
    return {name: _metric(name, entry) for name, entry in metrics.items()}


def _metric(name: object, entry: object) -> object:
    if isinstance(entry, Mapping):
        return {**entry, "metric": _function(name, entry["metric"])} if "metric" in entry else entry
    return _function(name, entry)


def _function(name: object, found: object) -> object:
    """The reference of a function, or the name under which it is registered; other values as they are."""
    with_local_modules()
    if isinstance(found, str) or not callable(found):
        return found
    if (reference := reference_of(found)) is not None:
        return reference
    from trainables.tasks import own_measures

    own = getattr(found, "__name__", "")
    label = own if is_identifier(own) else str(name)
    own_measures.register(label, found, replace=True)
    return label


_NAMED: Mapping[str, Callable[[object], object]] = {"transforms": _transforms, "loss": _loss, "metrics": _metrics}
