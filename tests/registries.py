"""Registries for the length of a test: what a test registers is gone after it, and plug-ins that are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from search_spaces import plug_ins
from search_spaces.registry import Registry

__all__ = ["kept", "plugged"]


@contextmanager
def kept(*registries: Registry[Any]) -> Iterator[None]:
    """What is registered inside is forgotten."""
    before = [dict(one._registered) for one in registries]
    yield
    for one, registered in zip(registries, before, strict=True):
        one._registered = registered


def plugged(monkeypatch: pytest.MonkeyPatch, kinds: str, **values: str) -> None:
    """Let a registry find plug-ins: name to reference; beside nothing that is installed."""
    points = {name: EntryPoint(name, value, f"nas_tune.{kinds}") for name, value in values.items()}
    monkeypatch.setattr(plug_ins, "_installed", lambda path: {kinds: points})
