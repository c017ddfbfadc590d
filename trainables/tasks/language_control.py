"""The controls of the task `language`: n-gram models of the training part, on the same tokens as every network.

The probability of a token after a history is interpolated with that after the history without its first token, as
Witten and Bell do (1991, "The zero-frequency problem", method C): a history that c tokens have followed, d of them
different, gives the share d / (c + d) to the shorter history. Below the unigram all tokens are equally likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from trainables.controls import Control
from trainables.data.texts import TextData, TextPart

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
    size, train = data.vocabulary.size, data.train.tokens.numpy().astype(np.int64)
    parts = {name: part for name, part in (("validation", data.validation), ("test", data.test)) if len(part)}
    found = []
    for order, name in enumerate(NAMES, 1):
        start = time.process_time()
        if size**order >= 2**62:
            reason = f"{size:,} different tokens are too many to number the sequences of {order}"
            found.append(Control(name, {}, time.process_time() - start, reason))
            continue
        scores = {part: metrics(_loss(train, _text(tokens), order, size)) for part, tokens in parts.items()}
        found.append(Control(name, scores, time.process_time() - start))
    return found


def _text(part: TextPart) -> Array:
    """The tokens of all examples: the first one is predicted by none of them."""
    tokens: Array = part.tokens[: len(part) * part.context + 1].numpy().astype(np.int64)
    return tokens


def _loss(train: Array, text: Array, order: int, size: int) -> float:
    """The mean loss in nats of every token of a text but the first."""
    pieces = [(text[1:], 1)] if order == 1 else [(text, order)]
    if order > 2:
        pieces.append((text[: order - 1], order - 1))  # these have too short a history
    total = sum(float(np.log(_probabilities(train, piece, short, size)).sum()) for piece, short in pieces)
    return -total / (len(text) - 1)


def _probabilities(train: Array, text: Array, order: int, size: int) -> Array:
    """The probability of each token of a text that has `order - 1` tokens before it."""
    found = np.full(max(0, len(text) - order + 1), 1 / size)
    for length in range(1, order + 1):
        sequences, counts = np.unique(_numbered(train, length, size), return_counts=True)
        histories, starts = np.unique(sequences // size, return_index=True)
        followed = np.add.reduceat(counts, starts)
        different = np.diff([*starts.tolist(), len(sequences)])
        asked = _numbered(text, length, size)[order - length :]
        often = _looked_up(sequences, counts, asked)
        c, d = (_looked_up(histories, values, asked // size) for values in (followed, different))
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
