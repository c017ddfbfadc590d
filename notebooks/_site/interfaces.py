"""The public names of a module, for autodoc."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

__all__ = ["of_module"]

_PACKAGES = ("nas_tune", "search_spaces", "trainables")
_ELSEWHERE = {"SearchConfig": "Its keys: [configuration](configuration.md)."}


def of_module(name: str) -> str:
    """Every name of its `__all__`: classes with their members, functions, and what stands for something else."""
    module = import_module(name)
    return "\n\n".join(_entry(name, each, getattr(module, each)) for each in sorted(module.__all__, key=str.lower))


def _entry(module: str, name: str, thing: Any) -> str:
    home = getattr(thing, "__module__", module)
    package = home.partition(".")[0]
    if package != module.partition(".")[0]:
        there = f"[{package}]({package}.md)" if package in _PACKAGES else f"`{home}`"
        return f"`{name}`\n: `{thing.__name__}` of {there}"
    if not inspect.isclass(thing):
        return _directive("autofunction" if callable(thing) else "autodata", module, name)
    if issubclass(thing, Exception):
        return _directive("autoexception", module, name, "show-inheritance")
    if name in _ELSEWHERE:
        return f"{_directive('autoclass', module, name, 'no-undoc-members')}\n\n{_ELSEWHERE[name]}"
    return _directive("autoclass", module, name, "members")


def _directive(kind: str, module: str, name: str, option: str = "") -> str:
    options = f"   :{option}:\n" if option else ""
    return f"```{{eval-rst}}\n.. {kind}:: {module}.{name}\n{options}```"
