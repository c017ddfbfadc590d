"""The blocks of the site's pages, and what is done with each of them.

A comment line directly above a fence says more of it; readers of the site do not see it:

    % not run: REASON     the block cannot run here
    % file: NAME          the block is a file, which later blocks of the page use
    % exit: N             its commands end with exit code N
    % long: REASON        the block runs with the slow tests only
    % tried: KEY=VALUE .. the block is a configuration, which is searched with these changes

A page with `% slow: REASON` in it is tested with the slow tests. `% given: NAME, ..` names what the page's folder holds
before the first block (`tests/notebooks/given.py`): small data, configurations and runs under the names of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "PAGES",
    "README",
    "ROOT",
    "Block",
    "blocks_of",
    "commands_of",
    "given_of",
    "indented_of",
    "links_of",
    "why_slow",
]

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
README = ROOT / "README.md"
PAGES = sorted(page for page in NOTEBOOKS.rglob("*.md") if "_site" not in page.parts)

_FENCE = re.compile(
    r"(?P<marks>(?:^[ ]*% [^\n]+\n)*)"
    r"^(?P<indent>[ ]*)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)[ ]*$",
    flags=re.MULTILINE | re.DOTALL,
)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n)+")
_MARK = re.compile(r"% (not run|file|exit|long|tried): (.+)")
_COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?((?:nas-tune|python -m trainables) .+)$", flags=re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|^:link: (\S+)$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its marks, and the number of its line."""

    language: str
    text: str
    marks: dict[str, str]
    line: int

    @property
    def is_run(self) -> bool:
        """Whether it is Python, has commands or is tried, and no mark says otherwise."""
        is_code = self.language == "python" or "tried" in self.marks or bool(commands_of(self))
        return is_code and "not run" not in self.marks and "file" not in self.marks


def blocks_of(page: Path) -> Iterator[Block]:
    """Every fenced block of a page that is not a directive, in order."""
    source = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(source):
        language = found["language"].strip()
        if not language.startswith("{"):
            line = source.count("\n", 0, found.start("fence")) + 1
            text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            yield Block(language, text, dict(_MARK.findall(found["marks"])), line)


def indented_of(page: Path) -> Iterator[Block]:
    """Every block of a page that is indented by four spaces, in order."""
    source = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in _INDENTED.finditer(source):
        yield Block(
            "", re.sub(r"^ {4}", "", found[0], flags=re.MULTILINE), {}, source.count("\n", 0, found.start()) + 1
        )


def commands_of(block: Block) -> list[str]:
    """Its commands, without what follows `#`; a line that ends with a backslash goes on."""
    joined = block.text.replace("\\\n", " ")
    return [line.partition(" #")[0].strip() for line in _COMMAND.findall(joined)]


def links_of(page: Path) -> list[str]:
    """What a page links of this project, without the part after `#`."""
    text = re.sub(r"^(`{3,}).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = (one or other for one, other in _LINK.findall(text))
    return [target.partition("#")[0] for target in found if not re.match(r"[a-z]+:|#", target)]


def why_slow(page: Path) -> str:
    """The reason for which a page is tested with the slow tests; empty for the others."""
    found = re.search(r"^% slow: (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return found[1] if found else ""


def given_of(page: Path) -> list[str]:
    """The names of what the page's folder holds before its first block."""
    found = re.search(r"^% given: (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return found[1].split(", ") if found else []
