"""The whole picture before it is written: the panels with their titles, a heading for each side, a legend.

One architecture has its cells side by side; of two, each has a column, and the cells of one name a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from search_spaces.drawing.difference import Mark, Marks, marks, paired
from search_spaces.drawing.layout import Placed, laid_out
from search_spaces.drawing.palette import FAMILIES, family_of
from search_spaces.drawing.text import SIZE, text_width
from search_spaces.graphs.graph import Graph

__all__ = ["Panel", "Scene", "Side", "Text", "composed"]

MARGIN, APART = 28.0, 56.0
WIDEST = 1500.0
"""Cells of one architecture stand side by side up to this width in pixels, else below each other."""
SWATCH = 16.0
BOLDER = 1.08
"""How much wider bold text is."""
MARKS = {"changed": "differs", "only": "on this side only"}


@dataclass(frozen=True, slots=True)
class Side:
    """One architecture: the name of its space, what stands above it, and its graphs."""

    name: str
    heading: str
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `x` is where it begins, `y` its base line."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph in its place in the picture; `x` and `y` are its upper left corner."""

    graph: Graph
    placed: Placed
    marks: Marks
    x: float = 0.0
    y: float = 0.0

    def moved(self, x: float, y: float) -> Panel:
        """The same further right and down."""
        return Panel(self.graph, self.placed.moved(x, y), self.marks, self.x + x, self.y + y)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend: a family of operations, or a mark; `x` and `y` are its upper left corner."""

    x: float
    y: float
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything in a picture, in pixels."""

    width: float
    height: float
    panels: tuple[Panel, ...]
    texts: tuple[Text, ...]
    legend: tuple[Entry, ...]


def composed(sides: Sequence[Side]) -> Scene:
    """The picture of one side, or of two that are compared."""
    rows = _paired(*sides) if len(sides) == 2 else _single(sides[0])
    columns = _columns(rows, sides)
    top = MARGIN + SIZE
    texts = [Text(x, top, side.heading, SIZE + 1, bold=True) for side, x in zip(sides, columns, strict=False)]
    titled = any(graph.name != side.name for side in sides for graph in side.graphs)
    panels, bottom = _stacked(rows, columns, top + SIZE + (SIZE * 1.6 if titled else 0.0))
    if titled:
        texts += [Text(p.x, p.y - SIZE, p.graph.name, SIZE, mark=p.marks.name) for p in panels]
    ends = [text.x + text_width(text.text, text.size) * BOLDER for text in texts]
    right = max(ends + [panel.x + panel.placed.width for panel in panels])
    legend = _legend(panels, bottom + SIZE, max(right, 420.0), compared=len(sides) == 2)
    if legend:
        bottom = legend[-1].y + SWATCH
    right = max([right, *(entry.x + SWATCH + 8 + text_width(entry.text, SIZE - 1) for entry in legend)])
    return Scene(right + MARGIN, bottom + MARGIN, tuple(panels), tuple(texts), tuple(legend))


def _stacked(rows: Sequence[Row], columns: Sequence[float], y: float) -> tuple[list[Panel], float]:
    """The panels in their places, a row below the other, and where the last one ends."""
    panels: list[Panel] = []
    bottom = y
    for row in rows:
        panels += [p.moved(x, y + SIZE) for p, x in zip(row, columns, strict=False) if p]
        bottom = y + SIZE + max(panel.placed.height for panel in row if panel)
        y = bottom + SIZE * 3.2
    return panels, bottom + SIZE / 2


Row = list[Panel | None]


def _single(side: Side) -> list[Row]:
    panels = [Panel(graph, laid_out(graph), Marks()) for graph in side.graphs]
    wide = sum(panel.placed.width + APART for panel in panels) > WIDEST
    return [[panel] for panel in panels] if wide else [list(panels)]


def _paired(one: Side, other: Side) -> list[Row]:
    pairs = paired(one.graphs, other.graphs)
    return [[_marked(graph, against), _marked(against, graph)] for graph, against in pairs]


def _marked(graph: Graph | None, other: Graph | None) -> Panel | None:
    return None if graph is None else Panel(graph, laid_out(graph), marks(graph, other))


def _columns(rows: Sequence[Row], sides: Sequence[Side]) -> list[float]:
    """Where each column begins: wide enough for its graphs, their titles and the heading."""
    starts = [MARGIN]
    headings = [side.heading for side in sides]
    for number, column in enumerate(zip_longest(*rows)):
        widths = [max(p.placed.width, text_width(p.graph.name)) for p in column if p]
        if len(sides) == 2:
            widths.append(text_width(headings[number], SIZE + 1) * BOLDER)
        starts.append(starts[-1] + max(widths) + APART)
    return starts[:-1]


def _legend(panels: Iterable[Panel], y: float, right: float, *, compared: bool) -> list[Entry]:
    """The families that the picture shows, if there are several, and the marks of a comparison."""
    panels = list(panels)
    shown = {family_of(v.label, v.kind) for p in panels for v in p.graph.vertices if v.kind == "operation"}
    shown |= {family_of(edge.label, "operation") for p in panels for edge in p.graph.edges if edge.label}
    keys = [(family, family) for family in FAMILIES if family in shown] if len(shown) > 1 else []
    if compared:
        found = {mark for panel in panels for mark in panel.marks.kinds()}
        keys += [(mark, text) for mark, text in MARKS.items() if mark in found] or [("same", "nothing differs")]
    entries: list[Entry] = []
    x = MARGIN
    for key, text in keys:
        width = SWATCH + 8 + text_width(text, SIZE - 1) + 20
        if x > MARGIN and x + width > right + 20:
            x, y = MARGIN, y + SWATCH + 10
        entries.append(Entry(x, y, key, text))
        x += width
    return entries
