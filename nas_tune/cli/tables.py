"""Aligned columns for people: two spaces between columns, numbers to the right, and no wrapped lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

__all__ = ["TableColumn", "fitting", "lines", "wrapped"]

_GAP = "  "
_ENDS = re.compile(r"\+|\},?"), re.compile(r"[,| ]")
_NARROWEST = 16


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table, as text.

    Attributes:
        header: the title of the column.
        cells: the text of each row.
        right: whether to align to the right, as numbers are.
        style: the style of the cells, for rich.
        elastic: whether cells may be cut to fit the width of a terminal.
    """

    header: str
    cells: Sequence[str]
    right: bool = False
    style: str = ""
    elastic: bool = False

    @property
    def width(self) -> int:
        """The width of its widest text, in terminal cells."""
        return max(map(cell_len, (self.header, *self.cells)))


def fitting(columns: Sequence[TableColumn], width: int | None) -> list[TableColumn]:
    """Choose the columns that fit, from the left; elastic ones may be cut.

    Args:
        columns: the columns.
        width: the width of the terminal in cells; None for all columns.

    Returns:
        The columns that fit, at least the first.
    """
    kept: list[TableColumn] = []
    used = 0
    for column in columns:
        needed = min(column.width, _NARROWEST) if column.elastic else column.width
        if width is not None and kept and used + needed > width:
            continue
        kept.append(column)
        used += needed + len(_GAP)
    return kept


def lines(columns: Sequence[TableColumn], width: int | None = None, *, header: bool = True) -> Iterator[Text]:
    """Lay columns out as lines; only elastic columns are cut.

    Args:
        columns: the columns.
        width: the width of the terminal in cells; None for no limit.
        header: whether to begin with the titles.

    Yields:
        A line for the titles, and one for each row.
    """
    widths = _widths(columns, width)
    if header:
        yield _line([column.header for column in columns], columns, widths, "bold")
    for row in zip(*(column.cells for column in columns), strict=True):
        yield _line(row, columns, widths, None)


def wrapped(text: str, width: int | None, indent: int) -> str:
    """Break a long text into lines, after a `+` or a brace, else where a part ends.

    Args:
        text: the text.
        width: the width of a line; None for no limit.
        indent: how many spaces each line but the first begins with.

    Returns:
        The text with line breaks.
    """
    if width is None or len(text) + indent <= width or width - indent < _NARROWEST:
        return text
    room = width - indent
    whole, part = (_last_end(pattern, text, room) for pattern in _ENDS)
    end = whole if whole > room // 3 else part or room
    return f"{text[:end]}\n{' ' * indent}{wrapped(text[end:], width, indent)}"


def _last_end(pattern: re.Pattern[str], text: str, room: int) -> int:
    """The end of the last match that lies within the first `room` characters; 0 without one."""
    last = 0
    for match in pattern.finditer(text):
        if match.end() <= room:
            last = match.end()
    return last


def _widths(columns: Sequence[TableColumn], width: int | None) -> list[int]:
    widths = [column.width for column in columns]
    if width is None:
        return widths
    for index, column in enumerate(columns):
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        if column.elastic and over > 0:
            widths[index] = max(_NARROWEST, widths[index] - over)
    return widths


def _line(cells: Sequence[str], columns: Sequence[TableColumn], widths: Sequence[int], style: str | None) -> Text:
    line = Text(no_wrap=True)
    for cell, column, width in zip(cells, columns, widths, strict=True):
        line.append(_padded(cell, column, width), style if style is not None else column.style)
        line.append(_GAP)
    line.rstrip()
    return line


def _padded(cell: str, column: TableColumn, width: int) -> str:
    if cell_len(cell) > width:
        return f"{set_cell_size(cell, width - 1)}…"
    spaces = " " * (width - cell_len(cell))
    return spaces + cell if column.right else cell + spaces
