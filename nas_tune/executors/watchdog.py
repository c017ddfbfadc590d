"""Ends a worker process whose epoch takes too long, by a watchdog that needs no Python thread of the worker.

The watchdog writes the process's traceback to the trial's folder, where the next worker of the trial finds it.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainables.trial.session import Failure, Outcome

__all__ = ["Watchdog"]

_NAME = "timeout"


class Watchdog:
    """Limits the time of the epochs of one trial.

    Args:
        folder: of the trial.
        seconds: the most seconds of an epoch; None sets no limit.
        process: the process's number, where several train the trial together.
    """

    def __init__(self, folder: Path, seconds: float | None, process: int = 0) -> None:
        self._folder, self._seconds, self._process = folder, seconds, process

    @contextmanager
    def watching(self) -> Iterator[None]:
        """End this process if the block takes longer than the limit.

        Yields:
            Nothing.
        """
        if self._seconds is None:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{_NAME}-{self._process}.txt"
        with path.open("w", encoding="utf-8") as file:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=file)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
                path.unlink(missing_ok=True)

    def found(self) -> Outcome | None:
        """Read, once, whether an earlier process of the trial was ended by its watchdog.

        A process that died of another cause leaves an empty file.

        Returns:
            The failure `timeout`, with the traceback that the watchdog wrote; None without one.
        """
        if self._seconds is None:
            return None
        traces = [path.read_text(encoding="utf-8", errors="replace") for path in self._files()]
        for path in self._files():
            path.unlink(missing_ok=True)
        trace = next(filter(None, traces), None)
        if trace is None:
            return None
        message = f"an epoch took longer than epoch_timeout = {self._seconds:g} seconds"
        return Outcome(0, {}, finished=True, failure=Failure("timeout", message, trace))

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_NAME}-*.txt"))
