"""The chain of checksums over a ledger: each event's covers the event, and through the one before it all of the past.

It begins with what the run is (meta), so that a changed number, a changed time, a missing event and two events in the
wrong order all break it. It is there for accidents (CRC-32 finds every flipped bit); whoever means to deceive can
compute it anew.
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
    """The checksum before the first event, of (key, JSON) pairs in whatever order."""
    checksum = 0
    for key, value in sorted(meta):
        checksum = _crc(f"{key}\0{value}\0".encode(), checksum)
    return checksum


def linked(before: int, seq: int, kind: str, trial: int | None, time: float, body: str) -> int:
    """The checksum of event number `seq`, which follows an event that has the checksum `before`."""
    fixed = _packed(seq, _NO_TRIAL if trial is None else trial, time)
    return _crc(body.encode(), _crc(kind.encode(), _crc(fixed, before)))
