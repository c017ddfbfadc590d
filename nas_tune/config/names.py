"""The rules for the names of runs and metrics, and how a path is shown to the user.

The error for a name that breaks a rule has the name, the rule and the remedy. A run name becomes a folder on any file
system, and a metric name becomes a column. This module reads and writes no files.
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
    """Find out why a name cannot be the name of a run.

    Args:
        name: the name.

    Returns:
        The problem, as text to follow "name: ", or None.
    """
    if not isinstance(name, str):
        return f"got {name!r}, expected a string; {RUN_NAME_RULE}"
    if _RUN_NAME.fullmatch(name) is None or ".." in name or name.endswith("."):
        return f"got {_short(name)}; {RUN_NAME_RULE}{_suggestion(name)}"
    if name.split(".")[0] in _DEVICES:
        return f"got {name!r}, the name of a device on Windows; take another, say 'run-{name}'"
    return None


def check_run_name(name: str) -> str:
    """Check that a name can be the name of a run.

    Args:
        name: the name.

    Returns:
        The name itself.

    Raises:
        ConfigError: it breaks `RUN_NAME_RULE`, or is a device on Windows.
    """
    if problem := run_name_problem(name):
        raise ConfigError(f"run name: {problem}")
    return name


def metric_name_problem(name: object, reserved: Iterable[str] = ()) -> str | None:
    """Find out why a name cannot be the name of a metric.

    Args:
        name: the name.
        reserved: the names of columns that every table has.

    Returns:
        The problem, as text to follow "metric: ", or None.
    """
    if not is_identifier(name):
        return f"got {_short(name)}; {IDENTIFIER_RULE} (dots are for the architecture's columns, arch.*)"
    if name in set(reserved):
        return f"got {name!r}, a column that every table has; report it as something else, say 'my_{name}'"
    return None


def check_metric_name(name: str, reserved: Iterable[str] = ()) -> str:
    """Check that a name can be the name of a metric.

    Args:
        name: the name.
        reserved: the names of columns that every table has.

    Returns:
        The name itself.

    Raises:
        ConfigError: it is not an identifier, or is reserved.
    """
    if problem := metric_name_problem(name, reserved):
        raise ConfigError(f"metric: {problem}")
    return name


def check_local(path: object, what: str) -> None:
    """Check that a value is a path on this machine, not a URL.

    Args:
        path: the value.
        what: what the path is of, for the message.

    Raises:
        ConfigError: the value is not a path, or is a URL.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{what}: got {_short(path)}; give its path, as a text or a Path")
    if problem := remote_problem(path):
        raise ConfigError(f"{what}: {problem}")


def default_run_name(space: str, strategy: str) -> str:
    """Make the name of a run from its space and strategy, such as `nb201-evolution`.

    Args:
        space: the name of the space, or a reference, of which only the attribute counts.
        strategy: the name of the strategy.

    Returns:
        A valid run name.
    """
    parts = (_slug(part.rpartition(":")[2]) for part in (space, strategy))
    return "-".join(part[:31].strip(".-_") or "run" for part in parts)


def as_typed(path: Path) -> str:
    """Write a path as a user would type it.

    Args:
        path: the path.

    Returns:
        The path relative to the current directory where it is below it, else the absolute path.
    """
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
