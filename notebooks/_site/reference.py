"""Parts of pages that are made from the program while the site is built, so that they cannot be out of date.

A page says where: `% generated: strategies` on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from _site import catalogues, commands, interfaces, settings

__all__ = ["PARTS", "insert"]

PARTS: dict[str, Callable[[], str]] = {
    "api nas_tune": lambda: interfaces.of_module("nas_tune"),
    "api search_spaces": lambda: interfaces.of_module("search_spaces"),
    "api search_spaces.nn": lambda: interfaces.of_module("search_spaces.nn"),
    "api trainables": lambda: interfaces.of_module("trainables"),
    "commands": commands.every_command,
    "configuration": settings.every_key,
    "exit codes": commands.exit_codes,
    "methods": catalogues.methods,
    "schedulers": catalogues.schedulers,
    "spaces": catalogues.spaces,
    "strategies": catalogues.strategies,
    "trainables": catalogues.trainables,
}
_PLACE = re.compile(r"^% generated: (.+)$", flags=re.MULTILINE)
_FILE = re.compile(r"^% file: (?P<name>\S+)\n```(?P<language>\w+)\n", flags=re.MULTILINE)


def insert(app: Any, page: str, source: list[str]) -> None:
    """Replace the places of a page by what the program says, and give files their names; `source` changes in place."""
    source[0] = _PLACE.sub(lambda place: PARTS[place[1].strip()](), source[0])
    if page != "contributing":  # its text has the paths
        source[0] = _FILE.sub("```{code-block} \\g<language>\n:caption: \\g<name>\n", source[0])
