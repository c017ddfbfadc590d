"""Pictures of architectures: SVG in a layered layout, and Mermaid or DOT text for other tools.

    draw(architecture)                     # shows itself in a notebook
    draw(architecture).save("cell.svg")    # or .mmd, .dot
    draw(architecture, other)              # side by side, with frames around differences

The package is pure Python and needs no Graphviz. The same architecture gives the same text, to the last byte.
"""

from __future__ import annotations

from search_spaces.drawing.picture import Drawing, draw

__all__ = ["Drawing", "draw"]
