"""The extension of this site: the reference from the program itself, docstrings as they are written here, and links."""

from __future__ import annotations

from typing import Any

from _site.docstrings import to_restructured_text
from _site.links import check
from _site.reference import insert

__all__ = ["setup"]

BEFORE_NAPOLEON = 400


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", insert)
    app.connect("build-finished", check)
    app.connect("autodoc-process-docstring", to_restructured_text, priority=BEFORE_NAPOLEON)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
