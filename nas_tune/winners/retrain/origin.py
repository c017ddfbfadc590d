"""The trainable that trains a run's architectures: the run's own, or for searches in supernets a standard one.

A run keeps names and settings. This module imports what they name; its errors say what cannot be imported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from nas_tune.config.references import current_reference, reference_of, with_local_modules
from nas_tune.coordination.registrations import FOR_TRAINING, register_missing
from nas_tune.errors import ConfigError, NasTuneError
from nas_tune.results import Run
from nas_tune.session.trust import check_code, load_target, target_called
from nas_tune.winners.retrain.trainable import reference
from search_spaces import Space
from search_spaces.algebra.spec import references
from trainables.protocol import trains_networks
from trainables.registry import TrainableTarget, is_installed, one_training, setting_names

__all__ = ["Origin", "origin_of"]

_STANDARD = "image_classifier"


@dataclass(frozen=True)
class Origin:
    """The trainable that trains a run's architectures.

    Attributes:
        name: of the trainable: registered, "module:attribute", or a label.
        target: the class or function.
        settings: of the trainable, from the run's configuration.
        space: of the architectures.
        is_named: whether another process can import it by `name`.
    """

    name: str
    target: TrainableTarget
    settings: Mapping[str, Any]
    space: Space
    is_named: bool = True


def origin_of(
    run: Run,
    trainable: str | TrainableTarget | None = None,
    *,
    allow_code: bool = False,
    said: Collection[str] = (),
    reaches: Collection[str] = ("address",),
) -> Origin:
    """Find the trainable that trains the architectures of a run.

    Args:
        run: to retrain.
        trainable: replaces the run's own one, with the run's settings that it takes; None for the run's own.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        said: the keys of the configuration that the caller gave.
        reaches: the keys of the run's configuration that are used and may lead out of this machine.

    Returns:
        The trainable, with its settings and the space.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: the code of the space or of the trainable cannot be imported here; or the run is a retraining.
    """
    if current_reference(run.meta["trainable"]["reference"] or "") == reference:
        raise ConfigError(f"{run.path} is a retraining itself; give the run that it belongs to, {run.path.parent}")
    space = _given_space(run)
    brought = [name for name, one in (("space", space), ("trainable", trainable)) if one is not None]
    reached = run.config.reaches(*(key for key in reaches if key not in said))
    unneeded = ("strategy", "scheduler", "self-search")
    check_code(run.meta, run.path, allow_code=allow_code, given=[*brought, *unneeded], reaches=reached)
    register_missing(run.meta.get("registered", {}), kinds=FOR_TRAINING)
    space = space or _space_of(run)
    if callable(trainable):
        name = reference_of(trainable)
        label = name or str(getattr(trainable, "__name__", "own")).strip("<>")
        settings = _taken(trainable, _settings(run, space, trainable), space)
        return Origin(label, trainable, settings, space, name is not None)
    name = trainable or _own_name(run)
    target = _target_called(name, is_given=trainable is not None)
    if trainable is None and not trains_networks(target):
        name, target = _STANDARD, target_called(_STANDARD)
    settings = _settings(run, space, target)
    settings = settings if name == _own_name(run) else _taken(target, settings, space)
    # Other processes do not know a name that only this process has registered.
    return Origin(name, target, settings, space, ":" in name or is_installed(name))


def _given_space(run: Run) -> Space | None:
    """The space that the caller opened the run with, if it has the code that the ledger names; else None."""
    space = run.given_space
    named = None if space is None else set(references(space.to_spec()))
    return space if named == set(references(run.meta["space"])) else None


def _space_of(run: Run) -> Space:
    """The space with its code. The check of trust comes first."""
    try:
        with_local_modules()
        return Space.from_spec(run.meta["space"])
    except NasTuneError as error:
        raise ConfigError(
            f"the space of {run.path} cannot be rebuilt here: {error}; start from the folder that holds its code, or "
            "install it"
        ) from error
    except Exception as error:  # importing a stranger's module may raise anything
        raise ConfigError(
            f"the space of {run.path} cannot be rebuilt here: importing its code raised {type(error).__name__}: "
            f"{error}; repair that"
        ) from error


def _own_name(run: Run) -> str:
    """The name of the trainable that the run's configuration names."""
    config, kept = run.config, run.meta["trainable"]
    name, has_reference = config.trainable.name, kept["reference"] is not None
    if run.searches or (kept["registered"] and (is_installed(name) or not has_reference)):
        return name
    if kept["reference"] is None:
        raise ConfigError(
            f"the trainable {config.trainable.name!r} was defined in a script or notebook and cannot be imported; "
            "retrain from there: nas_tune.retrain(run, trainable=...)"
        )
    return current_reference(str(kept["reference"]))


def _target_called(name: str, *, is_given: bool) -> TrainableTarget:
    try:
        return target_called(name) if is_given or ":" not in name else load_target(name)
    except NasTuneError as error:
        raise ConfigError(
            f"trainable: {error} (nas_tune.retrain(run, trainable=...) and --trainable name another one)"
        ) from error


def _settings(run: Run, space: Space, target: TrainableTarget) -> dict[str, Any]:
    """The run's settings for one training of an architecture."""
    if not run.searches:
        return one_training(target, run.meta["trainable"]["settings"])
    settings = dict(run.config.trainable.settings)
    if settings.get("task") == "auto":
        # The data decided it when the run began.
        settings["task"] = run.meta["trainable"]["settings"].get("task", "auto")
    named = {"space": space.name or run.config.space.name} if "space" in setting_names(target, settings) else {}
    return {**settings, **named}


def _taken(target: TrainableTarget, settings: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The settings that another trainable takes, and the name of the space if it takes one."""
    names = setting_names(target, settings)
    kept = {**({"space": space.name} if space.name else {}), **settings}
    return {key: value for key, value in kept.items() if key in names}
