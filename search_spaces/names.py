"""The rules for names, and suggestions for misspelt ones."""

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
    """Tell whether a value is a valid name of a space, a strategy or another registered thing.

    Args:
        name: any value.

    Returns:
        True for a string that satisfies `NAME_RULE`.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_identifier(name: object) -> bool:
    """Tell whether a value is a valid name of a parameter or a metric.

    Args:
        name: any value.

    Returns:
        True for a string that satisfies `IDENTIFIER_RULE`.
    """
    return isinstance(name, str) and _IDENTIFIER.fullmatch(name) is not None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the closest known name.

    Args:
        name: the misspelt name; case is ignored.
        known: the valid names.

    Returns:
        `"; did you mean 'x'?"`, to be appended to a message; empty if no name is close.
    """
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def remote_problem(path: str | os.PathLike[str]) -> str | None:
    """Explain why a path is not usable if it is a URL: it would become a local folder of that name.

    Args:
        path: a path from a user.

    Returns:
        The explanation, with the remedy; None for a path that is not a URL.
    """
    text = os.fspath(path)
    found = _URL.match(text)
    if found is None:
        return None
    if found["scheme"].lower() == "file":
        return f"got {text!r}, a URL; write the path alone, as in '/data/runs'"
    return (
        f"got {text!r}, a URL of remote storage, which is not supported; give a folder of this machine, such as one "
        "where the storage is mounted, or copy the written files there afterwards"
    )
