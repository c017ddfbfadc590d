"""The controls of the task `language`: n-gram models of the training part, on the same tokens as every network.

The probability of a token after a history is interpolated with that after the history without its first token, as
Witten and Bell do (1991, "The zero-frequency problem", method C): a history that c tokens have followed, d of them
different, gives the share d / (c + d) to the shorter history. Below the unigram all tokens are equally likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainables.controls import Control
from trainables.data.texts import TextData, TextPart
from trainables.data.texts.pieces import pieces_of

__all__ = ["NAMES", "ngrams"]

Array = np.ndarray[Any, Any]
NAMES = ("unigram", "bigram", "trigram")


def ngrams(data: TextData, metrics: Callable[[float], Mapping[str, float]]) -> list[Control]:
    """Fit a unigram, a bigram and a trigram model to the training part.

    Args:
        data: the text on the CPU.
        metrics: a function of the mean loss of a token in nats that returns the metrics by name.

    Returns:
        The metrics on the validation and the test part, and the CPU seconds; or why there are none.
    """
    size, train = data.vocabulary.size, data.train.tokens.numpy()
    parts = {name: part for name, part in (("validation", data.validation), ("test", data.test)) if len(part)}
    found = []
    for order, name in enumerate(NAMES, 1):
        start = time.process_time()
        if size**order >= 2**62:
            reason = f"{size:,} different tokens are too many to number the sequences of {order}"
            found.append(Control(name, {}, time.process_time() - start, reason))
            continue
        counts = [_Counts.of(train, length, size) for length in range(1, order + 1)]
        scores = {part: metrics(_loss(counts, _text(tokens), size)) for part, tokens in parts.items()}
        found.append(Control(name, scores, time.process_time() - start))
    return found


def _text(part: TextPart) -> Array:
    """The tokens of all examples: the first one is predicted by none of them."""
    tokens: Array = part.tokens[: len(part) * part.context + 1].numpy()
    return tokens


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often sequences of one length occur in the training part.

    Attributes:
        length: of the sequences.
        sequences: their numbers, ascending.
        often: how often each occurs.
        histories: the numbers of the sequences without their last token, ascending.
        followed: the tokens that have followed each of these.
        different: how many of them are different.
    """

    length: int
    sequences: Array
    often: Array
    histories: Array
    followed: Array
    different: Array

    @classmethod
    def of(cls, train: Array, length: int, size: int) -> _Counts:
        """Count the sequences of a text, a piece at a time."""
        found = [
            np.unique(_numbered(piece, length, size), return_counts=True)
            for piece in pieces_of(train, overlap=length - 1)
            if len(piece) >= length
        ]
        sequences, places = np.unique(np.concatenate([one for one, _ in found]), return_inverse=True)
        often = np.zeros(len(sequences), dtype=np.int64)
        np.add.at(often, places, np.concatenate([counts for _, counts in found]))
        histories, starts = np.unique(sequences // size, return_index=True)
        followed = np.add.reduceat(often, starts)
        different = np.diff([*starts.tolist(), len(sequences)])
        return cls(length, sequences, often, histories, followed, different)


def _loss(counts: Sequence[_Counts], text: Array, size: int) -> float:
    """The mean loss in nats of every token of a text but the first."""
    order = len(counts)
    if order == 1:
        return -_log_likelihood(counts, text[1:], size) / (len(text) - 1)
    total = _log_likelihood(counts, text, size)
    if order > 2:
        total += _log_likelihood(counts[:-1], text[: order - 1], size)  # these have too short a history
    return -total / (len(text) - 1)


def _log_likelihood(counts: Sequence[_Counts], text: Array, size: int) -> float:
    """The logarithms of the probabilities of all tokens that have the tokens before them, summed."""
    pieces = pieces_of(text, overlap=len(counts) - 1)
    return sum(float(np.log(_probabilities(counts, piece, size)).sum()) for piece in pieces)


def _probabilities(counts: Sequence[_Counts], text: Array, size: int) -> Array:
    """The probability of each token of a text that has as many tokens before it as the longest history has."""
    order = len(counts)
    found = np.full(max(0, len(text) - order + 1), 1 / size)
    for one in counts:
        asked = _numbered(text, one.length, size)[order - one.length :]
        often = _looked_up(one.sequences, one.often, asked)
        c, d = (_looked_up(one.histories, values, asked // size) for values in (one.followed, one.different))
        found = np.where(c > 0, (often + d * found) / np.maximum(c + d, 1), found)
    return found


def _numbered(tokens: Array, length: int, size: int) -> Array:
    """A number for each sequence of this length."""
    found = np.zeros(max(0, len(tokens) - length + 1), dtype=np.int64)
    for place in range(length):
        found = found * size + tokens[place : place + len(found)]
    return found


def _looked_up(keys: Array, values: Array, asked: Array) -> Array:
    """The values of some keys; 0 where there is no such key. `keys` are sorted."""
    places = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[places] == asked, values[places], 0)
