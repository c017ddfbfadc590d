"""The key `task` of a configuration: what is learned, and what follows from that for trainable, metric and mode.

A task and its settings are settings of the trainable `learner`, where the ledger has them:

    [task]                          [trainable]
    name = "regression"             name = "learner"
    data = "heights.npz"     is     task = "regression"
                                    data = "heights.npz"
    [trainable]                     lr = 0.01
    lr = 0.01
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from nas_tune.config.component import Component
from nas_tune.config.problems import ConfigProblems, shown
from nas_tune.config.references import with_local_modules
from nas_tune.config.sections import misplaced_settings, place_of, where_else
from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean
from trainables.costs.quantities import QUANTITIES
from trainables.metrics import metrics_of_supernet, with_training

if TYPE_CHECKING:
    from trainables.tasks.task import Task

__all__ = ["LEARNER", "is_learner", "name_of", "with_defaults_of_task", "with_task"]

LEARNER = "learner"
"""The trainable that trains the networks of a space on a task."""
_AUTO = "auto"


def with_task(values: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Write the task of a configuration into the settings of its trainable.

    Args:
        values: the values of the configuration by key. Beside `task` there may be settings of the task, such as `data`.
        keys: the keys of a configuration; `task` is none of them.

    Returns:
        The values without `task` and without its settings. The same values where there is neither a task nor data.

    Raises:
        ConfigError: a setting is given twice, or the trainable has a task of its own.
        ConfigProblems: settings are misspelt, or stand in the table of another key.
    """
    _check_no_task(values.get("trainable"))
    if "task" not in values and not ("data" in values and _trains_networks(values.get("trainable"))):
        return dict(values)
    name, settings = _named(values.get("task", _AUTO), "task", _AUTO)
    trainable, how = _named(values.get("trainable", LEARNER), "trainable", LEARNER)
    if trainable in (LEARNER, "image_classifier"):
        with_local_modules()
        # Without the key `task` the table of the trainable holds the task, too, as a kept configuration has it.
        beside_task = how if "task" in values else {}
        twice = {key for key in beside_task if key in settings or key in values}
        alone = {key: value for key, value in beside_task.items() if key not in twice}
        if problems := misplaced_settings(name, settings, alone, keys):
            raise ConfigProblems(problems)
    given = {key: value for key, value in values.items() if key not in ("task", "trainable")}
    beside = {} if set(given) <= set(keys) else _settings_beside(name, settings, how, given, keys)
    for key in beside:
        del given[key]
    for first, second, where in ((settings, beside, "task"), (settings, how, "trainable"), (beside, how, "trainable")):
        for key in first:
            if key in second:
                raise ConfigError(f"{where}.{key}: got {shown(second[key])}, and {shown(first[key])}; give it once")
    if trainable == "image_classifier":
        if name not in ("classification", _AUTO):
            raise ConfigError(
                f"trainable: image_classifier learns classes and no other task, and the task is {name}; leave the "
                "name of the trainable out, or give learner"
            )
        return {**given, "trainable": {"name": trainable, **settings, **beside, **how}}
    return {**given, "trainable": {"name": trainable, "task": name, **settings, **beside, **how}}


def _trains_networks(trainable: object) -> bool:
    """Whether the trainable of a configuration, which may have no name, trains networks on data given beside it."""
    nameless = trainable is None or (isinstance(trainable, Mapping) and "name" not in trainable)
    return nameless or name_of(trainable) in (LEARNER, "image_classifier")


def _check_no_task(trainable: object) -> None:
    """Refuse the data of a task for the trainable `table`, which has the name of a task."""
    held = trainable.settings if isinstance(trainable, Component) else trainable
    for key in ("data", "target"):
        if name_of(trainable) == "table" and isinstance(held, Mapping) and key in held:
            raise ConfigError(
                f"trainable.{key}: the trainable table looks architectures up in a benchmark; a table of yours is a "
                f'task: write [task] name = "table", {key} = .. (in Python task="table", {key}=..), and leave the '
                "trainable out"
            )


