"""What may be shown to others of what strangers wrote."""

from __future__ import annotations

import re

__all__ = ["without_formula", "without_secrets"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"']+(?=@)")


def without_secrets(text: str) -> str:
    """The text without what stands before the @ of an address."""
    return _CREDENTIALS.sub("***", text)


def without_formula(text: str) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet would take for a formula; numbers stay."""
    # A lone carriage return would not be quoted, and begin a new row.
    safe = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{safe}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else safe
