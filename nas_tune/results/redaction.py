"""Text of strangers without the parts that must not be shown: credentials and spreadsheet formulas."""

from __future__ import annotations

import re

__all__ = ["without_formula", "without_secrets"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"']+(?=@)")


def without_secrets(text: str) -> str:
    """Replace the credentials in addresses, which come before the @.

    Args:
        text: may hold addresses.

    Returns:
        The text with *** for credentials.
    """
    return _CREDENTIALS.sub("***", text)


def without_formula(text: str) -> str:
    r"""Make the text of a cell safe for spreadsheets: an apostrophe goes before the signs that begin a formula.

    Args:
        text: of the cell.

    Returns:
        The safe text. Numbers stay as they are, and line ends become \n.
    """
    # A CSV writer does not quote a lone carriage return, which would begin a new row.
    safe = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{safe}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else safe
