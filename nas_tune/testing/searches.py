"""The conformance suite of whole searches, on the command line as a user runs them. For your own task or space too.

    from nas_tune.testing import check_search

    def test_my_task(tmp_path) -> None:
        check_search("search.toml", tmp_path)

The configuration names the task, the space and the data. Give it a few trials of a few epochs on small data, and a
strategy that does not learn, such as random, where several workers run: which of their trials ends first is no promise.
`AssertionError` names the command or the promise that is broken. It runs processes, and writes below the given folder.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_tune.errors import NasTuneError
from nas_tune.ledger import Ledger, ledger_path
from nas_tune.results import Run

__all__ = ["check_search"]

_SECONDS = 600.0
"""How long one command may take."""
_POLL = 0.02
_USAGE = 2
"""The exit code of a command that says why it cannot be."""


def check_search(
    configuration: str | Path, folder: str | Path, *, formats: Sequence[str] = ("safetensors", "py", "pt2", "onnx")
) -> None:
    """Check that a search which is killed goes on as if it had not been, and everything that follows a search.

    The search is run whole, and again with SIGKILL in its middle and a resume. Then the winner is retrained, reported,
    explained, compared, exported, and compressed or refused with a reason.

    Args:
        configuration: a file for `nas-tune search`, whatever its `run_dir`.
        folder: an empty one for the runs.
        formats: what the winner is exported to.

    Raises:
        AssertionError: a promise is broken, or a command fails; the message says which.
    """
    given, whole, killed = Path(configuration).absolute(), Path(folder) / "whole", Path(folder) / "killed"
    _called("search", str(given), "--set", f"run_dir={whole.absolute()}", "--quiet")
    half = max(2, _events(whole) // 2)
    _killed(["search", str(given), "--set", f"run_dir={killed.absolute()}", "--quiet"], killed, half)
    _called("resume", str(killed), "--quiet")
    one, other = Run(whole), Run(killed)
    _require(_values(one) == _values(other), "a killed search ends as one that was not killed", _values(other))
    _called("retrain", str(killed), "--seeds", "1", "--epochs", "1", "--baselines", "1", "--quiet")
    tested = Run(killed / "retrain").trials()
    scores = [float(score) for score in tested.get(f"test_{one.metric}", ())]
    _require(bool(scores) and all(map(math.isfinite, scores)), "the test split is judged by the metric", scores)
    for command in ("report", "explain"):
        _called(command, str(killed))
    _called("compare", str(whole), str(killed))
    made = json.loads(_called("export", str(killed), "--format", ",".join(formats), "--json"))
    problems = {one["format"]: one["problem"] for one in made["formats"] if one["problem"]}
    _require(not problems, "the winner is exported in every format", problems)
    _called("compress", str(killed), "--prune", "0.3", "--method", "magnitude", "--epochs", "1", codes=(0, _USAGE))


def _called(*arguments: str, codes: Sequence[int] = (0,)) -> str:
    """What `nas-tune ARGUMENTS` prints."""
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "nas_tune", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    said = done.stderr or done.stdout
    _require(done.returncode in codes, f"`nas-tune {' '.join(arguments)}` works", f"exit {done.returncode}: {said}")
    return done.stdout


def _killed(arguments: Sequence[str], run: Path, events: int) -> None:
    """Run `nas-tune ARGUMENTS` until the run has so many events, and kill it."""
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "nas_tune", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + _SECONDS
    while _events(run) < events and process.poll() is None and time.monotonic() < end:
        time.sleep(_POLL)
    process.kill()
    process.wait()
    _require(_events(run) > 0, "the search begins", f"exit {process.returncode}")


def _events(run: Path) -> int:
    if not ledger_path(run).exists():
        return 0
    try:
        with closing(Ledger.open(run, readonly=True)) as ledger:
            return len(ledger)
    except NasTuneError:
        return 0  # It is being created.


def _values(run: Run) -> list[tuple[Any, ...]]:
    trials = run.trials()
    return list(trials[["trial", "state", "architecture_id", "epochs", run.metric]].itertuples(index=False, name=None))


def _require(holds: bool, promise: str, about: object) -> None:
    if not holds:
        raise AssertionError(f"{promise}: broken by {about}")
