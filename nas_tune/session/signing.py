"""What tells a run that this user began from one that came from elsewhere: a signature by a key of the user's own.

The key is random, made when it is needed first, and kept in the user's state folder, which nobody else can read. A run
keeps the signature (HMAC-SHA256) of all that decides which code it would load, in its ledger. So a copy of the folder
stays the user's, whoever edits what is signed makes it a stranger's, and nothing has to be kept for each run.

Promised: nobody signs without the key. Not promised: protection against a process that can read the user's files.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainables.drafts import draft_folder

__all__ = ["is_signed", "key_path", "key_problem", "signature_of"]

_SIZE = 32
_made_here: list[bytes] = []
"""The key of a process that can keep none: what it begins is its own as long as it lives."""


def key_path() -> Path | None:
    """Find the file of the user's key.

    Returns:
        A path below XDG_STATE_HOME or ~/.local/state; None where this user has no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        # By the XDG specification a relative one does not count.
        try:
            state = str(Path.home() / ".local" / "state")
        except RuntimeError:
            return None
    return Path(state) / "nas_tune" / "key"


def signature_of(document: Mapping[str, Any]) -> str:
    """Sign a JSON document by this user's key, which is made if there is none yet.

    Args:
        document: plain data.

    Returns:
        The signature in hexadecimal digits.
    """
    key = _kept() or (_made_here[0] if _made_here else _new())
    return _signed(document, key)


def is_signed(document: Mapping[str, Any], signature: object) -> bool:
    """Check a signature.

    Args:
        document: plain data.
        signature: what a ledger holds as one.

    Returns:
        Whether it was made by this user's key, or in this process where no key can be kept.
    """
    if not isinstance(signature, str) or not signature.isascii():
        return False
    kept = _kept()
    keys = [*([kept] if kept is not None else []), *_made_here]
    return any(hmac.compare_digest(signature, _signed(document, key)) for key in keys)


def key_problem() -> str:
    """Say why this user's key cannot be kept.

    Returns:
        The reason; empty where the key is kept.
    """
    path = key_path()
    if path is None:
        return "this user has no home folder"
    return "" if _kept() is not None else f"{path} cannot be written"


def _signed(document: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=repr)
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _kept() -> bytes | None:
    path = key_path()
    try:
        key = b"" if path is None else path.read_bytes()
    except OSError:
        return None
    return key if len(key) == _SIZE else None


def _new() -> bytes:
    """A key, kept if it can be; of several processes that make one at once, the first one's holds."""
    key, path = secrets.token_bytes(_SIZE), key_path()
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft_folder(path.parent, path.name) as folder:
                draft = folder / path.name
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(key)
                # What is not a whole key (of a full disk, say) signs nothing, and goes.
                if path.exists() and _kept() is None:
                    path.unlink()
                with suppress(FileExistsError):
                    os.link(draft, path)
    kept = _kept()
    if kept is None:
        _made_here.append(key)
    return kept or key
