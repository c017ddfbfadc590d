"""The command line, `nas-tune`: results on stdout, messages on stderr, an exit code for each kind of failure.

    app.py        the commands together, and the boundary that turns errors into messages and exit codes
    init.py       init
    search.py     search, resume
    results.py    results, best
    watch.py      watch
    dashboard.py  dashboard
    report.py     report
    explain.py    explain
    compare.py    compare
    retrain.py    retrain
    exporting.py  export
    listing.py    spaces, strategies
    doctor.py     doctor
    progress.py   what a search shows while it runs, on a terminal
    lines.py      the same as plain lines, in a log
    pace.py       what both count: trials done, the best so far, the time left
    summary.py    what a search says at its end
    export.py     frames as table, CSV, JSON or Parquet
    tables.py     aligned columns for people
    text.py       numbers, durations and strangers' strings as text
    places.py     where a run is, from what was typed

Engines, pandas and torch are imported by the commands that need them, so that `--help` is quick.
"""

from __future__ import annotations

from nas_tune.cli.app import main

__all__ = ["main"]
