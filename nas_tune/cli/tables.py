"""Aligned columns for people: two spaces between, numbers to the right, never a wrapped line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

__all__ = ["Column", "fitting", "folded", "lines"]

_GAP = "  "
_ENDS = re.compile(r"\+|\},?"), re.compile(r"[,| ]")
_NARROWEST = 16


@dataclass(frozen=True, slots=True)
class Column:
    """A column as text: `right` for numbers, `elastic` for what may be cut to the width there is."""

    header: str
    cells: Sequence[str]
    right: bool = False
    style: str = ""
    elastic: bool = False

    @property
    def width(self) -> int:
        """Terminal cells of its widest text."""
        return max(map(cell_len, (self.header, *self.cells)))


def fitting(columns: Sequence[Column], width: int | None) -> list[Column]:
    """The columns, from the left, that `width` holds (None holds all); elastic ones need not be whole."""
    kept: list[Column] = []
    used = 0
    for column in columns:
        needed = min(column.width, _NARROWEST) if column.elastic else column.width
        if width is not None and kept and used + needed > width:
            continue
        kept.append(column)
        used += needed + len(_GAP)
    return kept


def lines(columns: Sequence[Column], width: int | None = None, *, header: bool = True) -> Iterator[Text]:
    """The header and the rows; only elastic columns are cut, to fit `width`."""
    widths = _widths(columns, width)
    if header:
        yield _line([column.header for column in columns], columns, widths, "bold")
    for row in zip(*(column.cells for column in columns), strict=True):
        yield _line(row, columns, widths, None)


def folded(text: str, width: int | None, indent: int) -> str:
    """A long text over several lines of `width`, broken after a `+` or brace, else where a part ends."""
    if width is None or len(text) + indent <= width or width - indent < _NARROWEST:
        return text
    room = width - indent
    whole, part = (max((e for m in ends.finditer(text) if (e := m.end()) <= room), default=0) for ends in _ENDS)
    end = whole if whole > room // 3 else part or room
    return f"{text[:end]}\n{' ' * indent}{folded(text[end:], width, indent)}"


def _widths(columns: Sequence[Column], width: int | None) -> list[int]:
    widths = [column.width for column in columns]
    if width is None:
        return widths
    for index, column in enumerate(columns):
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        if column.elastic and over > 0:
            widths[index] = max(_NARROWEST, widths[index] - over)
    return widths


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], style: str | None) -> Text:
    line = Text(no_wrap=True)
    for cell, column, width in zip(cells, columns, widths, strict=True):
        line.append(_padded(cell, column, width), style if style is not None else column.style)
        line.append(_GAP)
    line.rstrip()
    return line


def _padded(cell: str, column: Column, width: int) -> str:
    if cell_len(cell) > width:
        return f"{set_cell_size(cell, width - 1)}…"
    spaces = " " * (width - cell_len(cell))
    return spaces + cell if column.right else cell + spaces
