"""The chain of checksums over a ledger: the checksum of an event covers the event and the checksum before it.

The chain begins with the description of the run (meta). A changed number, a changed time, a missing event and two
events in the wrong order all break it. It finds accidents (CRC-32 finds every flipped bit), not manipulation: anyone
can compute the checksums again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

__all__ = ["begun", "linked"]

_NO_TRIAL = -(2**63)
_packed = struct.Struct("<qqd").pack
_crc = zlib.crc32


def begun(meta: Iterable[tuple[str, str]]) -> int:
    """Compute the checksum before the first event.

    Args:
        meta: (key, JSON) pairs of the description of the run, in any order.

    Returns:
        The checksum.
    """
    checksum = 0
    for key, value in sorted(meta):
        checksum = _crc(f"{key}\0{value}\0".encode(), checksum)
    return checksum


def linked(before: int, seq: int, kind: str, trial: int | None, time: float, body: str) -> int:
    """Compute the checksum of an event.

    Args:
        before: the checksum of the event before it.
        seq: the number of the event, from 1.
        kind: its kind.
        trial: the number of its trial; None for an event without one.
        time: in seconds since 1970.
        body: its fields as JSON.

    Returns:
        The checksum.
    """
    fixed = _packed(seq, _NO_TRIAL if trial is None else trial, time)
    return _crc(body.encode(), _crc(kind.encode(), _crc(fixed, before)))
