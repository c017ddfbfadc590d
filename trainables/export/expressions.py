"""Pieces of Python source that can be compared, filled in and broken into lines of at most 120 characters.

A piece is text, a number that may become an argument, or a bracket with items. Two pieces have the same `form` if they
differ in their numbers only. In this way equal blocks of different widths become one class.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

__all__ = [
    "WIDTH",
    "Bracket",
    "Entry",
    "Number",
    "Piece",
    "SourceText",
    "flat",
    "form",
    "numbers",
    "replaced",
    "written",
]

WIDTH = 120
INDENT = "    "


@dataclass(frozen=True)
class SourceText:
    """Fixed source.

    Attributes:
        text: the source.
    """

    text: str


@dataclass(frozen=True)
class Number:
    """A whole number that may become an argument.

    Attributes:
        value: the number.
        role: what the number means, such as `in_channels`.
    """

    value: int
    role: str


@dataclass(frozen=True)
class Entry:
    """An item of a bracket.

    Attributes:
        prefix: the text before it, such as `padding=`.
        piece: the item itself.
        default: a number that is left out of the source.
    """

    prefix: str
    piece: Piece
    default: int | None = None


@dataclass(frozen=True)
class Bracket:
    """A bracket with items, as in `nn.Conv2d(`, items, `)`; or, without brackets, a row of pieces that is never broken.

    Attributes:
        opening: the text before the items.
        items: the items.
        closing: the text after the items.
        separator: the text between two items.
    """

    opening: str
    items: tuple[Entry, ...]
    closing: str
    separator: str = ", "


Piece = SourceText | Number | Bracket


def form(piece: Piece) -> Hashable:
    """Build a key of a piece without its numbers.

    Args:
        piece: the piece.

    Returns:
        A value that is equal for pieces that differ in numbers only.
    """
    if isinstance(piece, SourceText):
        return piece.text
    if isinstance(piece, Number):
        return ("number", piece.role)
    items = tuple((item.prefix, item.default, form(item.piece)) for item in piece.items)
    return (piece.opening, piece.separator, piece.closing, items)


def numbers(piece: Piece) -> Iterator[Number]:
    """List the numbers of a piece.

    Args:
        piece: the piece.

    Yields:
        Its numbers, from left to right.
    """
    if isinstance(piece, Number):
        yield piece
    elif isinstance(piece, Bracket):
        for item in piece.items:
            yield from numbers(item.piece)


def replaced(piece: Piece, others: Iterator[Piece | None]) -> Piece:
    """Replace the numbers of a piece, and leave out items whose number is the default.

    Numbers are replaced by their place and not by their value, because two places may share a value in one block and
    differ in another.

    Args:
        piece: the piece.
        others: what replaces each number, from left to right; None keeps the number.

    Returns:
        The new piece.
    """
    if isinstance(piece, SourceText):
        return piece
    if isinstance(piece, Number):
        return next(others) or piece
    items = [Entry(item.prefix, replaced(item.piece, others), item.default) for item in piece.items]
    return Bracket(
        piece.opening, tuple(item for item in items if not _is_default(item)), piece.closing, piece.separator
    )


def _is_default(item: Entry) -> bool:
    return isinstance(item.piece, Number) and item.piece.value == item.default


def flat(piece: Piece) -> str:
    """Write a piece on one line.

    Args:
        piece: the piece.

    Returns:
        The source.
    """
    if isinstance(piece, SourceText):
        return piece.text
    if isinstance(piece, Number):
        return str(piece.value)
    inside = piece.separator.join(item.prefix + flat(item.piece) for item in piece.items if not _is_default(item))
    # A tuple of one item needs its comma.
    comma = "," if piece.opening == "(" and len(piece.items) == 1 and piece.separator == ", " else ""
    return f"{piece.opening}{inside}{comma}{piece.closing}"


def written(piece: Piece, depth: int, lead: str = "") -> list[str]:
    """Write a piece as lines of at most 120 characters. A bracket that is too long has one item per line.

    Args:
        piece: the piece.
        depth: the indentation, in steps of four spaces.
        lead: the text before the piece.

    Returns:
        The lines.
    """
    line = f"{INDENT * depth}{lead}{flat(piece)}"
    if not isinstance(piece, Bracket) or not piece.items or (len(line) <= WIDTH and not _crowded(piece)):
        return [line]
    if not piece.closing or piece.separator != ", ":
        return _broken_row(piece, depth, lead)
    lines = [f"{INDENT * depth}{lead}{piece.opening}"]
    if all(isinstance(item.piece, Number) and not item.prefix for item in piece.items):
        lines += _packed(piece, depth + 1)
    else:
        for item in piece.items:
            inner = written(item.piece, depth + 1, item.prefix)
            lines += [*inner[:-1], f"{inner[-1]},"]
    return [*lines, f"{INDENT * depth}{piece.closing}"]


def _crowded(piece: Bracket) -> bool:
    """Check whether a container of several layers needs one line per layer."""
    layers = []
    for item in piece.items:
        if isinstance(item.piece, Bracket) and "(" in item.piece.opening:
            layers.append(item)
    return piece.opening.startswith(("nn.Sequential(", "nn.ModuleDict(", "nn.ModuleList(")) and len(layers) > 1


def _flattened(piece: Bracket) -> list[Entry]:
    """List the calls of a chain, such as `x.view(..).transpose(..)`."""
    first = piece.items[0]
    inner = first.piece
    if isinstance(inner, Bracket) and not (first.prefix or inner.opening or inner.closing or inner.separator):
        return [*_flattened(inner), *piece.items[1:]]
    return list(piece.items)


def _packed(piece: Bracket, depth: int) -> list[str]:
    """Write plain numbers in full lines."""
    lines, line = [], INDENT * depth
    for item in piece.items:
        text = f"{flat(item.piece)}, "
        if len(line) + len(text) > WIDTH:
            lines.append(line.rstrip())
            line = INDENT * depth
        line += text
    return [*lines, line.rstrip()]


def _broken_row(piece: Bracket, depth: int, lead: str) -> list[str]:
    """Break a sum into a term per line, within brackets; in any other row, break the last piece."""
    if piece.separator.strip():
        lines = [f"{INDENT * depth}{lead}("]
        for place, item in enumerate(piece.items):
            sign = f"{piece.separator.strip()} " if place else ""
            lines += written(item.piece, depth + 1, sign + item.prefix)
        return [*lines, f"{INDENT * depth})"]
    *before, last = _flattened(piece)
    head = "".join(f"{item.prefix}{flat(item.piece)}{piece.separator}" for item in before)
    if isinstance(last.piece, Bracket) and not piece.closing:
        if len(before) > 1 and len(INDENT * depth + lead + head) > WIDTH // 2:
            # A long chain has one call per line, within brackets.
            links = [f"{INDENT * (depth + 1)}{flat(item.piece)}" for item in (*before[1:], last)]
            first = f"{INDENT * (depth + 1)}{piece.opening}{flat(before[0].piece)}"
            return [f"{INDENT * depth}{lead}(", first, *links, f"{INDENT * depth})"]
        return written(last.piece, depth, f"{lead}{piece.opening}{head}{last.prefix}")
    return [f"{INDENT * depth}{lead}{flat(piece)}"]
