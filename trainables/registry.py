"""Trainables by name, and the one door through which a name, a class or a function becomes a `Trainable`.

`register` makes an own trainable known, and a plug-in names one in its entry points of the group
`nas_tune.trainables`. A plug-in is imported when it is used and not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from search_spaces.names import IDENTIFIER_RULE, is_identifier
from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.protocol import Trainable
from trainables.settings import check_settings
from trainables.trial.generator import GIVEN, GeneratorTrainable, TrainFunction

__all__ = ["TRAINABLES", "Target", "adapt", "get", "is_installed", "names", "register"]

Target = Callable[..., object]
"""A class that follows `Trainable`, or a generator function."""

_METHODS = ("setup", "step", "save", "load")


def _target(name: str, target: object) -> Target:
    _kind(target)
    return cast(Target, target)


TRAINABLES: Registry[Target] = Registry(
    "trainable",
    "trainables",
    {
        "darts": "trainables.supernet.trainable:DartsTrainable",
        "image_classifier": "trainables.tasks.image_classifier:ImageClassifier",
        "shared": "trainables.supernet.estimator:SharedWeights",
    },
    check=_target,
    error=TrainableError,
    name_rule=(is_identifier, IDENTIFIER_RULE),
)
"""The trainables by name. `table` is provided by `nas_tune`, whose benchmarks it belongs to."""


def register(name: str, target: Target | str, *, replace: bool = False) -> None:
    """Make `target` known as `name`.

    Args:
        name: how configurations and command lines ask for it.
        target: a class that follows `Trainable`, a generator function, or "module:attribute".
        replace: take the place of what has the name.

    Raises:
        TrainableError: the name breaks the rule or is taken, or the target cannot train.
    """
    TRAINABLES.register(name, target, replace=replace)


def is_installed(name: str) -> bool:
    """Whether every process knows `name`: a trainable of this package or of a plug-in, not one that was registered."""
    return name in TRAINABLES and TRAINABLES.registered(name) is None


def names() -> list[str]:
    """Every name that `get` knows, plug-ins included (without importing them), sorted."""
    return TRAINABLES.names()


def get(name: str) -> Target:
    """The class or generator function called `name`; `UnknownNameError` names a close one."""
    return TRAINABLES.get(name)


def adapt(target: str | Target, settings: Mapping[str, object] | None = None) -> Trainable:
    """A fresh trainable from a registered name, a class or a generator function.

    Settings that the signature does not take, and required ones that are missing, are refused
    (`TrainableError`) before anything is loaded or trained.
    """
    found = get(target) if isinstance(target, str) else target
    kind = _kind(found)
    wanted = dict(settings or {})
    if kind == "class":
        check_settings(_name(found), found, wanted)
        return cast(Trainable, found(**wanted))
    if not inspect.signature(found).parameters:
        raise TrainableError(f"{_name(found)} takes no argument; its first one must be the architecture")
    check_settings(_name(found), found, wanted, skip=1, given=GIVEN)
    return GeneratorTrainable(cast(TrainFunction, found), wanted)


def _kind(target: object) -> str:
    """ "class" or "function"; refuses everything else with what to do instead."""
    if inspect.isclass(target):
        missing = [name for name in _METHODS if not callable(getattr(target, name, None))]
        if missing:
            lacks = ", ".join(f"{name}()" for name in missing)
            raise TrainableError(f"{_name(target)} is no trainable: it lacks {lacks}; write what is missing")
        return "class"
    if callable(target) and inspect.isgeneratorfunction(inspect.unwrap(target)):
        return "function"
    held = target.func if isinstance(target, partial) else target
    if callable(held) and getattr(held, "__qualname__", None) is None:
        # A worker makes its trainables itself, and what an instance holds would pass from one trial to the next.
        raise TrainableError(
            f"an instance of {type(held).__name__} is no trainable; give its class, if that has "
            f"{', '.join(f'{name}()' for name in _METHODS)}, or a generator function, such as a method of it"
        )
    if callable(target):
        raise TrainableError(f"{_name(target)} is not a generator function; yield one dict of metrics per epoch")
    raise TrainableError(
        f"{target!r} is no trainable: give a registered name, a class with "
        f"{', '.join(f'{name}()' for name in _METHODS)}, or a generator function (not an instance)"
    )


def _name(target: object) -> str:
    return getattr(target, "__qualname__", None) or repr(target)
