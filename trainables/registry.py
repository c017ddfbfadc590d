"""Trainables by name, and `adapt`, which makes a `Trainable` of a name, a class or a function.

`register` adds your own trainable. A plug-in declares one in its entry points of the group `nas_tune.trainables`, and
is imported only when it is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import cast

from search_spaces.names import IDENTIFIER_RULE, is_identifier
from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.protocol import Trainable, trains_networks
from trainables.settings import check_settings
from trainables.trial.generator import GIVEN, GeneratorTrainable, TrainFunction
from trainables.trial.repeated import Repeated
from trainables.trial.trainings import FOLDS, REPEATS, asks_for_several, settings_of_each, settings_of_one

__all__ = [
    "TRAINABLES",
    "TrainableTarget",
    "adapt",
    "get",
    "is_installed",
    "names",
    "one_training",
    "register",
    "setting_names",
]

TrainableTarget = Callable[..., object]
"""A class that follows `Trainable`, or a generator function."""

_METHODS = ("setup", "step", "save", "load")


def _target(name: str, target: object) -> TrainableTarget:
    _kind(target)
    return cast(TrainableTarget, target)


TRAINABLES: Registry[TrainableTarget] = Registry(
    "trainable",
    "trainables",
    {
        "darts": "trainables.supernet.trainable:DartsTrainable",
        "image_classifier": "trainables.tasks.image_classifier:ImageClassifier",
        "learner": "trainables.tasks.learner:Learner",
        "shared": "trainables.supernet.estimator:SharedWeights",
        "table": "nas_tune.benchmarks.tables:Table",
    },
    check=_target,
    error=TrainableError,
    name_rule=(is_identifier, IDENTIFIER_RULE),
)
"""The trainables by name. `table` belongs to the benchmarks of `nas_tune`, and is imported only when it is used."""


def register(name: str, target: TrainableTarget | str, *, replace: bool = False) -> None:
    """Make `target` known as `name`.

    Args:
        name: the name in configurations and on command lines.
        target: a class that follows `Trainable`, a generator function, or "module:attribute".
        replace: whether to replace a trainable that has the name already.

    Raises:
        TrainableError: the name breaks the rule or is taken, or the target cannot train.
    """
    TRAINABLES.register(name, target, replace=replace)


def is_installed(name: str) -> bool:
    """Check whether a name is registered in every process.

    Args:
        name: of a trainable.

    Returns:
        True for a trainable of this package or of a plug-in; False for one that this process registered.
    """
    return name in TRAINABLES and TRAINABLES.registered(name) is None


def names() -> list[str]:
    """List every name that `get` accepts, without importing any plug-in.

    Returns:
        The names, sorted.
    """
    return TRAINABLES.names()


def get(name: str) -> TrainableTarget:
    """Find a trainable by its name.

    Args:
        name: a registered name, one of this package, or one of a plug-in.

    Returns:
        The class or generator function.

    Raises:
        UnknownNameError: there is no such name; the message suggests a close one.
    """
    return TRAINABLES.get(name)


def setting_names(target: TrainableTarget, settings: Mapping[str, object]) -> Collection[str]:
    """List the settings that a trainable takes.

    Args:
        target: a class or a generator function. A class whose settings depend on one another has a class method
            `setting_names(settings)`.
        settings: those that are known, such as the task of a learner.

    Returns:
        The names.
    """
    own = getattr(target, "setting_names", None)
    return own(settings) if callable(own) else inspect.signature(target).parameters


def adapt(target: str | TrainableTarget, settings: Mapping[str, object] | None = None) -> Trainable:
    """Make a trainable of a registered name, a class or a generator function, before anything is loaded or trained.

    Args:
        target: what to make the trainable of.
        settings: keyword arguments of the class or function; none by default. `repeats` is a setting of every target
            that trains networks, unless it has one of that name itself: the number of seeds with which each
            architecture is trained. Where a target has the settings `folds` and `fold`, it is trained for each fold.

    Returns:
        A new trainable; a `Repeated` where an architecture is trained several times.

    Raises:
        UnknownNameError: no trainable has the name.
        TrainableError: the target cannot train, the signature does not have a setting, or a required setting is
            missing.
    """
    found = get(target) if isinstance(target, str) else target
    kind = _kind(found)
    wanted = dict(settings or {})
    if not asks_for_several(wanted):
        return _made(kind, found, wanted)
    repeats, each = settings_of_each(wanted, _setting_names_of_one(found, wanted))
    if len(each) > 1 and (not trains_networks(found) or hasattr(found, "architecture")):
        name = REPEATS if repeats > 1 else FOLDS
        raise TrainableError(
            f"{name} is {wanted[name]!r}, which trains each architecture several times, and {_name(found)} trains no "
            f"architecture that it is given; leave {name} out"
        )
    made = [_made(kind, found, one) for one in each]
    return made[0] if len(made) == 1 else Repeated(made, repeats=repeats)


def one_training(target: TrainableTarget, settings: Mapping[str, object]) -> dict[str, object]:
    """Choose the settings of a single training of each architecture, on the parts that the data have without folds.

    Args:
        target: a class or a generator function.
        settings: as `adapt` takes them.

    Returns:
        The settings without `repeats`, `folds` and `fold`, as far as these train an architecture several times.
    """
    if not asks_for_several(settings):
        return dict(settings)
    return settings_of_one(settings, _setting_names_of_one(target, settings))


def _setting_names_of_one(target: TrainableTarget, settings: Mapping[str, object]) -> Collection[str]:
    return setting_names(target, {name: value for name, value in settings.items() if name != REPEATS})


def _made(kind: str, found: TrainableTarget, wanted: dict[str, object]) -> Trainable:
    if kind == "class":
        check_settings(_name(found), found, wanted)
        return cast(Trainable, found(**wanted))
    if not inspect.signature(found).parameters:
        raise TrainableError(f"{_name(found)} takes no argument; its first one must be the architecture")
    check_settings(_name(found), found, wanted, skip=1, given=GIVEN)
    return GeneratorTrainable(cast(TrainFunction, found), wanted)


def _kind(target: object) -> str:
    """Return "class" or "function"; refuse everything else with a remedy."""
    if inspect.isclass(target):
        missing = [name for name in _METHODS if not callable(getattr(target, name, None))]
        if missing:
            lacks = ", ".join(f"{name}()" for name in missing)
            raise TrainableError(f"{_name(target)} is not a trainable: it lacks {lacks}; write what is missing")
        return "class"
    if callable(target) and inspect.isgeneratorfunction(inspect.unwrap(target)):
        return "function"
    held = target.func if isinstance(target, partial) else target
    if callable(held) and getattr(held, "__qualname__", None) is None:
        # A worker makes its own trainables, and the state of an instance would leak from one trial into the next.
        raise TrainableError(
            f"an instance of {type(held).__name__} is not a trainable; give its class, if that has "
            f"{', '.join(f'{name}()' for name in _METHODS)}, or a generator function, such as a method of it"
        )
    if callable(target):
        raise TrainableError(f"{_name(target)} is not a generator function; yield one dict of metrics per epoch")
    raise TrainableError(
        f"{target!r} is not a trainable: give a registered name, a class with "
        f"{', '.join(f'{name}()' for name in _METHODS)}, or a generator function (not an instance)"
    )


def _name(target: object) -> str:
    return getattr(target, "__qualname__", None) or repr(target)
