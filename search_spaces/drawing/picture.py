"""`draw`, and the picture that it returns. The layout is imported by the first picture, to keep the import fast."""

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
    """Draw an architecture, or two side by side with frames around their differences.

    Args:
        architecture: a member of `space`, or of the space that it is bound to.
        other: another one, to compare; None for none.
        space: the space of both. An architecture that is bound to none (made by hand, read from JSON) needs it.

    Returns:
        The picture.

    Raises:
        ArchitectureError: an architecture is bound to no space and `space` is None, or it is not a member.
    """
    if other is None:
        return Drawing((_side(architecture, space, ""),))
    return Drawing((_side(architecture, space, "A: "), _side(other, space, "B: ")))


def _side(member: object, space: Space | None, letter: str) -> Side:
    from search_spaces.drawing.scene import Side

    space = space or (member.space if isinstance(member, Architecture) else None)
    if space is None:
        raise ArchitectureError("", "it is bound to no space, so its graphs are unknown; give draw(.., space=..)")
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
    """A picture of one architecture or of two; a notebook shows it.

    Args:
        sides: the architectures with their graphs.
    """

    def __init__(self, sides: tuple[Side, ...]) -> None:
        self._sides = sides

    def svg(self) -> str:
        """Write the picture as SVG.

        Returns:
            The text of a self-contained file, without scripts; texts in it are escaped.
        """
        from search_spaces.drawing.scene import composed
        from search_spaces.drawing.svg import svg

        return svg(composed(self._sides), " and ".join(side.heading for side in self._sides))

    def mermaid(self) -> str:
        """Write the graphs as a Mermaid flowchart, for Markdown.

        Returns:
            The text.
        """
        from search_spaces.drawing.markup import mermaid

        return mermaid(self._sides)

    def dot(self) -> str:
        """Write the graphs as a DOT digraph, for Graphviz.

        Returns:
            The text.
        """
        from search_spaces.drawing.markup import dot

        return dot(self._sides)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file in the format of its suffix.

        Args:
            path: the file; it ends in .svg, .mmd or .dot.

        Returns:
            The written file.

        Raises:
            SpaceError: the suffix is another one, or the path is a URL.
        """
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
