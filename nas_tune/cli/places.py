"""The consoles of stdout and stderr, and the folder of a run from its path or name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nas_tune.config.names import as_typed as shown
from nas_tune.config.names import check_local
from nas_tune.errors import LedgerDamagedError
from nas_tune.ledger.places import ledger_path
from search_spaces.names import did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_folder", "shown", "stderr", "stdout", "width_of"]

_RUNS = Path("runs")


def stdout() -> Console:
    """Make the console of stdout, for the result of a command.

    Returns:
        A console that never wraps lines.
    """
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)


def stderr() -> Console:
    """Make the console of stderr, for everything but the result.

    Returns:
        A console that wraps between words on a terminal, and never elsewhere.
    """
    from rich.console import Console

    watched = sys.stderr.isatty()
    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=not watched)


def width_of(console: Console) -> int | None:
    """Read how many characters a line of a terminal has.

    Args:
        console: the console.

    Returns:
        The width; None where it is not a terminal, so that nothing is cut.
    """
    return console.width if console.is_terminal else None


def run_folder(typed: str) -> Path:
    """Find the folder of a run.

    Args:
        typed: the path of the folder, or the name of the run below `runs/`. A folder with a ledger goes before one
            without.

    Returns:
        The folder, which exists.

    Raises:
        LedgerDamagedError: there is no such folder; the message names the closest run.
        ConfigError: the text is a URL.
    """
    check_local(typed, "run")
    given = Path(typed).expanduser()
    # Path.is_dir raises for a name that is too long or a folder that may not be looked into.
    found = [folder for folder in (given, _RUNS / typed) if os.path.isdir(folder)]
    if found:
        # A folder of another kind, such as one of images, may have the name of the run.
        return next((folder for folder in found if os.path.exists(ledger_path(folder))), found[0])
    near = given.parent if len(given.parts) > 1 else _RUNS
    known = [folder.name for folder in near.iterdir() if folder.is_dir()] if os.path.isdir(near) else []
    hint = did_you_mean(given.name, known) or (f"; {near} has: {', '.join(sorted(known)[:9])}" if known else "")
    raise LedgerDamagedError(f"there is no run {typed!r}{hint}")
