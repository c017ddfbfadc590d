"""Races on all cores. A Ctrl-C ends them at once without a message, and races that have finished stay."""

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
    """Run every contestant with every seed.

    Args:
        contest: the settings of the races.
        contestants: the strategies that take part, with their schedulers.
        seeds: one race each for every contestant.
        processes: how many races run at a time; None for the number of cores.

    Yields:
        The races, as they finish.

    Raises:
        NasTuneError: a setting is wrong (see `check`).
    """
    check(contest, contestants)
    many = processes or os.cpu_count() or 1
    if many == 1:
        yield from (run_race(contest, contestant, seed) for seed in seeds for contestant in contestants)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(many, mp_context=context, initializer=_begin) as pool:
        # New processes inherit the mask: no Ctrl-C reaches them before `_begin` has run.
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
"""Set in a process of the pool after a Ctrl-C, which the terminal sends to all processes."""


def _mask(how: str) -> None:
    """Block SIGINT or let it through, where the system has signal masks."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})


def _begin() -> None:
    # For later imports (torch, for `gp`): their threads would compete for the cores that the races use.
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, lambda *_: _interrupted.set())
    _mask("SIG_UNBLOCK")


def _race(contest: Contest, contestant: Contestant, seed: int) -> Race | None:
    """Run one race in a process of the pool; returns None, at once and without a message, after a Ctrl-C."""

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
