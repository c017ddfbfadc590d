"""Trainables by name, and the one door through which a name, a class or a function becomes a `Trainable`.

Own trainables are registered by `register`, those of a plug-in through the entry-point group
`nas_tune.trainables`. A plug-in is imported when it is used and not before; one whose import fails stays
listed, and using it says why.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from search_spaces.errors import UnknownNameError
from search_spaces.names import IDENTIFIER_RULE, is_identifier
from trainables.errors import TrainableError
from trainables.protocol import Trainable
from trainables.settings import check_settings
from trainables.trial.generator import GIVEN, GeneratorTrainable, TrainFunction

__all__ = ["ENTRY_POINTS", "Target", "adapt", "get", "is_installed", "names", "register"]

ENTRY_POINTS = "nas_tune.trainables"
Target = Callable[..., object]
"""A class that follows `Trainable`, or a generator function."""

_METHODS = ("setup", "step", "save", "load")
_registered: dict[str, Target | str] = {
    "darts": "trainables.supernet.trainable:DartsTrainable",
    "image_classifier": "trainables.tasks.image_classifier:ImageClassifier",
    "shared": "trainables.supernet.estimator:SharedWeights",
}


def register(name: str, target: Target, *, replace: bool = False) -> None:
    """Make `target` known as `name`; a name that is taken is refused unless `replace`."""
    if not is_identifier(name):
        raise TrainableError(f"a trainable cannot be called {name!r}: {IDENTIFIER_RULE}")
    if name in _registered and _registered[name] is not target and not replace:
        raise TrainableError(f"a trainable called {name!r} exists; take another name, or replace=True")
    _kind(target)
    _registered[name] = target


def is_installed(name: str) -> bool:
    """Whether every process knows `name`: a trainable of this package or of a plug-in, not one that was registered."""
    found = _registered.get(name)
    return isinstance(found, str) if found is not None else name in _plugins()


def names() -> list[str]:
    """Every name that `get` knows, plug-ins included (without importing them), sorted."""
    return sorted({*_registered, *_plugins()})


def get(name: str) -> Target:
    """The class or generator function registered as `name`; `UnknownNameError` names the close ones."""
    if name in _registered:
        found = _registered[name]
        return _imported(found) if isinstance(found, str) else found
    plugins = _plugins()
    if name not in plugins:
        raise UnknownNameError("trainable", name, names())
    return _load(plugins[name])


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


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _load(point: EntryPoint) -> Target:
    try:
        target = point.load()
    except Exception as error:  # a stranger's module may raise anything while it is imported
        raise TrainableError(
            f"the plug-in {point.name!r} ({point.value}) cannot be imported: "
            f"{type(error).__name__}: {error}; repair or uninstall it"
        ) from error
    _kind(target)
    return cast(Target, target)


def _imported(reference: str) -> Target:
    module, _, attribute = reference.partition(":")
    return cast(Target, getattr(import_module(module), attribute))
