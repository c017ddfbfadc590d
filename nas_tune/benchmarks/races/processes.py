"""A thousand races on all cores; a Ctrl-C ends them at once and without a word, and what has finished stays."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from nas_tune.benchmarks.races.contest import Contest, Contestant, Race, check, run_race

__all__ = ["run_races"]


def run_races(
    contest: Contest, contestants: Sequence[Contestant], seeds: Sequence[int], processes: int | None = None
) -> Iterator[Race]:
    """Every contestant with every seed, as they finish; on all cores where `processes` is not said."""
    check(contest, contestants)
    many = processes or os.cpu_count() or 1
    if many == 1:
        yield from (run_race(contest, contestant, seed) for seed in seeds for contestant in contestants)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(many, mp_context=context, initializer=_begin) as pool:
        # Processes that begin inherit the mask: a Ctrl-C finds them all past `_begin`.
        _mask("SIG_BLOCK")
        try:
            futures = [pool.submit(_race, contest, one, seed) for seed in seeds for one in contestants]
        finally:
            _mask("SIG_UNBLOCK")
        try:
            for future in as_completed(futures):
                race = future.result()
                if race is not None:
                    yield race
        finally:
            for future in futures:
                future.cancel()


_interrupted = threading.Event()
"""In a process that races: a Ctrl-C, which all processes are sent, has come."""


def _mask(how: str) -> None:
    """Block SIGINT or let it through, where the system has signal masks."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})


def _begin() -> None:
    # For what is imported later (torch, for `gp`): its threads would wait for one another on cores that races take.
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, lambda *_: _interrupted.set())
    _mask("SIG_UNBLOCK")


def _race(contest: Contest, contestant: Contestant, seed: int) -> Race | None:
    """One race, in a process of the pool; None, at once and without a word, from a Ctrl-C on."""

    def end(*_: object) -> None:
        _interrupted.set()
        raise KeyboardInterrupt

    if _interrupted.is_set():
        return None
    between = signal.signal(signal.SIGINT, end)
    try:
        return run_race(contest, contestant, seed)
    except KeyboardInterrupt:
        return None
    finally:
        signal.signal(signal.SIGINT, between)
