"""Writes frames for programs (CSV, JSON and Parquet, with every column) and for people (a table of some columns)."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nas_tune.cli.formats import FrameFormat
from nas_tune.cli.places import stderr, stdout, width_of
from nas_tune.cli.tables import TableColumn, fitting, lines
from nas_tune.cli.text import brief, plain, quantity, titled
from nas_tune.cli.units import no_unit
from nas_tune.errors import ConfigError
from nas_tune.results.frames import write_parquet, written_aside
from nas_tune.results.redaction import without_formula

__all__ = ["export_frame", "macs_column", "text_columns"]


def export_frame(frame: pd.DataFrame, kind: FrameFormat, out: Path | None, columns: Sequence[TableColumn]) -> None:
    """Write a frame to a file or to stdout.

    Args:
        frame: the frame.
        kind: the format.
        out: the file; None for stdout.
        columns: the columns of a table; the other formats have every column of the frame.

    Raises:
        ConfigError: the format is Parquet, which is binary, and there is no file.
        RunFolderError: the file cannot be written.
    """
    if kind is FrameFormat.PARQUET:
        if out is None:
            raise ConfigError("--format parquet writes a binary file: say which with --out FILE")
        write_parquet(frame, out)
    elif kind is FrameFormat.TABLE and out is None:
        _print_table(columns)
    else:
        _write(_text(frame, kind, columns), out)
    if out is not None:
        stderr().print(f"{len(frame)} rows written to {out}")


def text_columns(frame: pd.DataFrame, unit: Callable[[str], str] = no_unit) -> list[TableColumn]:
    """Convert every column of a frame to text for people.

    Args:
        frame: the frame.
        unit: returns the unit of a metric by its name, which stands behind the name of its column.

    Returns:
        A column of a table for each column of the frame.
    """
    titles = [titled(str(name), unit(str(name))) for name in frame.columns]
    return [_column(title, frame.iloc[:, place]) for place, title in enumerate(titles)]


def macs_column(macs: pd.Series[Any]) -> TableColumn:
    """Write multiply-accumulates with a unit, because they run into the millions.

    Args:
        macs: the numbers of multiply-accumulates.

    Returns:
        A column of a table.
    """
    return TableColumn("MACs", ["-" if pd.isna(count) else quantity(count) for count in macs], right=True)


def _print_table(columns: Sequence[TableColumn]) -> None:
    console = stdout()
    width = width_of(console)
    kept = fitting(columns, width)
    for line in lines(kept, width) if kept else ():
        console.print(line)
    missing = [column.header for column in columns if column not in kept]
    if missing:
        stderr().print(f"too narrow for: {', '.join(missing)} (--format csv writes every column)", style="dim")


def _text(frame: pd.DataFrame, kind: FrameFormat, columns: Sequence[TableColumn]) -> str:
    if kind is FrameFormat.CSV:
        return _csv(frame)
    if kind is FrameFormat.JSON:
        return _json(frame)
    return "".join(f"{line.plain}\n" for line in lines(columns))


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    with written_aside(out) as draft:
        draft.write_text(text, encoding="utf-8", newline="")


def _csv(frame: pd.DataFrame) -> str:
    """CSV in which a text that a spreadsheet would take for a formula begins with an apostrophe."""
    safe = frame.copy()
    for place, name in enumerate(frame.columns):
        if not _is_number(frame.iloc[:, place]):
            safe.isetitem(place, frame.iloc[:, place].map(_harmless, na_action="ignore").array)
        safe = safe.rename(columns={name: _harmless(name)})
    return safe.to_csv(index=False, lineterminator="\n")


def _harmless(value: object) -> object:
    return without_formula(value) if isinstance(value, str) else value


def _json(frame: pd.DataFrame) -> str:
    """A JSON list with an object on each line; missing and infinite values are null, times are ISO 8601."""
    columns = [map(_plain_value, frame.iloc[:, place].tolist()) for place in range(frame.shape[1])]
    names = [str(name) for name in frame.columns]
    rows = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in zip(*columns, strict=True)]
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def _is_missing(value: object) -> bool:
    """Whether a cell has no value: None, pandas' NA and NaT, or NaN, which is that of a text column of dtype `str`."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _plain_value(value: Any) -> Any:
    if _is_missing(value):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain_value(item) for key, item in value.items()}
    if isinstance(value, str | int):
        return value
    if isinstance(value, Iterable):
        return [_plain_value(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _column(name: str, series: pd.Series[Any]) -> TableColumn:
    if _is_number(series):
        return TableColumn(plain(name), _numbers(series), right=True)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return TableColumn(plain(name), ["-" if pd.isna(t) else f"{t:%Y-%m-%d %H:%M:%S}" for t in series])
    cells = ["-" if _is_missing(value) else plain(value) for value in series]
    return TableColumn(plain(name), cells, elastic=True)


def _is_number(series: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)


def _numbers(series: pd.Series[Any]) -> list[str]:
    """Numbers as text, with the same number of decimals in every row."""
    values = [math.nan if pd.isna(value) else float(value) for value in series]
    finite = [value for value in values if math.isfinite(value)]
    usual = all(value == 0 or 1e-3 <= abs(value) < 1e5 for value in finite)
    if usual and not all(value.is_integer() for value in finite):
        return [f"{value:.4f}" if math.isfinite(value) else brief(value) for value in values]
    return [brief(value) for value in values]
