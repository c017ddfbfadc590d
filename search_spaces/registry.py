"""The registry of spaces by name: the catalogue, what a program registers, and what plug-ins bring.

`get("nasnet")` is the space of the paper; settings of its factory make another size: `get("nasnet", blocks=3)`.

A plug-in announces a space as an entry point of the group `nas_tune.session.spaces`: its name, and a function that
returns the `Space`, callable without arguments (or the `Space` itself). One whose import raises is skipped in
the listing and kept with its error, which is raised only if that very space is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from search_spaces.errors import SpaceError, UnknownNameError
from search_spaces.names import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from search_spaces.space import Space

__all__ = ["ENTRY_POINT_GROUP", "broken", "get", "names", "origins", "register", "registered"]

ENTRY_POINT_GROUP = "nas_tune.session.spaces"
NAME_RULE = "a name is [a-z0-9][a-z0-9._-]{0,63}"

_BUILT_IN = {
    "chain": "search_spaces.catalogue.chain:space",
    "nb101": "search_spaces.catalogue.nb101:space",
    "nb201": "search_spaces.catalogue.nb201:space",
    "darts": "search_spaces.catalogue.darts:space",
    "nasnet": "search_spaces.catalogue.nasnet:space",
    "amoebanet": "search_spaces.catalogue.amoebanet:space",
    "pnas": "search_spaces.catalogue.pnas:space",
    "enas_macro": "search_spaces.catalogue.enas_macro:space",
    "enas_micro": "search_spaces.catalogue.enas_micro:space",
    "mobilenetv3": "search_spaces.catalogue.mobilenetv3:space",
    "proxylessnas": "search_spaces.catalogue.proxylessnas:space",
    "vit": "search_spaces.catalogue.vit:space",
    "transformer_lm": "search_spaces.catalogue.transformer_lm:space",
    "recurrent": "search_spaces.catalogue.recurrent:space",
    "enas_recurrent": "search_spaces.catalogue.enas_recurrent:space",
    "resnet": "search_spaces.catalogue.resnet:space",
    "mlp": "search_spaces.catalogue.mlp:space",
}
_registered: dict[str, Callable[..., Space]] = {}
_made: dict[str, Space] = {}
_broken: dict[str, str] = {}


def register(name: str, factory: Callable[..., Space]) -> None:
    """Make `get(name)` return what `factory()` makes, once; `SpaceError` for a name that is taken.

    Keyword arguments of the factory that have defaults are the settings which `get` takes.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise SpaceError(f"space name {name!r}: {NAME_RULE}; rename it")
    if _registered.get(name) is factory:
        return
    if name in _BUILT_IN or name in _registered:
        raise SpaceError(f"space name {name!r} is taken; register under another name")
    _registered[name] = factory
    _made.pop(name, None)


def registered(name: str) -> Callable[..., Space] | None:
    """The factory that this process registered as `name`; None where it did not."""
    return _registered.get(name)


def names() -> list[str]:
    """The names that `get` knows, sorted; plug-ins that were found broken are left out, see `broken`."""
    return sorted((_BUILT_IN.keys() | _registered.keys() | _plug_ins().keys()) - _broken.keys())


def broken() -> dict[str, str]:
    """The plug-ins whose import raised, by name, with the error."""
    for name, point in _plug_ins().items():
        if name not in _made and name not in _broken and name not in _BUILT_IN and name not in _registered:
            _load(name, point)
    return dict(_broken)


def origins() -> dict[str, str]:
    """Where each name of `names` comes from: a module of the catalogue, that of the factory, or a plug-in."""
    found = {name: f"plug-in {point.value}" for name, point in _plug_ins().items()}
    found |= {name: factory.__module__ for name, factory in _registered.items()}
    found |= {name: reference.partition(":")[0] for name, reference in _BUILT_IN.items()}
    return {name: found[name] for name in names()}


def get(name: str, **settings: object) -> Space:
    """The space called `name`; without settings it is made once.

    `UnknownNameError` with the closest name for one that nobody registered, `SpaceError` for a broken plug-in
    and for a setting that its factory does not take.
    """
    if settings:
        factory = _factory(name)
        _check_settings(name, factory, settings)
        return _checked(name, factory(**settings))
    if name not in _made:
        _made[name] = _checked(name, _factory(name)())
    return _made[name]


def _check_settings(name: str, factory: Callable[..., Space], settings: dict[str, object]) -> None:
    known = list(inspect.signature(factory).parameters)
    unknown = next((key for key in settings if key not in known), None)
    if unknown is not None:
        takes = f"its settings: {', '.join(known)}" if known else "it takes no settings"
        raise SpaceError(f"space {name!r} has no setting {unknown!r}{did_you_mean(unknown, known)}; {takes}")


def _factory(name: str) -> Callable[..., Space]:
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
    if name in _registered:
        return _registered[name]
    plug_ins = _plug_ins()
    if name not in plug_ins:
        raise UnknownNameError("space", name, names())
    loaded = _load(name, plug_ins[name])
    if loaded is None:
        raise SpaceError(
            f"plug-in space {name!r} ({plug_ins[name].value}) is broken: {_broken[name]}; repair or remove it"
        )
    return loaded


def _load(name: str, point: EntryPoint) -> Callable[..., Space] | None:
    """The factory of a plug-in, or None with the error kept."""
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001 (foreign code may raise anything; it is kept and reported)
        _broken[name] = f"{type(error).__name__}: {error}"
        return None
    return loaded if callable(loaded) else lambda: loaded


def _checked(name: str, made: object) -> Space:
    from search_spaces.space import Space

    if not isinstance(made, Space):
        raise SpaceError(f"space {name!r}: its factory made a {type(made).__name__}; it must return a Space")
    return made


def _plug_ins() -> dict[str, EntryPoint]:
    from importlib import metadata  # 40 ms, for those who look at plug-ins

    return {point.name: point for point in metadata.entry_points(group=ENTRY_POINT_GROUP)}
