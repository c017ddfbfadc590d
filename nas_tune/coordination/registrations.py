"""What a program registers by name and its run uses: it travels by reference, as a trainable does.

The ledger keeps the references. A process that goes on with the run loads and registers them, under the rule of
`nas_tune.session.trust`. What that process has registered itself under a name stays as it is.

Export formats do not travel: a run uses none, and who exports names them.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import search_spaces
from nas_tune.config.references import current, load_reference, reference_of, source_fingerprint, why_not
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.schedulers import SCHEDULERS
from nas_tune.strategies import STRATEGIES
from search_spaces.algebra.code import OURS, no_code
from search_spaces.catalogue import SPACES
from search_spaces.registry import Registry
from trainables.supernet.methods import METHODS

__all__ = ["FOR_TRAINING", "ONE_OF", "Registered", "check_travelling", "for_training", "is_here", "restore", "used"]

Registered = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By kind and name the references of what was registered; None where there is no reference.

`{"networks": {name: {"builder": .., "example": ..}}, "spaces": {name: {"factory": ..}}, "strategies": {name: {"target":
..}}}`, with schedulers and methods as strategies; beside them the fingerprint of the source, and of a network what else
its `Family` says.
"""

ONE_OF = {
    "networks": "network",
    "spaces": "factory",
    "strategies": "strategy",
    "schedulers": "scheduler",
    "methods": "method",
}
"""The kinds that travel, and what one of each is called where the code of a run is listed."""
FOR_TRAINING = ("networks", "spaces", "methods")
"""The kinds that training an architecture takes; the others serve the search alone."""

_BY_TARGET: Mapping[str, tuple[Registry[Callable[..., Any]], str, str]] = {
    "strategies": (STRATEGIES, "nas_tune.strategies", "nas_tune.strategies.register"),
    "schedulers": (SCHEDULERS, "nas_tune.schedulers", "nas_tune.schedulers.register"),
    "methods": (METHODS, "trainables.supernet.methods", "trainables.supernet.methods.register"),
}
"""Of kinds whose entry is one reference: the registry, the room of what is built in, and how one is registered."""
_DEEPEST = 6


def used(
    spaces: Iterable[object], settings: Mapping[str, Any], *, strategy: str = "", scheduler: str = ""
) -> dict[str, dict[str, dict[str, Any]]]:
    """What this process has registered of the names that a run uses.

    Args:
        spaces: the spaces of the run, or their names.
        settings: of its trainable, which may name a space or a method.
        strategy, scheduler: the names in its configuration.
    """
    asked = [name for space in spaces for name in _names(space)]
    names = list(dict.fromkeys([*asked, *_names_in(settings, "space", _DEEPEST)]))
    methods = [strategy, *_names_in(settings, "method", _DEEPEST)]
    found = {
        "networks": {name: entry for name in names if (entry := _network(name))},
        "spaces": {name: entry for name in names if (entry := _space(name))},
        "strategies": _targets("strategies", [strategy]),
        "schedulers": _targets("schedulers", [scheduler]),
        "methods": _targets("methods", methods),
    }
    return {kind: entries for kind, entries in found.items() if entries}


def for_training(registered: Registered) -> Registered:
    """What a worker process needs."""
    return {kind: entries for kind, entries in registered.items() if kind in FOR_TRAINING}


def check_travelling(registered: Registered) -> None:
    """`ConfigError` where a worker process could not find again what it needs."""
    for kind, by_name in for_training(registered).items():
        for name, entry in by_name.items():
            for part, reference in entry.items():
                if reference is None and part in ("builder", "example", "factory", "target"):
                    raise ConfigError(
                        f"{kind[:-1]} {name!r}: {why_not(_here(kind, name, part))}, so that no worker finds it; or use "
                        "executor = 'inline'"
                    )


def is_here(kind: str, name: str) -> bool:
    """Whether this process has registered something of its own as `name`; `kind` is a key of `ONE_OF`."""
    return _here(kind, name, {"networks": "builder", "spaces": "factory"}.get(kind, "target")) is not None


def restore(registered: Registered, *, accept_code_change: bool = True, kinds: Collection[str] = tuple(ONE_OF)) -> None:
    """Register what a run needs and this process has not.

    Args:
        registered: as `used` gave it where the run began.
        accept_code_change: take code that is not what it was.
        kinds: what is needed.

    Raises:
        ConfigError: it cannot be imported, or is no such thing.
        ResumeRefusedError: the code is not what it was.
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
    """Names of spaces, or of methods, in settings, also in those of a trainable that has another one inside."""
    if not isinstance(settings, Mapping) or deepest == 0:
        return
    for key, value in settings.items():
        if key == wanted:
            yield from _names(value)
            yield from _names_in_spec(value)
        else:
            yield from _names_in(value, wanted, deepest - 1)


def _names_in_spec(text: object) -> Iterator[str]:
    """The name of a space that is written as JSON, as a retraining has it."""
    if isinstance(text, str) and text.startswith("{"):
        found = json.loads(text)
        yield from _names(found.get("name") if isinstance(found, Mapping) else None)


def _network(name: str) -> dict[str, Any] | None:
    family: Any = _family(name)
    if family is None:
        return None
    more = {"undecided": family.undecided, "small": dict(family.small)}
    return {
        "builder": reference_of(family.builder),
        "example": reference_of(family.example),
        "fingerprint": source_fingerprint(family.builder),
        **{key: value for key, value in more.items() if value not in (None, {})},
    }


def _space(name: str) -> dict[str, Any] | None:
    factory = _here("spaces", name, "factory")
    return None if factory is None else {"factory": reference_of(factory)}


def _targets(kind: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in names:
        target = _here(kind, name, "target")
        if target is not None:
            found[name] = {"target": reference_of(target), "fingerprint": source_fingerprint(target)}
    return found


def _here(kind: str, name: str, part: str) -> Any:
    """What this process has registered; None for what the packages and plug-ins bring."""
    if kind == "networks":
        return getattr(_family(name), part, None)
    registry: Registry[Callable[..., Any]] = SPACES if kind == "spaces" else _BY_TARGET[kind][0]
    return None if registry.registered(name) is None else registry.get(name)


def _family(name: str) -> object | None:
    # Who has registered a network has loaded the module; it takes torch, which other runs do without.
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

    more = {key: entry[key] for key in ("undecided", "small") if key in entry}
    builder = _loaded(f"network {name!r}", entry.get("builder"), "trainables.networks.register", 1, more=True)
    if (example := entry.get("example")) is not None:
        more["example"] = _loaded(f"example of {name!r}", example, "", 2)
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
    """A function or class by reference, if it takes so many arguments, and with `more` perhaps others, by keyword.

    Of this package it is taken from the `rooms` alone.
    """
    if reference is None:
        raise ConfigError(
            f"{what} was registered by a script or notebook and cannot be imported; register it again, there or before "
            f"this call: {register}(name, ..)"
        )
    if why := no_code(reference):
        raise ConfigError(f"{what}: {reference!r} {why.replace('no Space and no rule', 'nothing of the kind')}")
    reference = current(reference)
    found = load_reference(reference)
    if not callable(found) or reference_of(found) != reference or not _takes(found, arguments, more):
        raise ConfigError(f"{what}: {reference!r} is nothing of that name that could have been registered")
    if reference.partition(".")[0] in OURS and not reference.startswith(rooms):
        raise ConfigError(f"{what}: {reference!r} is nothing of the kind that this package has")
    return found


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
