"""Limits on the texts that a training leaves in a ledger, which keeps them for every trial and every epoch."""

from __future__ import annotations

__all__ = ["LONGEST_MESSAGE", "LONGEST_NODE", "LONGEST_NOTE", "LONGEST_TRACE", "MOST_NOTES", "cut", "writable"]

LONGEST_MESSAGE = 2_000
"""Characters of the message of a failure."""
LONGEST_NOTE = 2_000
"""Characters of a note."""
LONGEST_NODE = 200
"""Characters of the name of the node on which a trial runs."""
LONGEST_TRACE = 40_000
"""Characters of a traceback."""
MOST_NOTES = 100
"""Notes of one training. One more note says that the others are left out."""


def cut(text: str, longest: int) -> str:
    """Shorten a text that is too long for a ledger: its two ends stay.

    Args:
        text: any text.
        longest: the most characters that are kept, not counting the remark in the middle.

    Returns:
        The text itself if it is short enough, else both ends with the number of characters left out between them.
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {len(text) - 2 * half:,} characters left out ... {text[-half:]}"


def writable(text: str) -> str:
    r"""Replace lone surrogates, which Python's text may hold but no file and no table can.

    Args:
        text: any text.

    Returns:
        The text with each lone surrogate as a backslash escape, such as `\udc80`.
    """
    return text.encode(errors="backslashreplace").decode()
