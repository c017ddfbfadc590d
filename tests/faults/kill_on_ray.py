"""Run by test_kill_ray: kills a search on Ray at random moments, each time resumes it, and lets it end at last.

A process that has imported all that a driver needs, and forks the drivers. One in four starts a Ray of its own, which
dies with it; the others, which are up sooner, use the Ray at ADDRESS, which outlives them.

    python -m tests.faults.kill_on_ray FOLDER ADDRESS KILLS
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import ray

from nas_tune.executors.ray_cluster import prepare
from tests.faults.kill_every_event import in_child
from tests.faults.processes import events_in
from tests.faults.slow_search import search

PATIENCE = 120.0


def driver(folder: Path, address: str | None) -> None:
    """Search on the Ray at `address`, or on one of its own for None."""
    if address is not None:
        prepare()
        ray.init(address=address, log_to_driver=False)
    search(folder)


def killed(folder: Path, address: str | None, news: int, seconds: float) -> None:
    """Search until so many events are new, and `seconds` longer."""
    before = events_in(folder / "run")
    pid = os.fork()
    if pid == 0:
        driver(folder, address)
        os._exit(0)
    end = time.monotonic() + PATIENCE
    while events_in(folder / "run") < before + news:
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the search ended by itself"
        assert time.monotonic() < end, f"no {news} events in {PATIENCE} seconds"
        time.sleep(0.05)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "the search ended before it could be killed"


def main(folder: Path, address: str, kills: int) -> None:
    importlib.import_module("nas_tune.executors.ray_tune")  # here once, instead of in every driver
    assert threading.active_count() == 1, "a process with threads may not fork"
    rng = random.Random(0)
    for kill in range(kills):
        # By events, not by seconds: a fast machine would be through with the search before the last kill.
        killed(folder, address if kill % 4 else None, rng.randint(2, 7), rng.uniform(0.0, 0.1))
    in_child(lambda: driver(folder, address))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
