"""The rules for the names of runs and metrics, and how a folder is named to who asked for it.

What breaks a rule is answered with the name, rule and remedy.

A run name becomes a folder on any file system, a metric name becomes a column. Nothing here touches the disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from nas_tune.errors import ConfigError
from search_spaces.names import IDENTIFIER_RULE, is_identifier, remote_problem

__all__ = [
    "RUN_NAME_RULE",
    "as_typed",
    "check_local",
    "check_metric_name",
    "check_run_name",
    "default_run_name",
    "metric_name_problem",
    "run_name_problem",
]

RUN_NAME_RULE = (
    "a run name has 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', starts with a letter or digit, "
    "has no '..' and no '.' at its end"
)
_RUN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))]
)


def run_name_problem(name: object) -> str | None:
    """What is wrong with `name` as the name of a run, or None; the text goes after "name: "."""
    if not isinstance(name, str):
        return f"got {name!r}, expected a string; {RUN_NAME_RULE}"
    if _RUN_NAME.fullmatch(name) is None or ".." in name or name.endswith("."):
        return f"got {_short(name)}; {RUN_NAME_RULE}{_suggestion(name)}"
    if name.split(".")[0] in _DEVICES:
        return f"got {name!r}, the name of a device on Windows; take another, say 'run-{name}'"
    return None


def check_run_name(name: str) -> str:
    """`name` itself, or `ConfigError` when it cannot name a run."""
    if problem := run_name_problem(name):
        raise ConfigError(f"run name: {problem}")
    return name


def metric_name_problem(name: object, reserved: Iterable[str] = ()) -> str | None:
    """What is wrong with `name` as the name of a metric, or None; `reserved` are columns in use."""
    if not is_identifier(name):
        return f"got {_short(name)}; {IDENTIFIER_RULE} (dots are for the architecture's columns, arch.*)"
    if name in set(reserved):
        return f"got {name!r}, a column that every table has; report it as something else, say 'my_{name}'"
    return None


def check_metric_name(name: str, reserved: Iterable[str] = ()) -> str:
    """`name` itself, or `ConfigError` when it cannot name a metric."""
    if problem := metric_name_problem(name, reserved):
        raise ConfigError(f"metric: {problem}")
    return name


def check_local(path: object, what: str) -> None:
    """Refuse what is no path, or a URL, where that of a file or a folder is needed; `ConfigError` says of `what`."""
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{what}: got {_short(path)}; give its path, as a text or a Path")
    if problem := remote_problem(path):
        raise ConfigError(f"{what}: {problem}")


def default_run_name(space: str, strategy: str) -> str:
    """The name of a run that was given none: `nb201-evolution`; of a reference only the attribute counts."""
    parts = (_slug(part.rpartition(":")[2]) for part in (space, strategy))
    return "-".join(part[:31].strip(".-_") or "run" for part in parts)


def as_typed(path: Path) -> str:
    """A path as one would type it here: relative where it lies in the current directory."""
    here, path = Path.cwd(), path.absolute()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _slug(text: str) -> str:
    return re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", text.lower())).strip(".-_")


def _suggestion(name: str) -> str:
    slug = _slug(name)[:64].rstrip(".-_")
    return f"; say {slug!r}" if slug and slug != name and run_name_problem(slug) is None else ""


def _short(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
