"""Until when a training may go on, for the loops within an epoch to look at.

    for batch in batches:
        check_time()

Whoever runs a trial sets the time by `until`; outside of it nothing is limited. The loops of this package look before
every batch, of training and of validation. A trainable of one's own may do so, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from trainables.errors import OutOfTime

__all__ = ["check_time", "until"]

_ends: ContextVar[float] = ContextVar("ends", default=math.inf)


@contextmanager
def until(ends: float) -> Iterator[None]:
    """A block in which `check_time` raises from `ends` on, a time of `time.monotonic`."""
    token = _ends.set(ends)
    try:
        yield
    finally:
        _ends.reset(token)


def check_time(done: int = 0, of: int = 0) -> None:
    """Go on, unless the time is up; `done` batches of `of` are behind the epoch, where that is known.

    Raises:
        OutOfTime: it is; let it pass, for the epoch does not count then.
    """
    if time.monotonic() >= _ends.get():
        raise OutOfTime(f" after {done} of {of} batches" if of else "")
