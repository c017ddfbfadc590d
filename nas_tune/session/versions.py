"""The versions of Python and of the packages that decide what a search finds, and what changed since a session."""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

from nas_tune.errors import ResumeRefusedError

__all__ = ["check_versions", "version_changes", "versions"]

_DECISIVE = ("python", "optuna", "torch", "ray")
_PACKAGES = ("nas-tune", "ray", "optuna", "torch", "torchvision", "numpy", "pandas")


@functools.cache
def versions() -> Mapping[str, str]:
    """Read the versions of Python and of the packages that decide what a search finds.

    Returns:
        Version by name, without packages that are not installed.
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return MappingProxyType(found)


def version_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Compare the versions that decide a search.

    Args:
        before: of the last session.
        now: of this one.

    Returns:
        Lines such as `optuna 4.8.0 is now 5.0.0`.
    """
    found: list[str] = []
    for name in _DECISIVE:
        if name in before and name in now and before[name] != now[name]:
            found.append(f"{name} {before[name]} is now {now[name]}")
    return found


def check_versions(before: Mapping[str, str]) -> None:
    """Compare Optuna with that of the last session of a run.

    Args:
        before: the versions of that session.

    Raises:
        ResumeRefusedError: Optuna has another major version, whose samplers may propose other architectures.
    """
    was, now = before.get("optuna"), versions().get("optuna")
    if was is not None and now is not None and was.partition(".")[0] != now.partition(".")[0]:
        raise ResumeRefusedError(
            f"the run was searched with Optuna {was}, this is {now}: another major version may propose otherwise; "
            f"install optuna=={was}, or say accept_code_change (--accept-code-change) to go on with this one"
        )
