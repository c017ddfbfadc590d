"""Every link inside the built site leads to a page, and to a place on it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.errors import SphinxError

__all__ = ["check"]


class _Page(HTMLParser):
    """What a page links, and the places to which others can link."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value and name in ("href", "src"):
                self.links.add(value)
            elif value and name == "id":
                self.places.add(value)


def check(app: Any, error: Exception | None) -> None:
    """Called when the site is built; a `SphinxError` lists the links that lead nowhere."""
    if error is not None or app.builder.name != "html":
        return
    pages = {file.resolve(): _Page(file) for file in Path(app.outdir).rglob("*.html")}
    dead = [
        f"{file.name}: {link}"
        for file, page in pages.items()
        for link in sorted(page.links)
        if _dead(file, link, pages)
    ]
    if dead:
        raise SphinxError("links that lead nowhere:\n" + "\n".join(dead))


def _dead(file: Path, link: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target not in pages:
        return not target.exists()
    return bool(parts.fragment) and unquote(parts.fragment) not in pages[target].places
