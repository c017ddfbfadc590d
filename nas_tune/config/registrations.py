"""What a program registers by name and its run uses: networks and spaces travel by reference, as a trainable does.

The ledger keeps the references, and whatever process goes on with the run loads and registers them, under the rule of
`nas_tune.session.trust`. What this process has registered itself under a name stays as it is.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import search_spaces
from nas_tune.config.references import current, load_reference, reference_of, source_fingerprint, why_not
from nas_tune.errors import ConfigError, ResumeRefusedError
from search_spaces.algebra.code import OURS, no_code
from search_spaces.catalogue import SPACES

__all__ = ["Registered", "check_travelling", "is_here", "restore", "used"]

Registered = Mapping[str, Mapping[str, Mapping[str, str | None]]]
"""`{"networks": {name: {"builder": reference, ..}}, "spaces": {name: {"factory": reference}}}`; None where there is no
reference."""

_DEEPEST = 6


def used(spaces: Iterable[object], settings: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str | None]]]:
    """What this process has registered of the names that a run uses: those of its spaces, and those in its settings."""
    asked = [name for space in spaces for name in _names(space)]
    names = list(dict.fromkeys([*asked, *_names_in(settings, _DEEPEST)]))
    networks = {name: entry for name in names if (entry := _network(name))}
    made = {name: entry for name in names if (entry := _space(name))}
    return {kind: found for kind, found in (("networks", networks), ("spaces", made)) if found}


def check_travelling(registered: Registered) -> None:
    """`ConfigError` where a worker process could not find a network or a space again."""
    for kind, name, part, reference in _entries(registered):
        if reference is None and part in ("builder", "example", "factory"):
            raise ConfigError(
                f"{kind[:-1]} {name!r}: {why_not(_here(kind, name, part))}, so that no worker finds it; or use "
                "executor = 'inline'"
            )


def is_here(kind: str, name: str) -> bool:
    """Whether this process has registered something of its own as `name`; `kind` is "networks" or "spaces"."""
    return _here(kind, name, "builder" if kind == "networks" else "factory") is not None


def restore(registered: Registered, *, accept_code_change: bool = True) -> None:
    """Register what a run needs and this process has not.

    Raises:
        ConfigError: it cannot be imported, or is no builder of networks and no factory of spaces.
        ResumeRefusedError: a network's builder is not what it was.
    """
    networks, spaces = registered.get("networks", {}), registered.get("spaces", {})
    for name, entry in networks.items():
        if not is_here("networks", name):
            _register_network(name, entry)
        if not accept_code_change:
            _check_same(name, entry)
    for name, entry in spaces.items():
        if not is_here("spaces", name):
            search_spaces.register(name, _loaded(f"space {name!r}", entry.get("factory"), "search_spaces.register", 0))


def _names(space: object) -> Iterator[str]:
    name = space if isinstance(space, str) else getattr(space, "name", None)
    if isinstance(name, str):
        yield name


def _names_in(settings: object, deepest: int) -> Iterator[str]:
    """Names of spaces in settings, also in those of a trainable that has another one inside."""
    if not isinstance(settings, Mapping) or deepest == 0:
        return
    for key, value in settings.items():
        if key == "space":
            yield from _names(value)
            yield from _names_in_spec(value)
        else:
            yield from _names_in(value, deepest - 1)


def _names_in_spec(text: object) -> Iterator[str]:
    """The name of a space that is written as JSON, as a retraining has it."""
    if isinstance(text, str) and text.startswith("{"):
        found = json.loads(text)
        yield from _names(found.get("name") if isinstance(found, Mapping) else None)


def _network(name: str) -> dict[str, str | None] | None:
    builder = _here("networks", name, "builder")
    if builder is None:
        return None
    example = _here("networks", name, "example")
    return {
        "builder": reference_of(builder),
        "example": reference_of(example),
        "fingerprint": source_fingerprint(builder),
    }


def _space(name: str) -> dict[str, str | None] | None:
    factory = _here("spaces", name, "factory")
    return None if factory is None else {"factory": reference_of(factory)}


def _here(kind: str, name: str, part: str) -> Callable[..., Any] | None:
    """What this process has registered; None for what the packages bring."""
    if kind == "spaces":
        return None if SPACES.registered(name) is None else SPACES.get(name)
    # Who has registered a network has loaded the module; it takes torch, which other runs do without.
    networks = sys.modules.get("trainables.networks")
    found = networks.registered(name) if networks is not None else None
    return None if found is None else getattr(found, part)


def _register_network(name: str, entry: Mapping[str, str | None]) -> None:
    from trainables import networks

    builder = _loaded(f"network {name!r}", entry.get("builder"), "trainables.networks.register", 1, more=True)
    example = entry.get("example")
    more = {} if example is None else {"example": _loaded(f"example of {name!r}", example, "", 2)}
    networks.register(name, builder, **more, replace=True)


def _loaded(
    what: str, reference: str | None, register: str, arguments: int, *, more: bool = False
) -> Callable[..., Any]:
    """A function by reference, if it takes so many arguments, and with `more` perhaps others, by keyword."""
    if reference is None:
        raise ConfigError(
            f"{what} was registered by a script or notebook and cannot be imported; register it again, there or before "
            f"this call: {register}(name, ..)"
        )
    if why := no_code(reference):
        raise ConfigError(f"{what}: {reference!r} {why.replace('no Space and no rule', 'no builder')}")
    reference = current(reference)
    found = load_reference(reference)
    if not callable(found) or reference_of(found) != reference or not _takes(found, arguments, more):
        raise ConfigError(f"{what}: {reference!r} is no function of that name that could have been registered")
    if reference.partition(".")[0] in OURS and not reference.startswith(("trainables.networks", "search_spaces.catal")):
        raise ConfigError(f"{what}: {reference!r} is no builder and no space of this package")
    return found


def _takes(found: Callable[..., Any], arguments: int, more: bool) -> bool:
    try:
        signature = inspect.signature(found)
        (signature.bind_partial if more else signature.bind)(*[None] * arguments)
    except (TypeError, ValueError):
        return False
    return True


def _check_same(name: str, entry: Mapping[str, str | None]) -> None:
    builder, before = _here("networks", name, "builder"), entry.get("fingerprint")
    now = None if builder is None else source_fingerprint(builder)
    if before is not None and now is not None and now != before:
        raise ResumeRefusedError(
            f"the code of the network {name!r} changed since the run began (source {before}, now {now}): its results "
            "would mix with the old ones; take the old code, start a new run, or say accept_code_change "
            "(--accept-code-change) if the change does not matter"
        )


def _entries(registered: Registered) -> Iterator[tuple[str, str, str, str | None]]:
    for kind, by_name in registered.items():
        for name, entry in by_name.items():
            for part, reference in entry.items():
                yield kind, name, part, reference
