"""Pictures of architectures: SVG in a layout of our own, and Mermaid or DOT text for other tools.

    draw(architecture)                     # shows itself in a notebook
    draw(architecture).save("cell.svg")    # or .mmd, .dot
    draw(architecture, other)              # side by side, what differs framed

Pure Python, no Graphviz; the same architecture gives the same text, to the last byte.
"""

from __future__ import annotations

from search_spaces.drawing.picture import Drawing, draw

__all__ = ["Drawing", "draw"]
