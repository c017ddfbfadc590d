"""A picture as SVG: one self-contained element without scripts, styles or ids, on a white background."""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces.drawing.difference import Mark
from search_spaces.drawing.layout import Box, Line
from search_spaces.drawing.palette import CHANGED, FAMILIES, GREY, INK, ONLY, PAPER, family_of
from search_spaces.drawing.scene import SWATCH, LegendEntry, Panel, Scene, TextLine
from search_spaces.drawing.text import FONT, LINE, SIZE, xml

__all__ = ["svg"]


def svg(scene: Scene, title: str) -> str:
    """Write a picture as SVG.

    Args:
        scene: the picture.
        title: the text for screen readers.

    Returns:
        The text of the file.
    """
    width, height = f"{scene.width:.0f}", f"{scene.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{xml(title)}" font-family="{xml(FONT)}" font-size="{SIZE:g}">',
        f"<title>{xml(title)}</title>",
        f'<rect class="paper" width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
    ]
    for panel in scene.panels:
        parts += _panel(panel)
    parts += map(_text, scene.texts)
    for entry in scene.legend:
        parts += _entry(entry)
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel) -> Iterator[str]:
    kinds: dict[str, str] = {vertex.name: vertex.kind for vertex in panel.graph.vertices}
    for box in panel.placed.boxes:  # frames come first: the arrows of lines end inside them
        mark = panel.marks.edges.get(box.edge) if box.edge else panel.marks.vertices.get(box.vertex or "")
        if mark:
            yield _frame(box.x - 4, box.y - 4, box.width + 8, box.height + 8, _rounding(box, kinds) + 4, mark)
    for line in panel.placed.lines:
        yield from _line(line, panel.marks.edges.get(line.edge))
    for box in panel.placed.boxes:
        label, kind = (box.edge.label, "operation") if box.edge else (" ".join(box.lines), kinds[box.vertex or ""])
        yield from _box(box, family_of(label, kind), _rounding(box, kinds))


def _rounding(box: Box, kinds: dict[str, str]) -> float:
    """The radius of a box's corners: small for operations that are vertices, a half circle for all others."""
    return 7.0 if box.vertex is not None and kinds[box.vertex] == "operation" else box.height / 2


def _line(line: Line, mark: Mark | None) -> Iterator[str]:
    stroke = {"changed": CHANGED, "only": ONLY}.get(mark or "", GREY)
    width = 2.4 if mark else 1.4
    dashes = ' stroke-dasharray="3 4"' if line.edge.label and family_of(line.edge.label, "operation") == "zero" else ""
    yield f'<path class="edge" d="{line.path}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashes}/>'
    x, y = line.tip
    yield f'<path class="tip" d="M {x:.1f} {y:.1f} l -4.2 -7.5 h 8.4 z" fill="{stroke}"/>'


def _box(box: Box, family: str, round_by: float) -> Iterator[str]:
    colours, role = FAMILIES[family], "label" if box.edge else "vertex"
    dashes = ' stroke-dasharray="3 3"' if family == "zero" else ""
    yield f"<g><title>{xml(_hint(box))}</title>"
    yield (
        f'<rect class="{role}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{round_by:.1f}" fill="{colours.fill}" stroke="{colours.stroke}" stroke-width="1.3"{dashes}/>'
    )
    top = box.y + box.height / 2 - SIZE * LINE * (len(box.lines) - 1) / 2
    for number, line in enumerate(box.lines):
        base = top + SIZE * LINE * number + SIZE * 0.35
        middle = box.x + box.width / 2
        yield f'<text x="{middle:.1f}" y="{base:.1f}" text-anchor="middle" fill="{INK}">{xml(line)}</text>'
    yield "</g>"


def _hint(box: Box) -> str:
    if box.edge is not None:
        return f"{box.edge.source} \N{RIGHTWARDS ARROW} {box.edge.target}: {box.edge.label}"
    return box.vertex or ""


def _frame(x: float, y: float, width: float, height: float, round_by: float, mark: str) -> str:
    stroke, dashes = (CHANGED, "") if mark == "changed" else (ONLY, ' stroke-dasharray="6 3"')
    return (
        f'<rect class="mark {mark}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{round_by:.1f}" fill="{PAPER}" stroke="{stroke}" stroke-width="2.4"{dashes}/>'
    )


def _text(text: TextLine) -> str:
    weight = ' font-weight="600"' if text.bold or text.mark else ""
    fill = CHANGED if text.mark else INK if text.bold else GREY
    place = f'x="{text.x:.1f}" y="{text.y:.1f}" font-size="{text.size:g}"'
    return f'<text {place} fill="{fill}"{weight}>{xml(text.text)}</text>'


def _entry(entry: LegendEntry) -> Iterator[str]:
    if entry.key in FAMILIES:
        colours = FAMILIES[entry.key]
        yield (
            f'<rect class="legend" x="{entry.x:.1f}" y="{entry.y:.1f}" width="{SWATCH:g}" height="{SWATCH:g}" rx="4" '
            f'fill="{colours.fill}" stroke="{colours.stroke}" stroke-width="1.3"/>'
        )
    elif entry.key != "same":
        yield _frame(entry.x, entry.y, SWATCH, SWATCH, 4, entry.key)
    x = entry.x + (SWATCH + 8 if entry.key != "same" else 0)
    y = entry.y + SWATCH / 2 + (SIZE - 1) * 0.35
    yield f'<text x="{x:.1f}" y="{y:.1f}" font-size="{SIZE - 1:g}" fill="{INK}">{xml(entry.text)}</text>'
