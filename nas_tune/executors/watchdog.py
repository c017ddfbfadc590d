"""Ends a worker process whose epoch takes too long, by a watchdog that needs no Python thread of the worker's.

What the process was doing is then on disk, where whoever takes the trial over finds it.
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
    """Watches the epochs of the trial with its files in `folder`; `seconds` None lets them take what they take.

    Where several processes train the trial together, each has its own `process` number.
    """

    def __init__(self, folder: Path, seconds: float | None, process: int = 0) -> None:
        self._folder, self._seconds, self._process = folder, seconds, process

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A block that the process does not survive if it takes longer."""
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
        """The failure that a watchdog before this one ended the trial for, told once; None if there was none.

        A process that died of something else leaves an empty file.
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
