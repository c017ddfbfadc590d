"""Where things go and where they are: the two streams, and a run folder from what was typed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nas_tune.config.names import as_typed as shown
from nas_tune.config.names import check_local
from nas_tune.errors import LedgerDamagedError
from search_spaces.names import did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_folder", "shown", "stderr", "stdout", "width_of"]

_RUNS = Path("runs")


def stdout() -> Console:
    """The console of stdout, for what a command was asked for."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)


def stderr() -> Console:
    """The console of stderr, for everything else; on a terminal it wraps between words."""
    from rich.console import Console

    watched = sys.stderr.isatty()
    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=not watched)


def width_of(console: Console) -> int | None:
    """How many characters a line has on a terminal; None where nobody looks, and nothing must be cut."""
    return console.width if console.is_terminal else None


def run_folder(typed: str) -> Path:
    """The folder of a run from its path, or from its name below `runs/`.

    Raises:
        LedgerDamagedError: there is no such folder; names the closest run.
    """
    check_local(typed, "run")
    given = Path(typed).expanduser()
    for folder in (given, _RUNS / typed):
        # Path.is_dir raises for a name that is too long or a folder that may not be looked into.
        if os.path.isdir(folder):
            return folder
    near = given.parent if len(given.parts) > 1 else _RUNS
    known = [folder.name for folder in near.iterdir() if folder.is_dir()] if os.path.isdir(near) else []
    hint = did_you_mean(given.name, known) or (f"; {near} has: {', '.join(sorted(known)[:9])}" if known else "")
    raise LedgerDamagedError(f"there is no run {typed!r}{hint}")
