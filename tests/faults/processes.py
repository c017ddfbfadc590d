"""Real processes to signal: started in the checkout, watched through the ledger that they write."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from nas_tune.errors import NasTuneError
from nas_tune.ledger import Ledger

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    """`python -m ARGUMENTS` in the checkout."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def events_in(run: Path) -> int:
    """How many events the run's ledger holds; 0 while there is none."""
    try:
        with closing(Ledger.open(run, readonly=True)) as ledger:
            return len(ledger)
    except NasTuneError:
        return 0


def wait_for_events(run: Path, count: int, process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Until the ledger holds `count` events, or the process ended."""
    end = time.monotonic() + seconds
    while events_in(run) < count and process.poll() is None:
        assert time.monotonic() < end, f"only {events_in(run)} events after {seconds} seconds"
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Every process below it that is alive."""
    return psutil.Process(process.pid).children(recursive=True)
