"""`draw` and what it returns. The layout is imported by the first picture: whoever draws none waits for nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.architecture import Architecture
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.names import did_you_mean, remote_problem

if TYPE_CHECKING:
    from search_spaces.drawing.scene import Side
    from search_spaces.space import Space

__all__ = ["Drawing", "draw"]

SUFFIXES = (".svg", ".mmd", ".dot")


def draw(architecture: object, other: object = None, *, space: Space | None = None) -> Drawing:
    """A picture of `architecture`, or of two side by side with what differs framed.

    Both are members of `space`, or of the space that made them: one that is bound to none (made by hand, read
    back from JSON) needs `space=`. `ArchitectureError` without it, and for what does not belong to the space.
    """
    members = [architecture] if other is None else [architecture, other]
    return Drawing(tuple(_side(member, space, letter) for member, letter in zip(members, _letters(other), strict=True)))


def _letters(other: object) -> tuple[str, ...]:
    return ("",) if other is None else ("A: ", "B: ")


def _side(member: object, space: Space | None, letter: str) -> Side:
    from search_spaces.drawing.scene import Side

    space = space or (member.space if isinstance(member, Architecture) else None)
    if space is None:
        raise ArchitectureError("", "it is bound to no space, which knows how to draw it; give draw(.., space=..)")
    checked = space.validate(member)
    name = space.name or "architecture"
    try:
        graphs = space.graphs(checked)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ArchitectureError(
            "", f"{type(space).__name__} cannot draw it ({error!r}): its class expects another tree"
        ) from error
    return Side(name, f"{letter}{name} {checked.id}", graphs)


class Drawing:
    """A picture of one architecture or of two; a notebook shows it."""

    def __init__(self, sides: tuple[Side, ...]) -> None:
        self._sides = sides

    def svg(self) -> str:
        """A self-contained SVG file, without scripts; its text is escaped."""
        from search_spaces.drawing.scene import composed
        from search_spaces.drawing.svg import svg

        return svg(composed(self._sides), " and ".join(side.heading for side in self._sides))

    def mermaid(self) -> str:
        """A Mermaid flowchart, for Markdown."""
        from search_spaces.drawing.markup import mermaid

        return mermaid(self._sides)

    def dot(self) -> str:
        """A DOT digraph, for Graphviz."""
        from search_spaces.drawing.markup import dot

        return dot(self._sides)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file whose suffix says what: .svg, .mmd or .dot; `SpaceError` for another one."""
        if problem := remote_problem(path):
            raise SpaceError(f"the picture's file: {problem}")
        written = Path(path)
        texts = dict(zip(SUFFIXES, (self.svg, self.mermaid, self.dot), strict=True))
        if written.suffix not in texts:
            close = did_you_mean(written.suffix, SUFFIXES)
            raise SpaceError(f"{written.name!r}: a picture ends in {', '.join(SUFFIXES)}{close}; rename it")
        written.write_text(texts[written.suffix](), encoding="utf-8")
        return written

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<Drawing of {' and '.join(side.heading for side in self._sides)}>"
