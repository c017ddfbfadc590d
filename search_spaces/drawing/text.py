"""Text in a picture: its width on a screen of unknown fonts, its line breaks, and its escapes."""

from __future__ import annotations

import re
import unicodedata
from html import escape

__all__ = ["FONT", "LINE", "SIZE", "broken_lines", "text_width", "xml"]

FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
SIZE = 13.0
"""The height of the letters in pixels."""
LINE = 1.3
"""The distance of two lines, in letter heights."""
_NARROW, _WIDE = frozenset("iljftrI.,:;|!'()[]{}/\\ -`"), frozenset("mwMW@%&")


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text_width(text: str, size: float = SIZE) -> float:
    """Estimate the width of a text in the widest of the fonts.

    Args:
        text: one line.
        size: the height of the letters, in pixels.

    Returns:
        The width in pixels.
    """
    return size * sum(map(_advance, text))


def _advance(character: str) -> float:
    if character in _NARROW:
        return 0.42
    if character in _WIDE:
        return 1.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.72 if character.isupper() else 0.64


def broken_lines(text: str, most: int = 22) -> tuple[str, ...]:
    """Break a text into lines: after commas; where that is not enough, after spaces and underscores, and within words.

    Args:
        text: the text.
        most: the most characters of a line.

    Returns:
        The lines, at least one.
    """
    phrases = _packed(re.findall(r"[^,]*,?\s*", " ".join(text.split())), most)
    lines: list[str] = []
    for phrase in phrases:
        for line in _packed(re.findall(r"[^\s_]*_*\s*", phrase), most):
            lines += [line[start : start + most] for start in range(0, len(line), most)]
    return tuple(lines) or ("",)


def _packed(parts: list[str], most: int) -> list[str]:
    """The parts in as few lines as possible; a part that is longer than a line is not cut."""
    lines = [""]
    for part in parts:
        if lines[-1] and len((lines[-1] + part).rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines if line.strip()]


def xml(text: str) -> str:
    """Escape a text for the inside of an element or an attribute.

    Args:
        text: the text.

    Returns:
        The text with markup escaped, and with U+FFFD for characters that XML does not allow.
    """
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
