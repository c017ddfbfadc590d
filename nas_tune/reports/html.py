"""Fills a template and writes it as one HTML file; every page of this package is made here.

A page loads nothing from elsewhere: its content security policy forbids that, and allows no script but its own.
Messages and names from the run are escaped.
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
    """Fill a template of this package and write the page, whole or not at all.

    Args:
        path: the file to write.
        template: the name of the template, such as page.html.
        context: the variables of the template; the scripts read `context["facts"]`.
        scripts: the names of the scripts in the page, in order. The page's policy allows no others.

    Raises:
        RunFolderError: the file cannot be written.
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
    """Write a value as JSON that fits into a script element, because no character of it can end the element.

    Args:
        value: plain data without infinite numbers.

    Returns:
        The JSON, in ASCII.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _read(name: str) -> str:
    return files("nas_tune.reports").joinpath(name).read_text(encoding="utf-8")
