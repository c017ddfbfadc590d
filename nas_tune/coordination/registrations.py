"""The names that a program has registered and its run uses: other processes get them by reference, as a trainable.

The ledger keeps the references. A process that resumes the run loads and registers them, under the rule of
`nas_tune.session.trust`. A name that this process has registered itself keeps its entry.

Export formats are not among them: a run uses none, and the call of an export names them.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import search_spaces
from nas_tune.config.references import current_reference, load_reference, reference_of, source_fingerprint, why_not
from nas_tune.config.self_search import SELF_SEARCHES
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.schedulers import SCHEDULERS
from nas_tune.strategies import STRATEGIES
from search_spaces.algebra.code import OUR_PACKAGES, no_code
from search_spaces.catalogue import SPACES
from search_spaces.registry import Registry
from trainables.supernet.methods import METHODS
from trainables.tasks.own_measures import MEASURES
from trainables.tasks.registry import TASKS

__all__ = [
    "FOR_TRAINING",
    "ONE_OF",
    "Registrations",
    "check_travelling",
    "entries_to_send",
    "for_training",
    "is_here",
    "register_missing",
    "take",
    "used",
]

Registrations = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By kind and name the references of what was registered; None where there is no reference.

`{"networks": {name: {"builder": .., "example": ..}}, "spaces": {name: {"factory": ..}}, "strategies": {name: {"target":
..}}}`, with schedulers, methods and self-searches as strategies; beside them the fingerprint of the source, and of a
network what else its `Family` says.
"""

ONE_OF = {
    "networks": "network",
    "spaces": "factory",
    "tasks": "task",
    "measures": "loss or metric",
    "strategies": "strategy",
    "schedulers": "scheduler",
    "methods": "method",
    "self_searches": "self-search",
}
"""The kinds whose registrations a run keeps, and the word for one entry of each in the list of a run's code."""
FOR_TRAINING = ("networks", "spaces", "tasks", "measures", "methods")
"""The kinds that the training of an architecture needs; the others serve the search alone."""

_BY_TARGET: Mapping[str, tuple[Registry[Callable[..., Any]], str, str]] = {
    "tasks": (TASKS, "trainables.tasks", "trainables.tasks.registry.register"),
    "measures": (MEASURES, "trainables.tasks", "trainables.tasks.own_measures.register"),
    "strategies": (STRATEGIES, "nas_tune.strategies", "nas_tune.strategies.register"),
    "schedulers": (SCHEDULERS, "nas_tune.schedulers", "nas_tune.schedulers.register"),
    "methods": (METHODS, "trainables.supernet.methods", "trainables.supernet.methods.register"),
    "self_searches": (SELF_SEARCHES, "nas_tune.config", "nas_tune.config.self_search.register"),
}
"""For kinds with one reference an entry: the registry, the package of the built-in ones, and the call to register."""
_DEEPEST = 6


def used(
    spaces: Iterable[object], settings: Mapping[str, Any], *, strategy: str = "", scheduler: str = ""
) -> dict[str, dict[str, dict[str, Any]]]:
    """Find the names that a run uses and this process has registered.

    Args:
        spaces: the spaces of the run, or their names.
        settings: of the trainable, which may name a space, a task or a method.
        strategy, scheduler: the names in the run's configuration.

    Returns:
        The references by kind and name, without empty kinds.
    """
    asked = [name for space in spaces for name in _names(space)]
    names = list(dict.fromkeys([*asked, *_names_in(settings, "space", _DEEPEST)]))
    methods = [strategy, *_names_in(settings, "method", _DEEPEST)]
    networks, factories = {}, {}
    for name in names:
        network, factory = _network(name), _here("spaces", name, "factory")
        if network is not None:
            networks[name] = network
        if factory is not None:
            factories[name] = {"factory": reference_of(factory)}
    found = {
        "networks": networks,
        "spaces": factories,
        "tasks": _targets("tasks", _names_in(settings, "task", _DEEPEST)),
        "measures": _targets("measures", _measures_in(settings, _DEEPEST)),
        "strategies": _targets("strategies", [strategy]),
        "schedulers": _targets("schedulers", [scheduler]),
        "methods": _targets("methods", methods),
        "self_searches": _targets("self_searches", [strategy]),
    }
    return {kind: entries for kind, entries in found.items() if entries}


def for_training(registered: Registrations) -> Registrations:
    """Choose the registrations that a worker process needs.

    Args:
        registered: as `used` returns it.

    Returns:
        The kinds in `FOR_TRAINING`.
    """
    return {kind: entries for kind, entries in registered.items() if kind in FOR_TRAINING}


def check_travelling(registered: Registrations) -> None:
    """Check that a worker process can get the registrations that it needs: by reference, or from this process.

    Args:
        registered: as `used` returns it.

    Raises:
        ConfigError: one of them is defined in a function, so that no call could give it again to a resume.
    """
    for kind, name, part in _without_reference(registered):
        found = _here(kind, name, part)
        if kind == "networks" and part == "builder":
            found = _code_of(getattr(_family(name), "origin", None))
        if any(local in getattr(found, "__qualname__", "") for local in ("<locals>", "<lambda>")):
            raise ConfigError(
                f"{kind[:-1]} {name!r}: {why_not(found)}, or no worker can import it; or use executor = 'inline'"
            )


