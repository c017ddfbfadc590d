"""Ctrl-C and SIGTERM while a search runs: once to stop in good order, twice to stop at once.

The first signal raises `Interrupted` in the main thread, but not inside `shield`: a write ends first, and compiled code
that cannot pass an exception on is not disturbed. A long shield calls `check` now and then. Outside the main thread no
handler is installed, and signals keep their earlier handlers.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

__all__ = ["Interrupted", "Interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asked the search to stop.

    Args:
        signum: the number of the signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum

    def as_exit(self) -> BaseException:
        """Make the exception that the caller of the search expects.

        Returns:
            KeyboardInterrupt after SIGINT, SystemExit(143) after SIGTERM.
        """
        return KeyboardInterrupt() if self.signum == signal.SIGINT else SystemExit(128 + self.signum)


class Interrupts:
    """Installs signal handlers for the length of a `with` block. Before the block is entered, no signal is handled."""

    def __init__(self) -> None:
        self._held = 0
        self._waiting: int | None = None
        self._seen = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {signum: signal.signal(signum, self._handle) for signum in _SIGNALS}
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Hold the first signal back until the end of the block.

        Yields:
            Nothing.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self.check()

    def check(self) -> None:
        """Raise the signal that waits, if there is one; called inside a shield, where an exception does no harm."""
        if self._waiting is not None:
            signum, self._waiting = self._waiting, None
            raise Interrupted(signum)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._seen:
            # The ledger's last transaction is whole or rolled back, so the process can end here.
            os._exit(128 + signum)
        self._seen = True
        if self._held:
            self._waiting = signum
        else:
            raise Interrupted(signum)
