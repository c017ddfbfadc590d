"""Predictions as a frame: a row for each example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nas_tune.errors import ConfigError
from trainables.tasks.predictor import Predictions

__all__ = ["prediction_frame"]

_SIDES = ("left", "top", "right", "bottom")


def prediction_frame(found: Predictions, classes: Sequence[str]) -> pd.DataFrame:
    """Make a frame of predictions.

    Args:
        found: the predictions.
        classes: the names of the classes.

    Returns:
        Where an example has any number of things in it, such as boxes, a row for each of them (`_of_things`). Else the
        column `row`, or `name` where the examples have names; `prediction`, or several columns `prediction_..`
        where an example has several numbers; the names of several classes are in one text, separated by commas. Then
        `probability_<class>` where there are classes.

    Raises:
        ConfigError: the task does not give one prediction for each example.
    """
    if found.are_things:
        return _of_things(found)
    columns: dict[str, Any] = {"name": list(found.names)} if found.names else {"row": range(found.count)}
    for name, values in _by_column(found.values, "prediction"):
        if len(values) != found.count:
            raise ConfigError(
                f"the task gives {len(values)} predictions for {found.count} examples, which do not fit a table with "
                "one row per example; use nas_tune.load(..).predict(x)"
            )
        columns[name] = values
    if found.probabilities is not None:
        for place, name in enumerate(classes):
            columns[f"probability_{name}"] = found.probabilities[:, place]
    return pd.DataFrame(columns)


def _of_things(found: Predictions) -> pd.DataFrame:
    """A row for each thing of each example: `row` or `name`, then what is said of the thing. The numbers of a `box` are
    the columns left, top, right and bottom. Where nothing was found the columns are those of boxes.
    """
    title = "name" if found.names else "row"
    rows: list[dict[str, Any]] = []
    for number, things in enumerate(found.values):
        for thing in things:
            said = {key: value for key, value in thing.items() if key != "box"}
            sides = dict(zip(_SIDES, thing.get("box", ()), strict=False))
            rows.append({title: found.names[number] if found.names else number, **said, **sides})
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else [title, "label", "score", *_SIDES])


def _are_lists_of_names(values: Any) -> bool:
    """Whether each example has a list of names, which may be empty."""
    if not isinstance(values, list) or not values or not all(isinstance(one, list) for one in values):
        return False
    return all(isinstance(name, str) for one in values for name in one)


def _by_column(values: Any, title: str) -> list[tuple[str, Any]]:
    """The columns of values: several for a dict or tuple of parts, and for rows of several numbers."""
    if isinstance(values, Mapping):
        parts = [(f"{title}_{name}", one) for name, one in values.items()]
    elif isinstance(values, tuple):
        parts = [(f"{title}_{place}", one) for place, one in enumerate(values)]
    else:
        if _are_lists_of_names(values):
            return [(title, [", ".join(one) for one in values])]
        array = values if isinstance(values, np.ndarray) else None
        rows = array is None and len(values) > 0 and all(isinstance(one, list | tuple) for one in values)
        if rows and len({len(one) for one in values}) == 1:
            array = np.array(values)
        if array is None or array.ndim < 2:
            return [(title, values)]
        flat = array.reshape(len(array), -1)
        if flat.shape[1] == 1:
            return [(title, flat[:, 0])]
        return [(f"{title}_{place}", flat[:, place]) for place in range(flat.shape[1])]
    found: list[tuple[str, Any]] = []
    for name, one in parts:
        found += _by_column(one, name)
    return found
