"""How long it takes until the project can be used: fresh processes, against one that does nothing.

    python tests/benchmarks/start_up.py

Each figure is the median wall time of a process less that of `python -c pass`, interleaved.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from _report import ROOT, heading, interleaved, line

NOTHING = "python -c pass"
ROUNDS = 9
COMMANDS = {
    NOTHING: ("-c", "pass"),
    "import search_spaces": ("-c", "import search_spaces"),
    "import trainables": ("-c", "import trainables"),
    "import nas_tune": ("-c", "import nas_tune"),
    "from nas_tune import search, open_run": ("-c", "from nas_tune import search, open_run"),
    "nas-tune --help": ("-m", "nas_tune", "--help"),
    "nas-tune spaces": ("-m", "nas_tune", "spaces"),
}
LIMITS = {"import nas_tune": 0.3}


def run(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})


def main() -> None:
    alternatives: dict[str, Callable[[], object]] = {name: partial(run, args) for name, args in COMMANDS.items()}
    seconds = interleaved(alternatives, ROUNDS)
    base = seconds.pop(NOTHING)
    heading(f"start-up: what comes on top of {NOTHING} ({base * 1e3:.0f} ms)")
    for name, value in seconds.items():
        line(name, value - base, "s", f"{value / base:.1f} x nothing", at_most=LIMITS.get(name))


if __name__ == "__main__":
    main()
