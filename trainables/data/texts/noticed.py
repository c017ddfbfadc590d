"""What is odd about a text: pieces of other parts that stand in the training part, and tokens that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trainables.data.parts import PartName
from trainables.data.texts.pieces import pieces_of, unique_of
from trainables.errors import DataError

__all__ = ["check_tokens_differ", "copied_pieces", "noticed_ids"]

Array = np.ndarray[Any, Any]
_PIECE = 64
"""Tokens that hardly recur by chance."""
_SHARE = 0.01
"""The share of copied pieces from which they are warned of: phrases and headings recur."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SHOWN = 10


def check_tokens_differ(name: str, train: Array, unit: str) -> None:
    """Refuse a text of one token.

    Args:
        name: names the text in the message.
        train: the tokens of the training part, at least one.
        unit: what a token is called, in the plural.

    Raises:
        DataError: all tokens are equal.
    """
    if all(bool((piece == train[0]).all()) for piece in pieces_of(train)):
        first = repr(chr(int(train[0]))) if unit == "characters" else int(train[0])
        raise DataError(
            f"{name}: all {unit} of the training part are {first}; there is nothing to learn: give another text"
        )


def copied_pieces(points: Mapping[PartName, Array], unit: str) -> list[str]:
    """Look for pieces of the other parts in the training part.

    Args:
        points: the tokens of each part, "train" among them.
        unit: what a token is called, in the plural.

    Returns:
        A warning for each part of which at least one piece in a hundred stands in the training part.
    """
    if len(points["train"]) < _PIECE:
        return []
    of_parts = {part: _hashes_of_pieces(tokens) for part, tokens in points.items() if part != "train"}
    wanted = np.unique(np.concatenate([np.zeros(0, np.uint64), *of_parts.values()]))
    known = np.zeros(len(wanted), dtype=bool)
    for text in pieces_of(points["train"], overlap=_PIECE - 1):
        if len(text) >= _PIECE:
            known |= np.isin(wanted, _hashes(text))
    notes = []
    for part, pieces in of_parts.items():
        copies = int(np.isin(pieces, wanted[known]).sum())
        if len(pieces) and copies >= _SHARE * len(pieces):
            notes.append(
                f"warning: {copies:,} of {len(pieces):,} pieces of {_PIECE} {unit} for {part} occur in the training "
                "part, too; remove the copies, which flatter the score"
            )
    return notes


def noticed_ids(points: Mapping[PartName, Array], size: int) -> list[str]:
    """Look for numbers of tokens that training lacks.

    Args:
        points: the ids of each part, "train" among them.
        size: of the vocabulary.

    Returns:
        A note on ids that do not occur in training, and a warning on those that occur elsewhere.
    """
    train = unique_of(points["train"])
    others = [unique_of(ids) for part, ids in points.items() if part != "train"]
    strange = np.setdiff1d(np.unique(np.concatenate(others)), train) if others else train[:0]
    notes = []
    if len(train) < size:
        notes.append(f"{size - len(train):,} of {size:,} ids do not occur in the training part")
    if len(strange):
        shown = ", ".join(map(str, strange[:_SHOWN].tolist())) + (", .." if len(strange) > _SHOWN else "")
        notes.append(
            f"warning: {len(strange):,} ids occur outside the training part alone ({shown}), and are never trained; "
            "give a training part that has them"
        )
    return notes


def _hashes_of_pieces(tokens: Array) -> Array:
    """The hashes of the pieces that follow each other, (n // 64,)."""
    found = np.zeros(len(tokens) // _PIECE, dtype=np.uint64)
    for place in range(_PIECE):
        column = tokens[place::_PIECE][: len(found)]
        found = found * _BASE + (column.astype(np.uint64) + np.uint64(1))
    return found


def _hashes(tokens: Array) -> Array:
    """A hash of the piece that begins at each token, (n - 63,), by a polynomial modulo 2^64."""
    values = tokens.astype(np.uint64) + np.uint64(1)
    found = np.zeros(len(values) - _PIECE + 1, dtype=np.uint64)
    for place in range(_PIECE):
        found = found * _BASE + values[place : place + len(found)]
    return found
