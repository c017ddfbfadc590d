"""What streamed images are like, kept in a file, so that the other processes of a run need not read every image again.

The name of the file tells the content of the images: their names, and the sizes and times of their files or, where they
are in memory, their bytes. A file that is damaged, or of another version, is ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainables.data.decode import Encoded
from trainables.data.streaming.facts import Facts, facts_of
from trainables.data.streaming.framing import Resize
from trainables.drafts import draft_file
from trainables.kept_data import keep_beside, kept_beside

__all__ = ["kept_facts"]

_VERSION = 2
_TENSORS = ("totals", "extremes", "finite", "digests", "sizes")
_DIGEST = 16
"""Bytes of the digest of an image."""


def kept_facts(encoded: Sequence[Encoded], *, resize: Resize, loaders: int, data: str) -> Facts:
    """Look up what images are like, or read every image once and keep it.

    Args:
        encoded: the images, at least one.
        resize: the size to which they are brought.
        loaders: the number of threads.
        data: the setting `data`, with which a run takes the file along.

    Returns:
        The facts.

    Raises:
        DataError: as for `decode_all`.
    """
    name = f"{_key(encoded, resize)}.facts"
    file = kept_beside(data, name)
    facts = None if file is None else _read(file, len(encoded))
    if facts is None:
        facts = facts_of(encoded, resize=resize, loaders=loaders)
        with draft_file(keep_beside(data, name)) as draft:
            _write(facts, draft)
    return facts


def _key(encoded: Sequence[Encoded], resize: Resize) -> str:
    found = hashlib.sha256(repr((_VERSION, resize, len(encoded))).encode())
    for name, source in encoded:
        if isinstance(source, bytes):
            found.update(repr((name, len(source))).encode() + hashlib.blake2b(source).digest())
        else:
            seen = source.stat()
            found.update(repr((name, seen.st_size, seen.st_mtime_ns)).encode())
    return found.hexdigest()[:16]


def _write(facts: Facts, file: Path) -> None:
    tensors = {
        "totals": facts.totals,
        "extremes": facts.extremes,
        "finite": facts.finite,
        "sizes": facts.sizes,
        "digests": torch.frombuffer(bytearray(b"".join(facts.digests)), dtype=torch.uint8).view(-1, _DIGEST),
    }
    plain = {
        "version": _VERSION,
        "shape": facts.shape,
        "depth": facts.depth,
        "turned": facts.turned,
        "with_alpha": facts.with_alpha,
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file, {"facts": json.dumps(plain)})


def _read(file: Path, count: int) -> Facts | None:
    """The facts of so many images; None where the file does not hold them."""
    try:
        with safe_open(file, framework="pt") as opened:
            plain = json.loads((opened.metadata() or {})["facts"])
            tensors: dict[str, Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if plain["version"] != _VERSION:
            return None
        channels, height, width = map(int, plain["shape"])
        totals, extremes, finite, digests, sizes = (tensors[name] for name in _TENSORS)
        shapes = [tuple(one.shape) for one in (totals, extremes, finite, digests, sizes)]
        if shapes != [(2, count, channels), (2, count), (count,), (count, _DIGEST), (count, 2)]:
            return None
        return Facts(
            (channels, height, width),
            str(plain["depth"]),
            int(plain["turned"]),
            int(plain["with_alpha"]),
            totals,
            extremes,
            finite,
            tuple(bytes(row) for row in digests.numpy()),
            sizes,
        )
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
