"""How long the texts may be that a training leaves in a ledger, for it keeps them of every trial and every epoch."""

from __future__ import annotations

__all__ = ["LONGEST_MESSAGE", "LONGEST_NODE", "LONGEST_NOTE", "LONGEST_TRACE", "MOST_NOTES", "cut", "writable"]

LONGEST_MESSAGE = 2_000
LONGEST_NOTE = 2_000
LONGEST_NODE = 200
LONGEST_TRACE = 40_000
MOST_NOTES = 100
"""Of one training; one more says that there are others."""


def cut(text: str, longest: int) -> str:
    """Both ends of a text that is too long for the ledger to keep of every trial."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {len(text) - 2 * half:,} characters left out ... {text[-half:]}"


def writable(text: str) -> str:
    """Without lone surrogates, which are text to Python and to nobody else: no file and no table holds them."""
    return text.encode(errors="backslashreplace").decode()
