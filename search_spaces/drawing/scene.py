"""The whole picture in pixels: the panels with their titles, a heading for each side, a legend.

The cells of one architecture are side by side. Two architectures have a column each, and cells of one name a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from search_spaces.drawing.difference import Mark, Marks, marks, paired
from search_spaces.drawing.layout import Placed, graph_layout
from search_spaces.drawing.palette import FAMILIES, family_of
from search_spaces.drawing.text import SIZE, text_width
from search_spaces.graphs.graph import Graph

__all__ = ["Panel", "Scene", "Side", "TextLine", "composed"]

MARGIN, APART = 28.0, 56.0
WIDEST = 1500.0
"""The cells of one architecture are side by side up to this width in pixels, else one below the other."""
SWATCH = 16.0
BOLDER = 1.08
"""The width of bold text, relative to plain text."""
MARKS = {"changed": "differs", "only": "on this side only"}


@dataclass(frozen=True, slots=True)
class Side:
    """One architecture of a picture.

    Attributes:
        name: the name of its space.
        heading: the text above it.
        graphs: its cells.
    """

    name: str
    heading: str
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text.

    Attributes:
        x: where it begins, in pixels.
        y: its base line, in pixels.
        text: the text.
        size: the height of the letters, in pixels.
        bold: whether it is bold.
        mark: the mark of a title that differs; else None.
    """

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph in its place in the picture.

    Attributes:
        graph: the graph.
        placed: its boxes and lines.
        marks: its differences from the other side.
        x: its left side, in pixels.
        y: its upper side, in pixels.
    """

    graph: Graph
    placed: Placed
    marks: Marks
    x: float = 0.0
    y: float = 0.0

    def moved(self, x: float, y: float) -> Panel:
        """Move the panel right and down.

        Args:
            x: pixels to the right.
            y: pixels down.

        Returns:
            The moved panel.
        """
        return Panel(self.graph, self.placed.moved(x, y), self.marks, self.x + x, self.y + y)


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A line of the legend.

    Attributes:
        x: the left side of its swatch, in pixels.
        y: the upper side, in pixels.
        key: a family of operations, a mark, or "same".
        text: the text beside the swatch.
    """

    x: float
    y: float
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything in a picture, in pixels.

    Attributes:
        width: of the picture.
        height: of the picture.
        panels: the graphs.
        texts: the headings and titles.
        legend: the entries of the legend.
    """

    width: float
    height: float
    panels: tuple[Panel, ...]
    texts: tuple[TextLine, ...]
    legend: tuple[LegendEntry, ...]


def composed(sides: Sequence[Side]) -> Scene:
    """Compose the picture of one architecture, or of two that are compared.

    Args:
        sides: one or two.

    Returns:
        The picture.
    """
    rows = _paired(*sides) if len(sides) == 2 else _single(sides[0])
    columns = _columns(rows, sides)
    top = MARGIN + SIZE
    texts = [TextLine(x, top, side.heading, SIZE + 1, bold=True) for side, x in zip(sides, columns, strict=False)]
    titled = any(graph.name != side.name for side in sides for graph in side.graphs)
    panels, bottom = _stacked(rows, columns, top + SIZE + (SIZE * 1.6 if titled else 0.0))
    if titled:
        texts += [TextLine(p.x, p.y - SIZE, p.graph.name, SIZE, mark=p.marks.name) for p in panels]
    ends = [text.x + text_width(text.text, text.size) * BOLDER for text in texts]
    right = max(ends + [panel.x + panel.placed.width for panel in panels])
    legend = _legend(panels, bottom + SIZE, max(right, 420.0), compared=len(sides) == 2)
    if legend:
        bottom = legend[-1].y + SWATCH
    right = max([right, *(entry.x + SWATCH + 8 + text_width(entry.text, SIZE - 1) for entry in legend)])
    return Scene(right + MARGIN, bottom + MARGIN, tuple(panels), tuple(texts), tuple(legend))


def _stacked(rows: Sequence[Row], columns: Sequence[float], y: float) -> tuple[list[Panel], float]:
    """The panels in their places, one row below the other, and the `y` where the last row ends."""
    panels: list[Panel] = []
    bottom = y
    for row in rows:
        panels += [p.moved(x, y + SIZE) for p, x in zip(row, columns, strict=False) if p]
        bottom = y + SIZE + max(panel.placed.height for panel in row if panel)
        y = bottom + SIZE * 3.2
    return panels, bottom + SIZE / 2


Row = list[Panel | None]


def _single(side: Side) -> list[Row]:
    panels = [Panel(graph, graph_layout(graph), Marks()) for graph in side.graphs]
    wide = sum(panel.placed.width + APART for panel in panels) > WIDEST
    return [[panel] for panel in panels] if wide else [list(panels)]


def _paired(one: Side, other: Side) -> list[Row]:
    pairs = paired(one.graphs, other.graphs)
    return [[_marked(graph, against), _marked(against, graph)] for graph, against in pairs]


def _marked(graph: Graph | None, other: Graph | None) -> Panel | None:
    return None if graph is None else Panel(graph, graph_layout(graph), marks(graph, other))


def _columns(rows: Sequence[Row], sides: Sequence[Side]) -> list[float]:
    """The `x` of each column; columns are wide enough for their graphs, titles and headings."""
    starts = [MARGIN]
    headings = [side.heading for side in sides]
    for number, column in enumerate(zip_longest(*rows)):
        widths = [max(p.placed.width, text_width(p.graph.name)) for p in column if p]
        if len(sides) == 2:
            widths.append(text_width(headings[number], SIZE + 1) * BOLDER)
        starts.append(starts[-1] + max(widths) + APART)
    return starts[:-1]


def _legend(panels: Iterable[Panel], y: float, right: float, *, compared: bool) -> list[LegendEntry]:
    """An entry for each family that the picture shows, if there are several, and for each mark of a comparison."""

    shown: set[str] = set()
    found: set[Mark] = set()
    for panel in panels:
        labels = [vertex.label for vertex in panel.graph.vertices if vertex.kind == "operation"]
        labels += [edge.label for edge in panel.graph.edges if edge.label]
        shown.update(family_of(label, "operation") for label in labels)
        found |= panel.marks.kinds()
    keys = [(family, family) for family in FAMILIES if family in shown] if len(shown) > 1 else []
    if compared:
        keys += [(mark, text) for mark, text in MARKS.items() if mark in found] or [("same", "nothing differs")]
    entries: list[LegendEntry] = []
    x = MARGIN
    for key, text in keys:
        width = SWATCH + 8 + text_width(text, SIZE - 1) + 20
        if x > MARGIN and x + width > right + 20:
            x, y = MARGIN, y + SWATCH + 10
        entries.append(LegendEntry(x, y, key, text))
        x += width
    return entries
