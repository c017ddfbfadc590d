"""The deadline of a training, which the loops within an epoch check.

    for batch in batches:
        check_time()

The executor of a trial sets the deadline by `until`; outside of that block there is no deadline. The loops of this
package check it before every batch, of training and of validation. Your own trainable may do so, too.
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
    """Set a deadline for the duration of a block: from then on `check_time` raises.

    Args:
        ends: the deadline on the clock of `time.monotonic`, in seconds; infinity sets none.

    Yields:
        Nothing; the deadline from before is restored at the end of the block.
    """
    token = _ends.set(ends)
    try:
        yield
    finally:
        _ends.reset(token)


def check_time(done: int = 0, of: int = 0) -> None:
    """Return if there is time left, and raise otherwise.

    Args:
        done: batches of this epoch that are done, for the message.
        of: batches of an epoch; 0 where the number is not known.

    Raises:
        OutOfTime: the deadline has passed. Do not catch it: the epoch does not count then.
    """
    if time.monotonic() >= _ends.get():
        raise OutOfTime(f" after {done} of {of} batches" if of else "")
