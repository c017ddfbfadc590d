"""Cost predictors in files: JSON with the measured members, from which the same predictor is fitted again.

A file holds data and no code. A space that is not of the catalogue is read without its rules; give the space itself
where they matter. The predictions of the measured members are in the file, too: if the networks of the space have
changed since, they differ, and the file is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.architecture import Architecture
from search_spaces.errors import SpaceError
from search_spaces.space import Space
from trainables.drafts import draft_file
from trainables.errors import DataError, TrainableError
from trainables.hardware.cost_predictor import CostPredictor
from trainables.hardware.cost_values import CostValues

__all__ = ["load_predictor", "save_predictor"]

_FORMAT = "nas-tune cost predictor"
_VERSION = 1
_TOLERANCE = 1e-3
"""The greatest relative difference of a prediction; other versions of numpy differ by much less."""
_MEMBERS: tuple[str, ...] = ("architectures", "values")


def save_predictor(predictor: CostPredictor, path: Path) -> None:
    """Write a predictor to a file.

    Args:
        predictor: the predictor.
        path: of the file; its folder is made where it does not exist.

    Raises:
        TrainableError: a setting of the network is not plain JSON.
        OSError: the file cannot be written.
    """
    content = {"format": _FORMAT, "version": _VERSION, **_content(predictor)}
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise TrainableError(f"the predictor cannot be written as JSON: {error}; its settings must be plain") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def load_predictor(path: Path, space: Space | None = None) -> CostPredictor:
    """Read a predictor from a file.

    Args:
        path: of the file.
        space: the space, for one that is not of the catalogue and has rules of its own.

    Returns:
        The predictor, fitted again.

    Raises:
        DataError: the file is not one of a predictor, is damaged, is of a newer version, is of another space, or its
            networks have changed since.
        OSError: the file cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not the file of a cost predictor: {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise DataError(f"{path} is not the file of a cost predictor; nas-tune predictor --save writes one")
    if content.get("version") != _VERSION:
        raise DataError(
            f"{path} has the version {content.get('version')!r} of the format, and this nas-tune reads {_VERSION}; "
            "take the nas-tune that wrote it, or fit the predictor again"
        )
    return _predictor(content, space, path)


def _content(predictor: CostPredictor) -> dict[str, Any]:
    measured = predictor.measured
    further = predictor.known.without(set(measured.keys()))
    return {
        "space": predictor.space.to_spec(),
        "fingerprint": predictor.space.fingerprint,
        "settings": predictor.settings,
        "cost": measured.name,
        **_written(measured),
        "known": _written(further),
        "predictions": predictor.predict(measured.architectures)["value"].tolist(),
        "other": None if predictor.other is None else _content(predictor.other),
    }


def _written(values: CostValues) -> dict[str, Any]:
    return {"architectures": [one.tree for one in values.architectures], "values": values.values.tolist()}


def _predictor(content: Mapping[str, Any], space: Space | None, path: Path) -> CostPredictor:
    for key, kind in (("space", dict), ("settings", dict), ("cost", str), ("known", dict), ("predictions", list)):
        if not isinstance(content.get(key), kind):
            raise DataError(f"{path} is damaged: {key!r} is no {kind.__name__}; fit the predictor again")
    if space is not None and space.fingerprint != content.get("fingerprint"):
        raise DataError(f"{path} belongs to another space than {space!r}; give the space that it was fitted for")
    try:
        own = space or Space.from_spec(content["space"], bare=True)
        measured = _read(content, content["cost"], own, path)
        further = _read(content["known"], content["cost"], own, path)
    except SpaceError as error:
        raise DataError(f"{path} is damaged, or of another space: {error}; fit the predictor again") from error
    held = content.get("other")
    if held is not None and not isinstance(held, dict):
        raise DataError(f"{path} is damaged: 'other' is no dict; fit the predictor again")
    other = None if held is None else _predictor(held, space, path)
    made = CostPredictor(own, measured, other, content["settings"], known=further if len(further.values) else None)
    _check_predictions(made, content["predictions"], path)
    return made


def _read(content: Mapping[str, Any], name: str, space: Space, path: Path) -> CostValues:
    trees, values = (content.get(key) for key in _MEMBERS)
    numbers = isinstance(values, list) and all(_is_cost(value) for value in values)
    if not numbers or not isinstance(trees, list) or len(trees) != len(values or []):
        raise DataError(f"{path} is damaged: it needs as many values above 0 as architectures; fit the predictor again")
    members = tuple(space.validate(Architecture(tree)) for tree in trees)
    return CostValues(name, members, np.array(values, dtype=np.float64))


def _is_cost(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _check_predictions(predictor: CostPredictor, before: list[Any], path: Path) -> None:
    now = predictor.predict(predictor.measured.architectures)["value"].to_numpy()
    if len(before) != len(now) or not all(map(_is_cost, before)):
        raise DataError(f"{path} is damaged: it needs a prediction for each measured member; fit the predictor again")
    worst = float(np.max(np.abs(now / np.array(before, dtype=np.float64) - 1)))
    if worst > _TOLERANCE:
        raise DataError(
            f"{path}: a prediction differs by {worst:.1%} from what it was when the file was written. The networks of "
            f"{predictor.space.name or 'the space'} have changed, or it is a space of your own, which must be given. "
            "Measure again, or give the space"
        )
