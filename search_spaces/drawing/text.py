"""Text in a picture: how wide it is on screens whose fonts nobody knows, where it breaks, how it is escaped."""

from __future__ import annotations

import re
import unicodedata
from html import escape

__all__ = ["FONT", "LINE", "SIZE", "broken_lines", "text_width", "xml"]

FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
SIZE = 13.0
"""Height of the letters in pixels."""
LINE = 1.3
"""Distance of two lines, in letter heights."""
_NARROW, _WIDE = frozenset("iljftrI.,:;|!'()[]{}/\\ -`"), frozenset("mwMW@%&")


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text_width(text: str, size: float = SIZE) -> float:
    """About the width in pixels, for the widest of the fonts."""
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
    """`text` in lines of at most `most` characters, broken after commas; where that is not enough, after spaces and
    underscores, and within words.
    """
    phrases = _packed(re.findall(r"[^,]*,?\s*", " ".join(text.split())), most)
    lines = [line for phrase in phrases for line in _packed(re.findall(r"[^\s_]*_*\s*", phrase), most)]
    return tuple(line[i : i + most] for line in lines for i in range(0, len(line), most)) or ("",)


def _packed(parts: list[str], most: int) -> list[str]:
    """The parts in as few lines as hold them; one that is longer by itself stays as it is."""
    lines = [""]
    for part in parts:
        if lines[-1] and len((lines[-1] + part).rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines if line.strip()]


def xml(text: str) -> str:
    """`text` for the inside of an element or an attribute: markup escaped, characters that XML lacks replaced."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
