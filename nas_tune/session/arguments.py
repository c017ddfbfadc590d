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
from nas_tune.session.own_networks import Given, is_own_network, own_space_name
from search_spaces import Architecture, Space
from trainables.registry import TrainableTarget

__all__ = ["check_flags", "check_trainable", "configuration", "listed", "listed_observers", "named_task"]


def configuration(
    space: str | Mapping[str, Any] | Given,
    trainable: str | Mapping[str, Any] | TrainableTarget | None,
    settings: Mapping[str, Any] | None,
    warm_start: Sequence[str | Path | Run] | None,
    keys: Mapping[str, Any],
) -> SearchConfig:
    """Make the configuration of a call of `nas_tune.search`.

    Args:
        space: the name of a space, a table with its name and settings, a `Space`, or networks of one's own.
        trainable: as the space, or a class or generator function; None for the default.
        settings: those of a trainable that is given as a class or function.
        warm_start: runs, or their folders; None for none.
        keys: the other keys of the configuration; those that are None are left out.

    Returns:
        The configuration. A `Space`, class or function is in it by its name.

    Raises:
        ConfigError: an argument has another form, or the configuration breaks a rule.
    """
    if trainable is not None:
        check_trainable(trainable)
    if isinstance(space, Mapping) and "name" not in space:
        raise ConfigError(
            f"space: got a dict with the keys {', '.join(map(str, space)) or 'none'}; write Space({{..}}), with a "
            "choice(..), integer(..) or real(..) for what is to be decided; a table of the configuration needs a name"
        )
    target = trainable if callable(trainable) else None
    _check_settings(settings, target)
    values: dict[str, Any] = {
        "space": _space_label(space),
        "trainable": {"name": _label(target), **(settings or {})} if target is not None else trainable,
        "warm_start": _folders(warm_start),
        **keys,
        "mode": keys.get("mode") or declared_modes(target, keys.get("metric"), settings or {}),
    }
    return SearchConfig(**{key: value for key, value in values.items() if value is not None})


def named_task(task: object) -> object:
    """Write a task as a configuration does. A class of a script or notebook is registered under its own name.

    Args:
        task: a name, a mapping with a name or class as its "name", a class that follows `Task`, or None.

    Returns:
        The same with a name in the place of a class.

    Raises:
        ConfigError: it is none of these.
        TrainableError: the class is not a task.
    """
    if isinstance(task, Mapping):
        return {**task, "name": named_task(task["name"])} if "name" in task else task
    if task is None or isinstance(task, str):
        return task
    if not isinstance(task, type):
        raise ConfigError(
            f"task: got a {type(task).__name__}; give its class, with settings beside it, so that each worker can make "
            "its own"
        )
    from trainables.tasks import registry

    kind = registry.task_class(task)
    reference = reference_of(kind)
    if reference is None:
        registry.register(kind.__name__, kind, replace=True)
    return reference or kind.__name__


def check_trainable(trainable: object) -> None:
    """Refuse an object from which no worker could make a trainable.

    Args:
        trainable: a class, a function, a name, or a table with a name.

    Raises:
        ConfigError: it is none of these; the message says what to give instead.
    """
    if not (callable(trainable) or isinstance(trainable, str | Mapping)):
        raise ConfigError(
            f"trainable: got a {type(trainable).__name__}; give its class (with settings=), a generator function, "
            "or a registered name, so that each worker can make its own"
        )


def check_flags(**flags: object) -> None:
    """Refuse flags that are neither True nor False.

    Args:
        flags: the values by the names of the arguments.

    Raises:
        ConfigError: a value is not a bool; the message says its name.
    """
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigError(f"{name}: got {value!r}; it is True or False")


def listed(name: str, given: object) -> list[Any]:
    """Make a list of an argument that takes several items.

    Args:
        name: of the argument, for the message.
        given: an iterable, or None.

    Returns:
        Its items; none of None.

    Raises:
        ConfigError: `given` is not an iterable, or is a single text, table or architecture.
    """
    if given is None:
        return []
    if isinstance(given, str | Mapping | Architecture) or not isinstance(given, Iterable):
        raise ConfigError(f"{name}: got {given!r}; give a list, as in {name}=[..]")
    return list(given)


def listed_observers(observers: object) -> list[Observer]:
    """Make a list of the observers of a call.

    Args:
        observers: an iterable of objects with `on_event(event, state)`, or None.

    Returns:
        The observers; none of None.

    Raises:
        ConfigError: `observers` is not an iterable, or one of them has no such method.
    """
    if observers is not None and (isinstance(observers, str) or not isinstance(observers, Iterable)):
        raise ConfigError(
            f"observers: got a {type(observers).__name__}; give a list of objects with on_event(event, state)"
        )
    found = list(observers or ())
    for observer in found:
        if not callable(getattr(observer, "on_event", None)):
            raise ConfigError(f"observers: {observer!r} has no on_event(event, state); give an object with that method")
    return found


def _space_label(space: object) -> object:
    """What the configuration keeps of the space of a call: a name, or a table with one."""
    if isinstance(space, Space):
        return space.name or "own_space"
    return own_space_name(space) if is_own_network(space) else space


def _check_settings(settings: object, target: TrainableTarget | None) -> None:
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


def _label(target: TrainableTarget) -> str:
    return reference_of(target) or str(getattr(target, "__name__", type(target).__name__)).strip("<>")
