"""Images with numbers as targets: the forms that targets may have, their moments, and names of classes as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.images import ImageData, Raw, Split
from trainables.data.targets import as_numbers, raw_numbers, target_numbers, with_moments
from trainables.errors import DataError


def split(targets: list[list[float]]) -> Split:
    return Split(torch.zeros(len(targets), 1, 2, 2, dtype=torch.uint8), torch.tensor(targets))


def refused(call: Any) -> str:
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1, 2.5], [[1.0], [2.5]]),
        (np.array([1, 2], dtype=np.uint8), [[1.0], [2.0]]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]]),
        (np.array([[1.0], [2.0]]), [[1.0], [2.0]]),
    ],
)
def test_targets_are_rows_of_numbers(values: Any, found: list[list[float]]) -> None:
    numbers = target_numbers(values, "y")
    assert (numbers.tolist(), numbers.dtype) == (found, torch.float32)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, None], "y, row 1: the target is None; it must be a number; fill it in"),
        ([True, 1.0], "y, row 0: the target is True"),
        (["1"], "y, row 0: the target is '1'"),
        (np.array(["a"]), "y is <U1 of shape (1,); targets are numbers of shape (n,) or (n, k)"),
        (np.zeros((2, 0)), "y is float64 of shape (2, 0)"),
        (np.zeros((2, 1, 1)), "y is float64 of shape (2, 1, 1)"),
        (np.array([True, False]), "y is bool of shape (2,)"),
        (np.array([1.0, np.nan]), "y, row 1: the target is nan; it must be a finite number; fill it in"),
        (np.array([[1.0, 2.0], [np.inf, 2.0]]), "y, row 1: the target is [inf  2.]"),
    ],
)
def test_other_targets_are_told_with_their_place(values: Any, said: str) -> None:
    assert refused(lambda: target_numbers(values, "y")).startswith(said)


def test_targets_of_all_parts_have_one_width_and_differ() -> None:
    found = raw_numbers("x", split([[1.0], [2.0]]), split([[1.0]]), validation=split([[1.0]]), notes=["n"])
    assert (found.classes, found.notes, list(found.splits)) == ((), ("n",), ["train", "validation", "test"])
    two = split([[1.0, 3.0], [2.0, 3.0]])
    assert refused(lambda: raw_numbers("x", two)) == (
        "x: number 1 of every target is 3; a regression needs targets that differ"
    )
    assert refused(lambda: raw_numbers("x", split([[2.5], [2.5]]))).startswith("x: every target is 2.5; a regression")
    one = split([[1.0]])
    wrong = refused(lambda: raw_numbers("x", split([[1.0, 3.0], [2.0, 4.0]]), one))
    assert wrong == "x: training targets have 2 numbers, test targets 1"
    wrong = refused(lambda: raw_numbers("x", split([[1.0, 3.0], [2.0, 4.0]]), validation=one))
    assert wrong == "x: training targets have 2 numbers, validation targets 1"


def test_moments_are_of_the_training_targets_and_a_constant_has_deviation_1() -> None:
    ones = torch.ones(1, 1, 1, 1)
    parts = split([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]]), split([]), split([[9.0, 9.0]])
    data = with_moments(ImageData("x", *parts, (), ones, ones))
    assert data.target_mean.tolist() == [3.0, 5.0]
    assert data.target_std.tolist() == pytest.approx([(14 / 3) ** 0.5, 1.0])
    assert data.target_mean.dtype == data.target_std.dtype == torch.float32
    assert data.arguments() == {"num_classes": 2, "in_channels": 1, "image_size": (2, 2)}


def test_names_of_classes_are_numbers_where_they_say_one() -> None:
    train = Split(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([1, 0, 2]))
    test = Split(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), torch.tensor([2]))
    groups = {"train": torch.tensor([0, 1, 2])}
    raw = Raw("x", train, test, ("0.5", "1", "-2.5"), None, ("n",), groups)
    found = as_numbers(raw)
    assert (found.train.labels.tolist(), found.splits["test"].labels.tolist()) == ([[1.0], [0.5], [-2.5]], [[-2.5]])
    assert (found.classes, found.notes, found.groups) == ((), ("n",), groups)
    said = refused(lambda: as_numbers(Raw("x", train, None, ("0.5", "1", "cat"))))
    assert said.startswith("x: the class 'cat' is not a number, and a regression needs numbers; give the task")
