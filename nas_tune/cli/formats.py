"""The formats of exported frames; apart from `export`, so that the options can be told without pandas."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

__all__ = ["Format", "format_of"]


class Format(StrEnum):
    """How a frame is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def format_of(wanted: Format | None, out: Path | None) -> Format:
    """The format asked for, or the one that the file's name says, or a table."""
    if wanted is not None:
        return wanted
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    return Format(ending) if ending in list(Format) else Format.TABLE
