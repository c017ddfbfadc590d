"""Pieces of Python source that can be compared, filled in and broken into lines of at most 120 characters.

A piece is text, a number that may turn into an argument, or a bracket with items. Two pieces have the same
`form` if they differ in their numbers only: that is how equal blocks of different widths become one class.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

__all__ = ["WIDTH", "Group", "Item", "Number", "Piece", "Text", "flat", "form", "numbers", "replaced", "written"]

WIDTH = 120
INDENT = "    "


@dataclass(frozen=True)
class Text:
    """Source as it is."""

    text: str


@dataclass(frozen=True)
class Number:
    """A whole number with its role, such as `in_channels`; which may become an argument."""

    value: int
    role: str


@dataclass(frozen=True)
class Item:
    """An item of a bracket: what stands before it (`padding=`), and the number that need not be said."""

    prefix: str
    piece: Piece
    default: int | None = None


@dataclass(frozen=True)
class Group:
    """A bracket: `nn.Conv2d(`, items, `)`; or without brackets pieces in a row, which are never broken."""

    opening: str
    items: tuple[Item, ...]
    closing: str
    separator: str = ", "


Piece = Text | Number | Group


def form(piece: Piece) -> Hashable:
    """The piece without its numbers: equal for pieces that differ in numbers only."""
    if isinstance(piece, Text):
        return piece.text
    if isinstance(piece, Number):
        return ("number", piece.role)
    items = tuple((item.prefix, item.default, form(item.piece)) for item in piece.items)
    return (piece.opening, piece.separator, piece.closing, items)


def numbers(piece: Piece) -> Iterator[Number]:
    """Its numbers, from left to right."""
    if isinstance(piece, Number):
        yield piece
    elif isinstance(piece, Group):
        for item in piece.items:
            yield from numbers(item.piece)


def replaced(piece: Piece, others: Iterator[Piece | None]) -> Piece:
    """The piece with its numbers replaced, from left to right, by the next of `others`, and without defaults.

    A number stays for which None comes. By place, not by number: of two places that share a number in one block, each
    may have its own in another block.
    """
    if isinstance(piece, Text):
        return piece
    if isinstance(piece, Number):
        return next(others) or piece
    items = [Item(item.prefix, replaced(item.piece, others), item.default) for item in piece.items]
    return Group(piece.opening, tuple(item for item in items if not _is_default(item)), piece.closing, piece.separator)


def _is_default(item: Item) -> bool:
    return isinstance(item.piece, Number) and item.piece.value == item.default


def flat(piece: Piece) -> str:
    """The piece on one line."""
    if isinstance(piece, Text):
        return piece.text
    if isinstance(piece, Number):
        return str(piece.value)
    inside = piece.separator.join(item.prefix + flat(item.piece) for item in piece.items if not _is_default(item))
    # A tuple of one item needs its comma.
    comma = "," if piece.opening == "(" and len(piece.items) == 1 and piece.separator == ", " else ""
    return f"{piece.opening}{inside}{comma}{piece.closing}"


def written(piece: Piece, depth: int, lead: str = "") -> list[str]:
    """The piece as lines at an indentation of `depth`, `lead` before it; a bracket too long has an item a line."""
    line = f"{INDENT * depth}{lead}{flat(piece)}"
    if not isinstance(piece, Group) or not piece.items or (len(line) <= WIDTH and not _crowded(piece)):
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


def _crowded(piece: Group) -> bool:
    """Whether a container of layers would hide its structure on one line."""
    layers = [item for item in piece.items if isinstance(item.piece, Group) and "(" in item.piece.opening]
    return piece.opening.startswith(("nn.Sequential(", "nn.ModuleDict(", "nn.ModuleList(")) and len(layers) > 1


def _flattened(piece: Group) -> list[Item]:
    """The links of a chain of calls, one after another."""
    first = piece.items[0]
    inner = first.piece
    if isinstance(inner, Group) and not (first.prefix or inner.opening or inner.closing or inner.separator):
        return [*_flattened(inner), *piece.items[1:]]
    return list(piece.items)


def _packed(piece: Group, depth: int) -> list[str]:
    """Plain numbers, as many a line as it holds."""
    lines, line = [], INDENT * depth
    for item in piece.items:
        text = f"{flat(item.piece)}, "
        if len(line) + len(text) > WIDTH:
            lines.append(line.rstrip())
            line = INDENT * depth
        line += text
    return [*lines, line.rstrip()]


def _broken_row(piece: Group, depth: int, lead: str) -> list[str]:
    """A sum has a term a line, within brackets; of other pieces in a row the last one is broken."""
    if piece.separator.strip():
        lines = [f"{INDENT * depth}{lead}("]
        for place, item in enumerate(piece.items):
            sign = f"{piece.separator.strip()} " if place else ""
            lines += written(item.piece, depth + 1, sign + item.prefix)
        return [*lines, f"{INDENT * depth})"]
    *before, last = _flattened(piece)
    head = "".join(f"{item.prefix}{flat(item.piece)}{piece.separator}" for item in before)
    if isinstance(last.piece, Group) and not piece.closing:
        if len(before) > 1 and len(INDENT * depth + lead + head) > WIDTH // 2:
            # A long chain has a link a line, within brackets.
            links = [f"{INDENT * (depth + 1)}{flat(item.piece)}" for item in (*before[1:], last)]
            first = f"{INDENT * (depth + 1)}{piece.opening}{flat(before[0].piece)}"
            return [f"{INDENT * depth}{lead}(", first, *links, f"{INDENT * depth})"]
        return written(last.piece, depth, f"{lead}{piece.opening}{head}{last.prefix}")
    return [f"{INDENT * depth}{lead}{flat(piece)}"]
