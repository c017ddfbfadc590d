"""The facts into the template, and the page to its file."""

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

from nas_tune.reports.data import facts
from nas_tune.reports.failures import failures, without_secrets
from nas_tune.reports.gallery import portraits
from nas_tune.reports.summary import headline, tiles
from nas_tune.results import Run
from nas_tune.results.frames import written_aside

__all__ = ["report", "script_text", "write_page"]

_DRAWN = 3
_SCRIPTS = ("plot.js", "charts.js", "table.js")


def report(run: Run, out: str | Path | None = None) -> Path:
    """Write the page of a run (by default to `report.html` in its folder), which may be running; its path.

    Raises:
        RunFolderError: the file cannot be written; nothing is left behind.
    """
    path = Path(out) if out is not None else run.path / "report.html"
    found = facts(run)
    shown = (found["front"] or found["best"])[:_DRAWN]
    trials = run.trials()
    context = {
        "facts": found,
        "headline": headline(run),
        "tiles": tiles(run, found),
        "portraits": portraits(run, shown),
        "failures": failures(trials),
        "notes": [(trial, without_secrets(text)) for trial, text in run.state.notes],
        "config": without_secrets(run.config.to_toml()),
        "versions": run.meta.get("versions", {}),
    }
    write_page(path, "page.html", context, _SCRIPTS)
    return path


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
