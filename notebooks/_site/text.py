"""Texts of the program as Markdown."""

from __future__ import annotations

import re

__all__ = ["as_markdown"]

_OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*")


def as_markdown(text: str) -> str:
    """The text with its options in backticks: outside of code two hyphens are a dash."""
    parts = text.split("`")
    parts[::2] = [_OPTION.sub(r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)
