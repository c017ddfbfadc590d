"""Run by test_kill_inline: kills a search after every transaction of its ledger, resumes it, prints what it cost.

A process of its own without threads, so that it may fork: each search that is killed, and each that goes on, runs in a
child, and the first search, which is not killed, runs here, so that no child has to import what searches need.

    python -m tests.faults.kill_every_event FOLDER STRATEGY SCHEDULER TRIALS
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import nas_tune
from nas_tune.ledger import Event, Ledger
from tests.faults.tables import assert_equal, tables
from tests.faults.walker import Walker, epochs_trained


def in_child(work: Callable[[], object]) -> int:
    """Do the work in a forked child; the signal that ended it, or 0."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"the child failed with {os.WEXITSTATUS(status)}")
    return os.WTERMSIG(status)


def kill_after(transaction: int) -> None:
    """From now on this process dies with the given transaction, counted from 1."""
    append, done = Ledger.append, [0]

    def append_and_die(self: Ledger, *events: Event) -> float:
        time = append(self, *events)
        done[0] += 1
        if done[0] == transaction:
            os.kill(os.getpid(), signal.SIGKILL)
        return time

    Ledger.append = append_and_die  # type: ignore[method-assign]


def search(folder: Path, strategy: str, scheduler: str, trials: int) -> None:
    folder.mkdir()
    nas_tune.search(
        "nb201",
        Walker,
        settings={"log": str(folder)},
        strategy={"name": strategy, **({"population": 6, "sample": 2} if strategy == "evolution" else {})},
        scheduler=scheduler,
        max_trials=trials,
        max_epochs=4,
        executor="inline",
        seed=3,
        run_dir=folder / "run",
    )


def main(base: Path, strategy: str, scheduler: str, trials: int) -> None:
    search(base / "whole", strategy, scheduler, trials)
    assert threading.active_count() == 1, "a process with threads may not fork"
    whole, expected = epochs_trained(base / "whole"), tables(base / "whole" / "run")
    kills = repeated = 0
    while True:
        folder = base / f"killed-{kills + 1}"

        def killed(folder: Path = folder, transaction: int = kills + 1) -> None:
            kill_after(transaction)
            search(folder, strategy, scheduler, trials)

        if in_child(killed) == 0:
            break
        kills += 1
        in_child(lambda folder=folder: nas_tune.resume(folder / "run"))  # type: ignore[misc]
        assert_equal(tables(folder / "run"), expected)
        trained = epochs_trained(folder)
        assert set(trained) == set(whole)
        assert len(trained) - len(whole) <= 1, "more than one epoch was trained again"
        repeated += len(trained) - len(whole)
    sys.stdout.write(f"killed {kills} times, {repeated} epochs repeated\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
