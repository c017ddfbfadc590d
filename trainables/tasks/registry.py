"""Tasks by name, and `make_task`, which makes a task of a name, a class or a mapping."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import operator
import os
from collections.abc import Mapping
from typing import Any, cast

from search_spaces.names import IDENTIFIER_RULE, did_you_mean, is_identifier
from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.settings import check_settings
from trainables.settings.groups import flat_settings, from_flat
from trainables.tasks.own_measures import OF_EVERY_TASK, own_measures
from trainables.tasks.task import Task

__all__ = [
    "AUTO",
    "TASKS",
    "guessed",
    "make_task",
    "measure_settings",
    "register",
    "task_class",
    "task_of_space",
    "task_reference",
    "task_settings",
    "with_file",
]

AUTO = "auto"
"""The name that stands for the task that the data suggest."""
_MEMBERS = tuple(name for name in vars(Task) if not name.startswith("_"))


def _task(name: str, target: object) -> type[Task]:
    missing = [member for member in _MEMBERS if not hasattr(target, member)]
    if not inspect.isclass(target) or missing:
        lacks = f"it lacks {', '.join(missing)}" if missing else "it is not a class"
        raise TrainableError(
            f"{name} is not a task: {lacks}; derive a class from trainables.tasks.task.Task, with name, metrics, "
            "primary, load(), loss() and meter()"
        )
    return cast("type[Task]", target)


TASKS: Registry[type[Task]] = Registry(
    "task",
    "tasks",
    {
        "classification": "trainables.tasks.classification:Classification",
        "detection": "trainables.tasks.detection:Detection",
        "language": "trainables.tasks.language:Language",
        "regression": "trainables.tasks.regression:Regression",
        "segmentation": "trainables.tasks.segmentation:Segmentation",
        "signal": "trainables.tasks.signal:Signal",
        "table": "trainables.tasks.table:TableTask",
    },
    check=_task,
    error=TrainableError,
    name_rule=(is_identifier, IDENTIFIER_RULE),
)
"""The tasks by name. A plug-in declares its own in its entry points of the group `nas_tune.tasks`."""


def register(name: str, target: type[Task] | str, *, replace: bool = False) -> None:
    """Make a task known by a name.

    Args:
        name: the name in configurations.
        target: a class that follows `Task`, or "module:attribute".
        replace: whether to replace a task that has the name already.

    Raises:
        TrainableError: the name breaks the rule or is taken, or the class is not a task.
    """
    TASKS.register(name, target, replace=replace)


def task_class(task: object) -> type[Task]:
    """Find the class of a task.

    Args:
        task: a name, "module:attribute", a class, or a task.

    Returns:
        The class.

    Raises:
        UnknownNameError: no task has the name.
        TrainableError: it is none of these, or the class is not a task.
    """
    if isinstance(task, str) and ":" in task:
        task = _imported(task)
    if isinstance(task, str):
        return TASKS.get(task)
    return _task(getattr(task, "__qualname__", repr(task)), task if inspect.isclass(task) else type(task))


def _imported(reference: str) -> object:
    module, _, name = reference.partition(":")
    try:
        return operator.attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise TrainableError(
            f"task {reference!r} cannot be imported: {error}; write 'module:Class', and start where the module is found"
        ) from error


def task_of_space(space: object) -> str | None:
    """Choose a task for a space by what its networks take.

    Args:
        space: the name of a space, or an object that has a name.

    Returns:
        "detection", "segmentation", "signal", "table" or "language"; None for networks of images, whose targets decide,
        and for those of a user.
    """
    from trainables.networks import NETWORKS
    from trainables.networks.examples import boxed_images, features, scans, signals, tokens
    from trainables.networks.recurrent import texts

    name = space if isinstance(space, str) else getattr(space, "name", None)
    if not isinstance(name, str) or name not in NETWORKS.built_in():
        return None
    tasks: dict[object, str] = {
        boxed_images: "detection",
        features: "table",
        scans: "segmentation",
        signals: "signal",
        texts: "language",
        tokens: "language",
    }
    return tasks.get(NETWORKS.get(name).example)


def guessed(settings: Mapping[str, object]) -> tuple[str, str]:
    """Choose a task for data: detection for images with boxes, signal for WAV files and forecasts, language for texts
    and token ids, a table for rows without images, regression where the targets of images are numbers with fractions,
    else classification.

    Arrays may be images, rows or signals. So a file of arrays is one of signals where the networks of the space take
    nothing else.

    Args:
        settings: of the task, as far as they are known; those of the data count, and the `space` where it is given.

    Returns:
        The name of the task, and a sentence about it for a person.

    Raises:
        DataError: the data are missing or damaged.
        TrainableError: a setting of the data cannot be.
    """
    from trainables.data import DataSettings
    from trainables.data.boxes import is_boxes
    from trainables.data.guessing import real_targets
    from trainables.data.signals import is_signals
    from trainables.data.tables import is_table
    from trainables.data.texts import is_text
    from trainables.data.volumes import holds_masks

    space = settings.get("space")
    if task_of_space(space) == "signal" and str(settings.get("data")).lower().endswith((".npz", ".npy")):
        name = space if isinstance(space, str) else getattr(space, "name", "")
        return "signal", f"the task is signal, since the networks of {name} take signals; set task = .. for another one"
    if task_of_space(space) == "detection" or is_boxes(settings.get("data"), settings.get("data_root")):
        return "detection", "the task is detection, since the data are images with boxes; set task = .. for another one"
    if holds_masks(settings.get("data"), settings.get("data_root")):
        return (
            "segmentation",
            "the task is segmentation, since the data are scans with masks; set task = .. for another one",
        )
    if settings.get("window") is not None or is_signals(settings.get("data"), settings.get("data_root")):
        why = (
            "a window is given" if settings.get("window") is not None else "the data are waveforms or lists of numbers"
        )
        return "signal", f"the task is signal, since {why}; set task = .. for another one"
    if is_text(settings.get("data"), settings.get("data_root")):
        return (
            "language",
            "the task is language, since the data are a text or token ids; set task = .. for another one",
        )
    if is_table(settings.get("data"), settings.get("data_root")):
        return (
            "table",
            "the task is table, since the data are rows without images; set task = .. for another one",
        )
    known = {name: value for name, value in settings.items() if name in flat_settings(DataSettings)}
    if isinstance(settings.get("target"), list | tuple):
        return "classification", "the task is classification, since target names a column of each class; set task = .."
    if settings.get("target") is not None:
        known["label_column"] = settings["target"]
    real = real_targets(from_flat(DataSettings, known))
    name = "regression" if real else "classification"
    return name, f"the task is {name}, since {real or 'the targets are classes'}; set task = .. for another one"


def task_reference(task: Task) -> str:
    """Name a task, so that another process finds its class.

    Args:
        task: a task.

    Returns:
        The name under which its class is registered, or else "module:Class".
    """
    from trainables.tasks.measured_task import class_of

    kind = class_of(task)
    if task.name in TASKS and TASKS.get(task.name) is kind:
        return task.name
    return f"{kind.__module__}:{kind.__qualname__}"


def task_settings(kind: type[Task]) -> list[str]:
    """List the settings of a task.

    Args:
        kind: the class of the task.

    Returns:
        Their names, in the order of its signature; then those that every task takes.
    """
    own = flat_settings(kind) if dataclasses.is_dataclass(kind) else inspect.signature(kind).parameters
    return [*own, *measure_settings(kind)]


def with_file(settings: Mapping[str, object], task: object) -> dict[str, object]:
    """Write data that are a pair of arrays or a data set into a file of this process, and its name into the settings.

    Data frames and arrays of token ids stay as they are; the tasks that learn from them take them so.

    Args:
        settings: of the task, `data` among them or not.
        task: the name or class of the task.

    Returns:
        The settings with the name of the file as `data`, and with what the object decides, such as the target.

    Raises:
        DataError: no task learns from such an object.
    """
    data = settings.get("data")
    kind = str(task) if isinstance(task, str) else str(getattr(task, "name", AUTO))
    as_it_is = isinstance(data, str | os.PathLike) or (hasattr(data, "shape") and kind != "signal")
    if data is None or as_it_is:
        return dict(settings)
    from trainables.data.objects import keep

    how: dict[str, Any] = {name: settings.get(name) for name in ("target", "resize", "stream")}
    kept = keep(data, task=kind, **how)
    return {**settings, "data": kept.data, **kept.settings}


def make_task(task: object, settings: Mapping[str, object] | None = None) -> Task:
    """Make a task, before anything is loaded.

    Args:
        task: a name, a class that follows `Task`, a task, or "auto" for what the data suggest (`guessed`). A mapping
            has a name or class as its "name", "auto" by default, and settings beside it.
        settings: further settings, which replace those of the mapping.

    Returns:
        The task.

    Raises:
        UnknownNameError: no task has the name.
        TrainableError: it is not a task, or does not take a setting, or a setting cannot be.
    """
    given = {**(task if isinstance(task, Mapping) else {}), **(settings or {})}
    if isinstance(task, Mapping):
        task = given.pop("name", AUTO)
    given = with_file(given, task)
    if task == AUTO:
        task, _ = guessed(given)
    kind = task_class(task)
    if not isinstance(task, str) and not inspect.isclass(task):
        if given:
            raise TrainableError(f"{next(iter(given))!r} is a setting, and the task is made already; give its class")
        return cast(Task, task)
    measures = {name: given.pop(name) for name in measure_settings(kind) if name in given}
    made = _plain(kind, given)
    if all(value is None for value in measures.values()):
        return made
    from trainables.tasks.measured_task import with_measures

    return with_measures(made, own_measures(measures))


def measure_settings(kind: type[Task]) -> list[str]:
    """List the settings of a task that say its own loss and metrics (`trainables.tasks.own_measures`).

    Args:
        kind: the class of the task.

    Returns:
        Those of `OF_EVERY_TASK` that are not settings of the class itself.
    """
    own = flat_settings(kind) if dataclasses.is_dataclass(kind) else inspect.signature(kind).parameters
    return [name for name in OF_EVERY_TASK if name not in own]


def _plain(kind: type[Task], given: Mapping[str, object]) -> Task:
    """A task without a loss or metrics of one's own."""
    if not dataclasses.is_dataclass(kind):
        check_settings(f"task {kind.__name__}", kind, given)
        return kind(**given)
    known = task_settings(kind)
    for name in given:
        if name not in known:
            if why := getattr(kind, "refuses", {}).get(name):
                raise TrainableError(f"{name} is {given[name]!r}: {why}")
            hint = did_you_mean(name, known) or did_you_mean(name, _of_training()) or ";"
            raise TrainableError(f"task {kind.name} takes no setting {name!r}{hint} it takes: {', '.join(known)}")
    return cast(Task, from_flat(kind, given))


def _of_training() -> list[str]:
    """The settings that stand beside those of a task where a learner has both."""
    from trainables.tasks.learner_settings import LearnerSettings
    from trainables.trial.trainings import REPEATS

    return [*flat_settings(LearnerSettings), REPEATS]
