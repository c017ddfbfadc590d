"""A search in a process of its own, for tests that signal or kill it: python -m tests.faults.slow_search FOLDER ..."""

from __future__ import annotations

import argparse
from pathlib import Path

import nas_tune
from nas_tune.ledger import ledger_path
from tests.faults.walker import Walker


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--executor", default="ray")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--slow", type=float, default=0.05)
    given = parser.parse_args()
    run = given.folder / "run"
    if ledger_path(run).exists():
        nas_tune.resume(run)
        return
    nas_tune.search(
        "nb201",
        Walker,
        settings={"log": str(given.folder), "slow": given.slow},
        strategy={"name": "evolution", "population": 6, "sample": 2},
        max_trials=given.trials,
        max_epochs=4,
        workers=given.workers,
        executor=given.executor,
        seed=3,
        run_dir=run,
    )


if __name__ == "__main__":
    main()
