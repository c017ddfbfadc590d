"""Where each setting of a configuration belongs: for the messages about keys that are misplaced or misspelt.

[task]
batch_size = 64        task.batch_size: it says how to train; write it in [trainable]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from nas_tune.errors import NasTuneError
from search_spaces.names import did_you_mean

__all__ = ["misplaced_settings", "place_of", "where_else"]


def place_of(key: str) -> str:
    """Look for a key among the settings of trainings and tasks.

    Args:
        key: the key.

    Returns:
        Where it belongs, such as "it says how to train: write it in [trainable]"; empty where none has it.
    """
    if key in _training():
        return f"it says how to train: write it in [trainable], in Python trainable={{{key!r}: ..}}"
    tasks = [name for name, settings in _settings_of_tasks().items() if key in settings]
    if tasks:
        return (
            f"it is a setting of the task{'s' * (len(tasks) > 1)} {', '.join(tasks)}: write it in [task], beside data"
        )
    return ""


def where_else(key: str, known: Collection[str]) -> str:
    """Look for a key that is none of a configuration among the settings of its tables, or for one that is like it.

    Args:
        key: the key.
        known: the keys of a configuration.

    Returns:
        Where it belongs, or which key or setting it is close to, with "; " before it; empty where nothing is like it.
    """
    if place := place_of(key):
        return f"; {place}"
    if close := did_you_mean(key, known):
        return close
    settings = [*_training(), *(name for names in _settings_of_tasks().values() for name in names)]
    if close := did_you_mean(key, settings):
        place = place_of(close.split("'")[1])
        return f"{close} {place[0].upper()}{place[1:]}"
    return ""


def misplaced_settings(
    task: str, of_task: Mapping[str, Any], of_trainable: Mapping[str, Any], keys: Collection[str]
) -> list[str]:
    """Find settings in the tables `[task]` and `[trainable]` that are not theirs.

    Args:
        task: the name of the task; "auto" where the data decide.
        of_task: the table `[task]`.
        of_trainable: the table `[trainable]` of a learner.
        keys: the keys of a configuration.

    Returns:
        A line for each, with the right place or a close name.
    """
    names = _settings_of_task(task)
    if names is None:
        return []
    own, refused = names
    training = _training()
    found = []
    for key in of_task:
        if key not in own and key not in refused:
            found.append(f"task.{key}: {_verdict(key, own, 'task', training, 'trainable', keys)}")
    for key in of_trainable:
        if key not in training and key not in refused and key != "task":
            found.append(f"trainable.{key}: {_verdict(key, training, 'trainable', own, 'task', keys)}")
    return found


def _verdict(
    key: str, here: Iterable[str], title: str, there: Collection[str], other: str, keys: Collection[str]
) -> str:
    what = {"task": "it is a setting of the task", "trainable": "it says how to train"}
    if key in there:
        return f"{what[other]}; write it in [{other}], in Python {other}={{{key!r}: ..}}"
    if key in keys:
        return "it is a key of the search; write it above all tables, in Python as an argument of its own"
    others = [name for name, settings in _settings_of_tasks().items() if key in settings]
    if others:
        return f"it is a setting of the task{'s' * (len(others) > 1)} {', '.join(others)}; leave it out"
    if close := did_you_mean(key, [*here, *there, *keys]):
        name = close.split("'")[1]
        where = "" if name in here else f" of [{other}]" if name in there else ", a key of the search"
        return f"unknown setting{close.removesuffix('?')}{where}?"
    return f"unknown setting; [{title}] takes: {', '.join(here)}"


def _training() -> list[str]:
    from trainables.settings.groups import flat_settings
    from trainables.tasks.learner_settings import LearnerSettings
    from trainables.trial.trainings import REPEATS

    return [*flat_settings(LearnerSettings), REPEATS]


def _settings_of_task(task: str) -> tuple[Collection[str], Collection[str]] | None:
    """The settings of a task, and those of which it says itself why it has none; None where there is no such task."""
    from trainables.tasks.registry import AUTO, task_class, task_settings

    if task == AUTO:
        return {name: None for names in _settings_of_tasks().values() for name in names}, ()
    try:
        kind = task_class(task)
    except NasTuneError:
        return None  # What is wrong with the task is told where it is made.
    return task_settings(kind), getattr(kind, "refuses", {})


def _settings_of_tasks() -> dict[str, list[str]]:
    from trainables.tasks.registry import TASKS, task_settings

    return {name: task_settings(TASKS.get(name)) for name in TASKS.built_in()}
