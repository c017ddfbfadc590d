"""The rules for names, and the answer to a misspelt one."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable

__all__ = ["IDENTIFIER_RULE", "NAME_RULE", "did_you_mean", "is_identifier", "is_name", "remote_problem"]

NAME_RULE = "a name is [a-z0-9][a-z0-9._-]{0,63}"
IDENTIFIER_RULE = "a name starts with a letter or _, goes on with letters, digits or _, and has at most 64 characters"
# `Path` turns s3://bucket into s3:/bucket; a single letter is a drive of Windows.
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):[/\\\\]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def is_name(name: object) -> bool:
    """Whether `name` is a string by which a space, a strategy and the like may be asked for (ASCII only)."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_identifier(name: object) -> bool:
    """Whether `name` is a string that may name a parameter or a metric (ASCII only)."""
    return isinstance(name, str) and _IDENTIFIER.fullmatch(name) is not None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the closest of `known`, whatever its case; empty when nothing is close."""
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def remote_problem(path: str | os.PathLike[str]) -> str | None:
    """What is wrong with a path that is a URL, which would become a folder of that name here; None for other paths."""
    text = os.fspath(path)
    found = _URL.match(text)
    if found is None:
        return None
    if found["scheme"].lower() == "file":
        return f"got {text!r}, a URL; write the path alone, as in '/data/runs'"
    return (
        f"got {text!r}, a URL of remote storage, which is not supported; give a folder of this machine, such as one "
        "where the storage is mounted, or copy what was written afterwards"
    )
