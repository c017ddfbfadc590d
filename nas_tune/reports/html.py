"""A template filled and written as one file: what every page of this package is made with.

A page loads nothing: its policy forbids it to, and lets no script run but its own. Whatever strangers wrote (messages,
names) is text in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from nas_tune.results.frames import written_aside

__all__ = ["script_text", "write_page"]


def write_page(path: Path, template: str, context: Mapping[str, Any], scripts: tuple[str, ...]) -> None:
    """Fill a template of this package and write it whole; `RunFolderError` where it cannot be written.

    `context["facts"]` is what the scripts read. The page's policy allows nothing but them and its own styles.
    """
    code = "\n".join(_read(name) for name in scripts)
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["grouped"] = lambda count: f"{count:,}"
    text = environment.get_template(template).render(
        **context,
        style=Markup(_read("page.css")),  # noqa: S704 -- our own file
        code=Markup(code),  # noqa: S704 -- our own files
        code_hash=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
        data=Markup(script_text(context["facts"])),  # noqa: S704 -- escaped for a script element
    )
    with written_aside(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def script_text(value: object) -> str:
    """JSON that may stand inside a script element: no character of it can end one."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode(errors="backslashreplace").decode()


def _read(name: str) -> str:
    return files("nas_tune.reports").joinpath(name).read_text(encoding="utf-8")
