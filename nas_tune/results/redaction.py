"""What may be shown to others of what strangers wrote."""

from __future__ import annotations

import re

__all__ = ["without_secrets"]

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"']+(?=@)")


def without_secrets(text: str) -> str:
    """The text without what stands before the @ of an address."""
    return _CREDENTIALS.sub("***", text)
