"""What a configuration can name: spaces, strategies, schedulers, methods of supernets and trainables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from importlib import import_module
from typing import Any

import search_spaces
from _site.text import as_markdown
from nas_tune.cli.listing import about, size_text
from nas_tune.config.field_texts import field_texts
from nas_tune.objectives.objective import takes_several
from nas_tune.schedulers import SCHEDULERS
from nas_tune.strategies import STRATEGIES
from search_spaces.registry import Registry
from trainables.registry import TRAINABLES
from trainables.settings.groups import FlatSetting, settings_of
from trainables.supernet import METHODS

__all__ = ["methods", "schedulers", "spaces", "strategies", "trainables"]

_NOT_SETTINGS = ("self", "space", "seed", "max_epochs")


def strategies() -> str:
    """Every strategy that proposes architectures."""
    return _terms(STRATEGIES, _NOT_SETTINGS)


def methods() -> str:
    """Every strategy that searches in a supernet."""
    return _terms(METHODS)


def schedulers() -> str:
    """Every scheduler."""
    return _terms(SCHEDULERS, _NOT_SETTINGS)


def trainables() -> str:
    """Every trainable that has a name, with the text of each setting where it has one."""
    terms = []
    for name in sorted(TRAINABLES.names()):
        target = TRAINABLES.get(name)
        described = settings_of(target)
        settings = _described(described) if described else f" {_settings(target, ('self',))}"
        terms.append(f"`{name}`\n: {about(target)}\n\n{settings}".rstrip())
    return "\n\n".join(terms)


def spaces() -> str:
    """Every space of the catalogue: its size, its decisions, what it is and its settings."""
    terms = []
    for name in search_spaces.names():
        module = import_module(f"search_spaces.catalogue.{name}")
        space = search_spaces.get(name)
        size = f"{size_text(space.size)} architectures, {len(space.parameters)} parameters."
        what = about(module).removeprefix(f"`{name}`:").strip()
        terms.append(f"`{name}`\n: {what}\n\n  {size}{_settings(module.space, ())}")
    return "\n\n".join(terms)


def _terms(factories: Registry[Any], given: tuple[str, ...] = ("self",)) -> str:
    """A term a name, with what it does, its settings and whether it can handle several objectives."""
    terms = []
    for name in sorted(factories.names()):
        factory = factories.get(name)
        several = "One objective or several." if takes_several(factory) else ""
        terms.append(f"`{name}`\n: {about(factory)}\n\n  {several}{_settings(factory, given)}".rstrip())
    return "\n\n".join(terms)


def _described(settings: Mapping[str, FlatSetting]) -> str:
    """A line a setting: its default and its text."""
    lines = []
    for name, one in settings.items():
        text = as_markdown(field_texts(one.owner).get(one.field, ""))
        default = _default(inspect.Parameter.empty if one.default is MISSING else one.default)
        if one.is_optional:
            default = f" (the method's paper, else `{one.fallback}`)"
        lines.append(f"  - `{name}`{default}: {text}")
    return "\n".join(lines)


def _settings(factory: Callable[..., object], given: tuple[str, ...]) -> str:
    parameters = inspect.signature(factory).parameters.values()
    named = [
        one for one in parameters if one.name not in given and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    shown = ", ".join(f"`{one.name}`{_default(one.default)}" for one in named)
    return f" Settings: {shown}." if shown else " No settings."


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return " (required)"
    if value is None:
        return ""
    if isinstance(value, float):
        return f" = `{value:.4g}`"
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return f" = `{text}`"
