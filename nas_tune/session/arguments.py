"""What the arguments of public calls must be, beside the keys of a configuration: told before anything is read.

None stands for nothing wherever a list is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nas_tune.config import SearchConfig
from nas_tune.config.references import reference_of
from nas_tune.coordination.observers import Observer
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import declared_modes
from nas_tune.results import Run
from search_spaces import Architecture, Space
from trainables.registry import Target

__all__ = ["check_flags", "check_target", "configuration", "listed", "listed_observers"]


def configuration(
    space: str | Mapping[str, Any] | Space,
    trainable: str | Mapping[str, Any] | Target,
    settings: Mapping[str, Any] | None,
    warm_start: Sequence[str | Path | Run] | None,
    keys: Mapping[str, Any],
) -> SearchConfig:
    """The configuration of `nas_tune.search`; `keys` are its other keys, of which those that are None are left out.

    Raises:
        ConfigError: an argument is not what it must be, or the configuration cannot be.
    """
    check_target(trainable)
    if isinstance(space, Mapping) and "name" not in space:
        raise ConfigError(
            f"space: got a dict with the keys {', '.join(map(str, space)) or 'none'}; write Space({{..}}), with a "
            "choice(..), integer(..) or real(..) for what is to be decided; a table of the configuration needs a name"
        )
    target = trainable if callable(trainable) else None
    _check_settings(settings, target)
    values: dict[str, Any] = {
        "space": (space.name or "own_space") if isinstance(space, Space) else space,
        "trainable": {"name": _label(target), **(settings or {})} if target is not None else trainable,
        "warm_start": _folders(warm_start),
        **keys,
        "mode": keys.get("mode") or declared_modes(target, keys.get("metric")),
    }
    return SearchConfig(**{key: value for key, value in values.items() if value is not None})


def check_target(trainable: object) -> None:
    """Refuse what no worker could make a trainable of; `ConfigError` says what to give instead."""
    if not (callable(trainable) or isinstance(trainable, str | Mapping)):
        raise ConfigError(
            f"trainable: got a {type(trainable).__name__}; give its class (with settings=), a generator function, "
            "or a registered name, so that each worker can make its own"
        )


def check_flags(**flags: object) -> None:
    """Refuse what is neither True nor False; `ConfigError` says the name and the value."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigError(f"{name}: got {value!r}; it is True or False")


def listed(name: str, given: object) -> list[Any]:
    """The items of a list that is an argument called `name`; `ConfigError` for what is none."""
    if given is None:
        return []
    if isinstance(given, str | Mapping | Architecture) or not isinstance(given, Iterable):
        raise ConfigError(f"{name}: got {given!r}; give a list, as in {name}=[..]")
    return list(given)


def listed_observers(observers: object) -> list[Observer]:
    """The observers of a call; `ConfigError` for what cannot be told of events."""
    if observers is not None and (isinstance(observers, str) or not isinstance(observers, Iterable)):
        raise ConfigError(
            f"observers: got a {type(observers).__name__}; give a list of objects with on_event(event, state)"
        )
    found = list(observers or ())
    for observer in found:
        if not callable(getattr(observer, "on_event", None)):
            raise ConfigError(f"observers: {observer!r} has no on_event(event, state); give an object with that method")
    return found


def _check_settings(settings: object, target: Target | None) -> None:
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(f"settings: got {settings!r}; give a dict of the trainable's own settings")
    if settings and target is None:
        raise ConfigError("settings: only for a trainable given as a class or function; else put them in its table")
    if settings and "name" in settings:
        raise ConfigError("settings.name: `name` is the trainable's own key in the configuration; call it otherwise")


def _folders(runs: object) -> list[str]:
    """What `warm_start` names, as the configuration keeps it."""
    items = [runs] if isinstance(runs, str | Path | Run) else listed("warm_start", runs)
    for run in items:
        if not isinstance(run, str | Path | Run):
            raise ConfigError(
                f"warm_start: got a {type(run).__name__}; give runs of nas_tune, or their folders. What is known from "
                "elsewhere can be tried first: enqueue=[space.from_params(trial.params)] for an Optuna trial"
            )
    return [str(run.path if isinstance(run, Run) else run) for run in items]


def _label(target: Target) -> str:
    return reference_of(target) or str(getattr(target, "__name__", type(target).__name__)).strip("<>")
