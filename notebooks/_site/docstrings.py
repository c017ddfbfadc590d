"""Docstrings are plain text with Google's sections; Sphinx wants reStructuredText."""

from __future__ import annotations

from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring

__all__ = ["to_restructured_text"]

_SECTIONS = tuple(f"{name}:" for name in GoogleDocstring("", Config())._sections)


def to_restructured_text(app: Any, kind: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Turn indented paragraphs into literal blocks, and asterisks into characters; `lines` change in place."""
    found: list[str] = []
    in_section = in_block = False
    for line in lines:
        indented = line.startswith("    ")
        if line.strip() and not indented:
            in_section, in_block = line.strip().lower() in _SECTIONS, False
        elif indented and not in_section and not in_block and found and not found[-1].strip():
            found += ["::", ""]
            in_block = True
        found.append(line if in_block else line.replace("*", r"\*").replace("|", r"\|"))
    lines[:] = found
