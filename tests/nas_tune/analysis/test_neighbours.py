"""How far the guesses of neighbours are to be trusted, in words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nas_tune.analysis import neighbours
from nas_tune.analysis.neighbours import _guessed, _trust
from nas_tune.strategies.predictors import Candidates, GaussianModel
from search_spaces import Architecture
from tests.nas_tune.results.made import mixed


@pytest.mark.parametrize(
    ("agreement", "word"),
    [
        (0.7, "0.70 (good)"),
        (0.69, "0.69 (fair)"),
        (0.4, "0.40 (fair)"),
        (0.39, "0.39 (poor: do not rely on them)"),
        (-1.0, "-1.00 (poor: do not rely on them)"),
    ],
)
def test_the_word_follows_from_the_correlation(monkeypatch: pytest.MonkeyPatch, agreement: float, word: str) -> None:
    class Found:
        statistic = agreement

    monkeypatch.setattr(neighbours, "spearmanr", lambda guesses, values: Found)
    space = mixed()
    some = [space.sample(seed) for seed in range(12)]
    blocks, values = Candidates.of(space).described(some).blocks, np.arange(12.0)
    said = _trust(blocks, values, GaussianModel(blocks, values, most=1))
    assert said == (
        "guesses of a Gaussian process on 12 architectures; held-out ones it ranks with a correlation of " + word
    )


def some(count: int) -> list[Architecture]:
    space, found = mixed(), {}
    for seed in range(200):
        made = space.sample(seed)
        found.setdefault(made.id, made)
    return list(found.values())[:count]


def test_eight_architectures_are_the_least() -> None:
    space, asked = mixed(), some(12)[8:]
    assert _guessed(space, some(7), [float(n) for n in range(7)], asked) == (
        {},
        "what was not tried gets no prediction: 7 architectures are too few, at least 8 are needed",
    )
    guesses, said = _guessed(space, some(8), [float(n) for n in range(8)], asked)
    assert set(guesses) == {one.id for one in asked}
    assert all(np.isfinite(mean) and half > 0 for mean, half in guesses.values())
    assert re.match("guesses of a Gaussian process on 8 architectures", said)


def test_there_is_nothing_to_guess_of_equal_values_or_where_all_was_tried() -> None:
    space, known, asked = mixed(), some(8), some(12)[8:]
    assert _guessed(space, known, [float(n) for n in range(8)], []) == ({}, "every neighbour has a trial")
    assert _guessed(space, known, [0.5] * 8, asked) == (
        {},
        "what was not tried gets no prediction: all trials came to the same value",
    )


def test_trials_of_one_architecture_count_as_one_with_their_mean() -> None:
    space, known, asked = mixed(), some(8), some(12)[8:]
    scores = [float(n) for n in range(8)]
    twice, said = _guessed(space, [*known, *known], [*(s - 0.25 for s in scores), *(s + 0.25 for s in scores)], asked)
    assert "on 8 architectures" in said
    once = _guessed(space, known, scores, asked)[0]
    assert [mean for mean, _ in twice.values()] == pytest.approx([mean for mean, _ in once.values()], abs=0.2)
