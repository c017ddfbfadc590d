"""The formats of exported frames, in a module without pandas, so that `--help` stays fast."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

__all__ = ["FrameFormat", "format_of"]


class FrameFormat(StrEnum):
    """The format of an exported frame."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def format_of(wanted: FrameFormat | None, out: Path | None) -> FrameFormat:
    """Choose the format of an exported frame.

    Args:
        wanted: the format of the option --format, if it is given.
        out: the file to write, if there is one.

    Returns:
        The wanted format, else that of the file's suffix, else a table.
    """
    if wanted is not None:
        return wanted
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    return FrameFormat(ending) if ending in list(FrameFormat) else FrameFormat.TABLE
