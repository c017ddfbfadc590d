"""The settings of a retraining: those of the search, completed by the trainable's own settings of a full training.

A search leaves out what costs time, and `trainables.protocol.Retrainable` gives it back. Settings of the run's
configuration have priority over those, and the caller's changes over both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nas_tune.errors import ConfigError
from nas_tune.winners.retrain.origin import Origin
from trainables.protocol import Deciding, Retrainable
from trainables.registry import adapt, one_training, setting_names
from trainables.trial.trainings import FOLDS, REPEATS

__all__ = ["recipe_of"]


def recipe_of(origin: Origin, changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Choose the settings of the retraining's trainable.

    Args:
        origin: the trainable with the settings of the search.
        changes: settings of the caller.

    Returns:
        The settings, and notes for the user on a trainable that has no setting `whole`, or no test.

    Raises:
        ConfigError: the caller changes a setting that the space decides.
        TrainableError, DataError: the trainable refuses the settings, or its data are not there.
    """
    takes = setting_names(origin.target, origin.settings)
    for name in (REPEATS, FOLDS):
        if name in changes and name not in one_training(origin.target, {**origin.settings, **changes}):
            raise ConfigError(
                f"settings.{name}: got {changes[name]!r}; a retraining trains each architecture once with each of "
                "several seeds, on all that is not a test example; leave it out, and give seeds=.. (--seeds)"
            )
    settings = {**origin.settings, **changes}
    if "whole" in takes:
        settings.setdefault("whole", True)
    made = adapt(origin.target, settings)
    decided = made.decided_by(origin.space) if isinstance(made, Deciding) else []
    for name in changes:
        if name in decided:
            raise ConfigError(
                f"{name}: each architecture of the search decides its own value; leave it out, or train one "
                "architecture by hand"
            )
    if isinstance(made, Retrainable):
        settings = _completed(settings, made.full_recipe(), takes)
        adapt(origin.target, settings)
    return settings, _notes(origin, takes)


def _completed(given: Mapping[str, Any], recipe: Mapping[str, Any], takes: Collection[str]) -> dict[str, Any]:
    """The given settings, with those of the recipe that the signature has and that are not given."""
    completed = dict(given)
    for key, value in recipe.items():
        if key not in takes or value == {}:
            continue
        if isinstance(value, Mapping):
            completed[key] = {**value, **(completed.get(key) or {})}
        else:
            completed.setdefault(key, value)
    return completed


def _notes(origin: Origin, takes: Collection[str]) -> list[str]:
    notes = []
    if "whole" not in takes:
        notes.append(f"{origin.name} takes no setting `whole`, so it was not asked to train on validation data too")
    if not hasattr(origin.target, "evaluate"):
        notes.append(f"{origin.name} has no evaluate(split), so nothing is tested: scores are those of its own reports")
    return notes
