"""N-gram models by Witten and Bell, against sums that are written out."""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.texts import TextPart
from trainables.tasks import language_control
from trainables.tasks.language_control import NAMES, _Counts, _loss, _numbered, _probabilities, ngrams

TRAIN = np.array([0, 1, 0, 2, 0, 1, 1, 0], dtype=np.int64)
TEXT = np.array([0, 1, 3, 0, 2, 1], dtype=np.int64)
SIZE = 4


def counted(order: int) -> list[_Counts]:
    return [_Counts.of(TRAIN, length, SIZE) for length in range(1, order + 1)]


def chance(history: tuple[int, ...], token: int) -> float:
    """By the definition: the share of the shorter history is d / (c + d)."""
    shorter = chance(history[1:], token) if history else 1 / SIZE
    length = len(history)
    followed = Counter(
        int(TRAIN[place + length])
        for place in range(len(TRAIN) - length)
        if tuple(TRAIN[place : place + length].tolist()) == history
    )
    count, different = sum(followed.values()), len(followed)
    return shorter if not count else (followed[token] + different * shorter) / (count + different)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_probability_is_that_of_the_definition(order: int) -> None:
    found = _probabilities(counted(order), TEXT, SIZE)
    histories = [tuple(TEXT[place - order + 1 : place].tolist()) for place in range(order - 1, len(TEXT))]
    wanted = [chance(one, int(TEXT[place])) for one, place in zip(histories, range(order - 1, len(TEXT)), strict=True)]
    assert found.tolist() == pytest.approx(wanted)
    assert sum(chance((0,), token) for token in range(SIZE)) == pytest.approx(1.0)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_loss_is_of_every_token_but_the_first_with_as_much_history_as_there_is(order: int) -> None:
    total = 0.0
    for place in range(1, len(TEXT)):
        history = tuple(TEXT[max(0, place - order + 1) : place].tolist())
        total += math.log(chance(history, int(TEXT[place])))
    assert _loss(counted(order), TEXT, SIZE) == pytest.approx(-total / 5)


def test_sequences_have_numbers_of_their_own() -> None:
    assert _numbered(np.array([1, 2, 3]), 2, 10).tolist() == [12, 23]
    assert _numbered(np.array([1, 2, 3]), 3, 10).tolist() == [123]
    assert _numbered(np.array([1, 2]), 3, 10).tolist() == []


def test_a_text_as_long_as_a_sequence_has_one() -> None:
    counts = _Counts.of(np.array([0, 1, 2]), 3, SIZE)
    assert (counts.sequences.tolist(), counts.often.tolist()) == ([6], [1])


def text_data(size: int, **parts: list[int]) -> Any:
    made = {name: TextPart(torch.tensor(tokens), 2, 2) for name, tokens in parts.items()}
    empty = TextPart(torch.tensor([0]), 2, 2)
    every = {name: made.get(name, empty) for name in ("train", "validation", "test")}
    return SimpleNamespace(vocabulary=SimpleNamespace(size=size), **every)


def test_three_models_are_measured_on_the_parts_that_have_examples() -> None:
    data = text_data(SIZE, train=TRAIN.tolist(), validation=TEXT.tolist())
    found = ngrams(data, lambda loss: {"loss": loss})
    assert [control.name for control in found] == [*NAMES] == ["unigram", "bigram", "trigram"]
    for order, control in enumerate(found, 1):
        assert list(control.scores) == ["validation"]
        assert control.scores["validation"]["loss"] == pytest.approx(_loss(counted(order), TEXT[:5], SIZE))
        assert control.seconds >= 0


@pytest.mark.parametrize(("size", "fails"), [(2**20, [False, False, False]), (2**21, [False, False, True])])
def test_too_many_tokens_cannot_be_numbered(size: int, fails: list[bool]) -> None:
    found = ngrams(text_data(size, train=TRAIN.tolist(), test=TEXT.tolist()), lambda loss: {"loss": loss})
    assert [bool(control.failure) for control in found] == fails
    if fails[-1]:
        assert found[-1].failure == "2,097,152 different tokens are too many to number the sequences of 3"
        assert dict(found[-1].scores) == {}


def test_all_tokens_of_the_examples_are_a_text() -> None:
    part = TextPart(torch.tensor([5, 6, 7, 8, 9, 10]), 2, 2)
    assert language_control._text(part).tolist() == [5, 6, 7, 8, 9]