def entries_to_send(registered: Registrations) -> dict[str, dict[str, object]]:
    """Collect what a worker process needs and cannot import: classes and functions of a script or notebook, instances.

    Args:
        registered: as `used` returns it.

    Returns:
        The registered objects by kind and name.
    """
    found: dict[str, dict[str, object]] = {}
    for kind, name, _ in _without_reference(registered):
        entry = _family(name) if kind == "networks" else _here(kind, name, "factory" if kind == "spaces" else "target")
        found.setdefault(kind, {})[name] = entry
    return found


def take(given: Mapping[str, Mapping[str, Any]]) -> None:
    """Register in a worker process what another process has `entries_to_send` there.

    Args:
        given: the objects by kind and name.
    """
    for kind, by_name in given.items():
        for name, found in by_name.items():
            if kind == "networks":
                from trainables import networks

                networks.register(name, found, replace=True)
            else:
                registry: Registry[Callable[..., Any]] = SPACES if kind == "spaces" else _BY_TARGET[kind][0]
                registry.register(name, found, replace=True)


def _without_reference(registered: Registrations) -> Iterator[tuple[str, str, str]]:
    """The kind, the name and the part of what no other process could import."""
    for kind, by_name in for_training(registered).items():
        for name, entry in by_name.items():
            for part in ("builder", "example", "factory", "target"):
                if part in entry and entry[part] is None:
                    yield kind, name, part


def is_here(kind: str, name: str) -> bool:
    """Test whether this process has registered a name itself.

    Args:
        kind: a key of `ONE_OF`.
        name: of the entry.

    Returns:
        True if so; False for built-in names and those of plug-ins.
    """
    return _here(kind, name, {"networks": "builder", "spaces": "factory"}.get(kind, "target")) is not None


def register_missing(
    registered: Registrations, *, accept_code_change: bool = True, kinds: Collection[str] = tuple(ONE_OF)
) -> None:
    """Register the entries that a run needs and this process has not registered.

    Args:
        registered: as `used` returned it when the run began.
        accept_code_change: whether code may differ from when the run began.
        kinds: the kinds to register.

    Raises:
        ConfigError: an entry cannot be imported, or is not of its kind.
        ResumeRefusedError: the code of an entry has changed.
    """
    for kind in (kind for kind in ONE_OF if kind in kinds):
        for name, entry in registered.get(kind, {}).items():
            if not is_here(kind, name):
                _register(kind, name, entry)
            if not accept_code_change:
                _check_same(kind, name, entry)


def _names(space: object) -> Iterator[str]:
    name = space if isinstance(space, str) else getattr(space, "name", None)
    if isinstance(name, str):
        yield name


def _names_in(settings: object, wanted: str, deepest: int) -> Iterator[str]:
    """Names of spaces or methods in settings, also in the settings of a trainable inside a trainable."""
    if not isinstance(settings, Mapping) or deepest == 0:
        return
    for key, value in settings.items():
        if key == wanted:
            yield from _names(value)
            yield from _names_in_spec(value)
        else:
            yield from _names_in(value, wanted, deepest - 1)


def _measures_in(settings: object, deepest: int) -> Iterator[str]:
    """Names of losses and metrics in settings."""
    yield from _names_in(settings, "loss", deepest)
    for metrics in _tables_in(settings, "metrics", deepest):
        for entry in metrics.values():
            yield from _names(entry.get("metric") if isinstance(entry, Mapping) else entry)


def _tables_in(settings: object, wanted: str, deepest: int) -> Iterator[Mapping[str, Any]]:
    """Tables of this name in settings, also in the settings of a trainable inside a trainable."""
    if not isinstance(settings, Mapping) or deepest == 0:
        return
    for key, value in settings.items():
        if key == wanted and isinstance(value, Mapping):
            yield value
        else:
            yield from _tables_in(value, wanted, deepest - 1)


def _names_in_spec(text: object) -> Iterator[str]:
    """The name of a space whose spec is JSON text, as in the settings of a retraining."""
    if isinstance(text, str) and text.startswith("{"):
        found = json.loads(text)
        yield from _names(found.get("name") if isinstance(found, Mapping) else None)


def _network(name: str) -> dict[str, Any] | None:
    family: Any = _family(name)
    if family is None:
        return None
    more = {"undecided": family.undecided, "small": dict(family.small)}
    return {
        "builder": family.reference or reference_of(family.origin),
        "example": reference_of(family.example),
        "fingerprint": source_fingerprint(_code_of(family.origin)),
        **{key: value for key, value in more.items() if value not in (None, {})},
    }


