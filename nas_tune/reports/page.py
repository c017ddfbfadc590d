"""The page of a run: gathers its facts, fills the template, and writes the file."""

from __future__ import annotations

import base64
from pathlib import Path

from nas_tune.errors import ConfigError
from nas_tune.reports.data import facts
from nas_tune.reports.failures import failures
from nas_tune.reports.gallery import portraits
from nas_tune.reports.html import write_page
from nas_tune.reports.limits import limits_of_run
from nas_tune.reports.summary import headline, tiles
from nas_tune.results import Run
from nas_tune.results.pictures import kept_pictures, left_out
from nas_tune.results.redaction import without_secrets

__all__ = ["report"]

_DRAWN = 3
_SCRIPTS = ("plot.js", "charts.js", "table.js")


def report(run: Run | str | Path, out: str | Path | None = None) -> Path:
    """Write the page of a run, which may still be running.

    Args:
        run: the run, or the path of its folder.
        out: the file to write; by default `report.html` in the folder of the run.

    Returns:
        The path of the file.

    Raises:
        ConfigError: the name of the file does not end with .html.
        RunFolderError: the file cannot be written; nothing is left behind.
    """
    run = Run.of(run)
    path = Path(out) if out is not None else run.path / "report.html"
    if path.suffix not in (".html", ".htm"):
        raise ConfigError(f"{path}: the report is a web page; give a name that ends with .html (--out)")
    found = facts(run)
    shown = (found["front"] or found["best"])[:_DRAWN]
    trials = run.trials()
    context = {
        "facts": found,
        "headline": headline(run),
        "tiles": tiles(run, found),
        "portraits": portraits(run, shown),
        "pictures": [(one.title, base64.b64encode(one.png).decode()) for one in kept_pictures(run.path)],
        "left_out": left_out(run.path),
        "controls": run.controls(),
        "unit_of": run.unit,
        "limits": limits_of_run(run, trials),
        "failures": failures(trials),
        "notes": [(trial, without_secrets(text)) for trial, text in run.state.notes],
        "config": without_secrets(run.config.to_toml()),
        "versions": run.meta.get("versions", {}),
    }
    write_page(path, "page.html", context, _SCRIPTS)
    return path