def is_learner(trainable: object) -> bool:
    """Check whether the trainable of a configuration trains networks on a task.

    Args:
        trainable: the value of the key `trainable`.

    Returns:
        True for the trainable `learner`.
    """
    return name_of(trainable) == LEARNER


def with_defaults_of_task(values: Mapping[str, Any], *, in_supernet: bool) -> dict[str, Any]:
    """Add the metric and the mode of the task where a configuration does not set them. Imports the task only then.

    Args:
        values: the values of the configuration by key, as `with_task` returns them.
        in_supernet: whether the strategy searches in a supernet. It optimizes the primary metric of the architecture
            that it finds, with the weights of the supernet.

    Returns:
        The values; unchanged where the trainable is not `learner`, or the task does not declare the metric.

    Raises:
        TrainableError: the task does not exist, or refuses its settings.
    """
    held = values.get("trainable")
    if not is_learner(held) or (values.get("metric") is not None and values.get("mode") is not None):
        return dict(values)
    task = _task({"space": name_of(values.get("space")), **_named(held, "trainable", LEARNER)[1]})
    metrics, primary = list(task.metrics), task.primary
    if in_supernet:
        metrics = metrics_of_supernet(metrics, primary)
        primary = metrics[0].name
    metric = values.get("metric") or primary
    modes = {name: one.metric.mode for name, one in QUANTITIES.items()}
    modes |= {one.name: one.mode for one in with_training(metrics)}
    names = [metric] if isinstance(metric, str) else list(metric)
    found = {**values, "metric": metric}
    if values.get("mode") is None and all(name in modes for name in names):
        found["mode"] = [modes[name] for name in names]
    return found


def _settings_beside(
    name: object, settings: Mapping[str, Any], how: Mapping[str, Any], given: Mapping[str, Any], keys: Collection[str]
) -> dict[str, Any]:
    """The values beside `task` that are settings of it."""
    from trainables.tasks.registry import AUTO, guessed, task_class, task_settings

    with_local_modules()
    others = {key: value for key, value in given.items() if key not in keys}
    if name == AUTO:
        name = guessed({**how, **settings, **others, "space": name_of(given.get("space"))})[0]
    kind = task_class(name)
    known, refuses = task_settings(kind), getattr(kind, "refuses", {})
    problems = [f"{key}: got {shown(others[key])}: {refuses[key]}" for key in others if key in refuses]
    for key in others:
        problem = None if key in known else _misplaced(key, known, keys)
        if problem:
            problems.append(problem)
    if problems:
        raise ConfigProblems(problems)
    return {key: value for key, value in others.items() if key in known}


def _misplaced(key: str, of_task: Collection[str], keys: Collection[str]) -> str:
    """What is wrong with a key beside a task that is none of its settings; empty where the keys have one like it."""
    if did_you_mean(key, keys) and not place_of(key):
        return ""
    hint = "" if place_of(key) else did_you_mean(key, of_task)
    return f"{key}: unknown key{hint or where_else(key, keys)}"


def _task(settings: Mapping[str, Any]) -> Task:
    from trainables.tasks.learner import Learner

    with_local_modules()
    return Learner.task_of(settings)


def name_of(value: object) -> object:
    """Read the name in the value of a key that names something.

    Args:
        value: a name, a table with a name, or an object that has one.

    Returns:
        The name, or the value itself where it has none.
    """
    return value.get("name") if isinstance(value, Mapping) else getattr(value, "name", value)


def _named(value: object, key: str, default: str) -> tuple[str, dict[str, Any]]:
    """The name in the value of a key, and its settings."""
    if isinstance(value, Component):
        return value.name, dict(value.settings)
    if isinstance(value, Mapping):
        settings = dict(value)
        name = settings.pop("name", default)
    else:
        name, settings = value, {}
    if not isinstance(name, str):
        raise ConfigProblems([f"{key}: got {shown(value)}, expected a name, or a table with a name and settings"])
    return name, settings
