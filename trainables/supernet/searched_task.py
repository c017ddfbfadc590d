"""The task of a search in a supernet, and its settings among those of the search."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.names import did_you_mean
from trainables.errors import TrainableError
from trainables.settings.groups import flat_settings, with_defaults
from trainables.supernet.settings import SearchSettings
from trainables.tasks.registry import AUTO, guessed, make_task, measure_settings, task_class, task_settings, with_file
from trainables.tasks.task import Task

__all__ = ["SearchedTask"]

_CLASSES = "classification"
_WHOLE = "whole"


@dataclass(frozen=True)
class SearchedTask:
    """What a search learns.

    Attributes:
        task: the task.
        name: its name, or "module:attribute" of its class.
        settings: its settings, complete where they are known.
        search: the other settings, which are those of `SearchSettings`.
    """

    task: Task
    name: str
    settings: Mapping[str, Any]
    search: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> SearchedTask:
        """Separate the settings of a task from those of the search, and make the task.

        Args:
            settings: of both, side by side. `task` is a name, a class, or a mapping with a `name` and settings; by
                default images are classified. "auto" takes the task that the data suggest.

        Returns:
            The task with its settings. Where these have other defaults while a supernet is searched, they have those.

        Raises:
            UnknownNameError: no task has the name.
            TrainableError: there is no such setting, or a setting cannot be.
        """
        own = flat_settings(SearchSettings)
        task = settings.get("task", _CLASSES)
        others = {name: value for name, value in settings.items() if name not in own and name != "task"}
        if isinstance(task, Mapping):
            others = {**task, **others}
            task = others.pop("name", AUTO)
        others = with_file(others, task)
        if task == AUTO:
            task = guessed({**others, "space": settings.get("space")})[0]
        kind = task_class(task)
        _check(kind, others)
        complete = _complete(kind, {**_defaults(kind), **others})
        search = {name: value for name, value in settings.items() if name in own}
        return cls(make_task(task, complete), _name(task), complete, search)

    @staticmethod
    def setting_names(settings: Mapping[str, object]) -> list[str]:
        """List the settings of a search with a task.

        Args:
            settings: those that are known, such as the task.

        Returns:
            The names.
        """
        task = settings.get("task", _CLASSES)
        if isinstance(task, Mapping):
            task = task.get("name", AUTO)
        if task == AUTO:
            task = guessed({name: value for name, value in settings.items() if name != "task"})[0]
        return ["task", *flat_settings(SearchSettings), *_own(task_class(task))]

    def identity(self) -> dict[str, object]:
        """Return what the searches of two tasks must share for one to go on from a checkpoint of the other.

        Returns:
            Plain values by name. Those that checkpoints lack from before there were tasks are left out where they are
            the defaults.
        """
        found = {"task": self.task.name, **self.task.identity()}
        lacking = {"task": _CLASSES, **_defaults(type(self.task)), "class_weights": None, "balanced": False}
        made: dict[str, object] = {}
        for name, value in found.items():
            if self.task.name != _CLASSES or name not in lacking or value != lacking[name]:
                made[name] = value
        return made


def _own(kind: type[Task]) -> list[str]:
    return [name for name in task_settings(kind) if name != _WHOLE]


def _check(kind: type[Task], given: Mapping[str, object]) -> None:
    if given.get(_WHOLE):
        raise TrainableError(
            "whole is True, and an architecture learns from the validation examples; leave it out of a search in a "
            "supernet"
        )
    known = [*_own(kind), *flat_settings(SearchSettings)]
    for name in given:
        if name not in known and name != _WHOLE:
            hint = did_you_mean(name, known) or ";"
            raise TrainableError(
                f"a search of {kind.name} takes no setting {name!r}{hint} it takes: {', '.join(known)}"
            )


def _defaults(kind: type[Task]) -> dict[str, object]:
    return {name: value for name, value in kind.supernet_defaults.items() if name in task_settings(kind)}


def _complete(kind: type[Task], given: Mapping[str, object]) -> dict[str, object]:
    if not dataclasses.is_dataclass(kind):
        return dict(given)
    measures = {name: given[name] for name in measure_settings(kind) if name in given}
    return {**with_defaults(kind, {name: given[name] for name in given if name not in measures}), **measures}


def _name(task: object) -> str:
    if isinstance(task, str):
        return task
    kind = task if inspect.isclass(task) else type(task)
    return f"{kind.__module__}:{kind.__qualname__}"
