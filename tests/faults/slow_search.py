"""A search in a process of its own, for tests that signal or kill it: python -m tests.faults.slow_search FOLDER ..."""

from __future__ import annotations

import argparse
from pathlib import Path

import nas_tune
from nas_tune.ledger import ledger_path
from tests.faults.walker import Walker


def search(folder: Path, *, executor: str = "ray", slow: float = 0.05) -> None:
    """30 trials of an evolution on one worker; a search that was begun in `folder` goes on."""
    run = folder / "run"
    if ledger_path(run).exists():
        nas_tune.resume(run)
        return
    nas_tune.search(
        "nb201",
        Walker,
        settings={"log": str(folder), "slow": slow},
        strategy={"name": "evolution", "population": 6, "sample": 2},
        max_trials=30,
        max_epochs=4,
        workers=1,
        executor=executor,
        seed=3,
        run_dir=run,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", type=float, default=0.05)
    given = parser.parse_args()
    search(given.folder, slow=given.slow)