def _code_of(origin: object) -> object:
    """The class or function whose source is that of an object."""
    if isinstance(origin, partial):
        return _code_of(origin.func)
    return origin if hasattr(origin, "__qualname__") else type(origin)


def _targets(kind: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in names:
        target = _here(kind, name, "target")
        if target is not None:
            found[name] = {"target": reference_of(target), "fingerprint": source_fingerprint(target)}
    return found


def _here(kind: str, name: str, part: str) -> Any:
    """The object that this process has registered; None for built-in ones and those of plug-ins."""
    if kind == "networks":
        return getattr(_family(name), part, None)
    registry: Registry[Callable[..., Any]] = SPACES if kind == "spaces" else _BY_TARGET[kind][0]
    return None if registry.registered(name) is None else registry.get(name)


def _family(name: str) -> object | None:
    # A program that has registered a network has imported the module, which needs torch: other runs do without.
    networks = sys.modules.get("trainables.networks")
    return None if networks is None else networks.registered(name)


def _register(kind: str, name: str, entry: Mapping[str, Any]) -> None:
    if kind == "networks":
        _register_network(name, entry)
    elif kind == "spaces":
        search_spaces.register(name, _loaded(f"space {name!r}", entry.get("factory"), "search_spaces.register", 0))
    else:
        registry, room, register = _BY_TARGET[kind]
        found = _loaded(f"{ONE_OF[kind]} {name!r}", entry.get("target"), register, 0, more=True, rooms=(room,))
        registry.register(name, found, replace=True)


def _register_network(name: str, entry: Mapping[str, Any]) -> None:
    from trainables import networks

    what, reference = f"network {name!r}", entry.get("builder")
    more = {key: entry[key] for key in ("undecided", "small") if key in entry}
    found = _imported(what, reference, "trainables.networks.register")
    if networks.is_own(found) and not _is_ours(str(reference)):
        made = networks.own_family(found, reference)
        more["small"] = {**made.small, **more.get("small", {})}
        networks.register(name, dataclasses.replace(made, **more), replace=True)
        return
    builder = found if isinstance(found, partial) else _checked(what, str(reference), found, 1, more=True)
    if (example := entry.get("example")) is not None:
        more["example"] = _loaded(f"example of {name!r}", example, "", 2)
    more["reference"] = reference if isinstance(found, partial) else None
    networks.register(name, networks.Family(builder, **more), replace=True)


def _loaded(
    what: str,
    reference: str | None,
    register: str,
    arguments: int,
    *,
    more: bool = False,
    rooms: tuple[str, ...] = ("trainables.networks", "search_spaces.catalogue"),
) -> Callable[..., Any]:
    """Load a function or class that takes this number of arguments; with `more`, it may take others by keyword.

    A reference into this project is loaded from `rooms` only.
    """
    found = _imported(what, reference, register)
    return _checked(what, current_reference(str(reference)), found, arguments, more=more, rooms=rooms)


def _imported(what: str, reference: str | None, register: str) -> object:
    if reference is None:
        given = "" if "measures" in register else ", or give it from Python, as in nas_tune.resume(run, space=Net)"
        raise ConfigError(
            f"{what} was registered by a script or notebook and cannot be imported; register it again, there (its "
            f"search goes on with resume=True) or before this call: {register}(name, ..){given}"
        )
    if why := no_code(reference):
        raise ConfigError(f"{what}: {reference!r} {why.replace('neither a Space nor a rule', 'nothing of the kind')}")
    return load_reference(current_reference(reference))


def _checked(
    what: str,
    reference: str,
    found: object,
    arguments: int,
    *,
    more: bool = False,
    rooms: tuple[str, ...] = ("trainables.networks", "search_spaces.catalogue"),
) -> Callable[..., Any]:
    if not callable(found) or reference_of(found) != reference or not _takes(found, arguments, more):
        raise ConfigError(
            f"{what}: {reference!r} was not defined under that name, so that it cannot have been "
            "registered; register it again"
        )
    if _is_ours(reference) and not reference.startswith(rooms):
        raise ConfigError(f"{what}: {reference!r} is not a built-in of this kind; register it again")
    return found


def _is_ours(reference: str) -> bool:
    return reference.partition(".")[0].partition(":")[0] in OUR_PACKAGES


def _takes(found: Callable[..., Any], arguments: int, more: bool) -> bool:
    try:
        signature = inspect.signature(found)
        (signature.bind_partial if more else signature.bind)(*[None] * arguments)
    except (TypeError, ValueError):
        return False
    return True


def _check_same(kind: str, name: str, entry: Mapping[str, Any]) -> None:
    found, before = _here(kind, name, "builder" if kind == "networks" else "target"), entry.get("fingerprint")
    now = None if found is None else source_fingerprint(found)
    if before is not None and now is not None and now != before:
        raise ResumeRefusedError(
            f"the code of the {ONE_OF[kind]} {name!r} changed since the run began (source {before}, now {now}): its "
            "results would mix with the old ones; take the old code, start a new run, or say accept_code_change "
            "(--accept-code-change) if the change does not matter"
        )
