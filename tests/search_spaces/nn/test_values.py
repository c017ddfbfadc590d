"""Values that are not decided yet: arithmetic, functions, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F

import search_spaces.nn as nn
from search_spaces.errors import SpaceError
from search_spaces.nn.values import possible


def test_arithmetic_gives_derived_values():
    a, b = nn.ValueChoice([1, 4, 2]), nn.ValueChoice([10, 20], label="b")
    at = {a: 2, b: 10}.__getitem__
    derived = [a + b, 1 + a, a - 1, 5 - a, a * 3, 3 * a, b // 3, 25 // b, b / 4, 5 / b, (a * b + 1).map(str)]
    assert [value.at(at) for value in derived] == [12, 3, 1, 3, 6, 6, 3, 2, 2.5, 0.5, "21"]
    assert [value.largest for value in (a, b, a * b, 10 - a)] == [4, 20, 80, 6]


def test_the_largest_of_what_has_no_order_is_the_first():
    assert nn.ValueChoice(["b", "a"]).largest == "b"
    assert nn.ValueChoice([False, True]).largest is True


def test_possible_lists_every_assignment_once():
    k = nn.ValueChoice([3, 5], label="k")
    again = nn.ValueChoice([3, 5], label="k")
    assert list(possible(k * again)) == [([3], 9), ([5], 25)]
    assert len(list(possible(k + nn.ValueChoice([1, 2, 4])))) == 6


def test_current_reads_values_and_numbers():
    assert (nn.current(nn.ValueChoice([1, 3]) + 1), nn.current(7)) == (4, 7)


def test_copies_keep_what_is_shared_and_labels():
    a = nn.ValueChoice([1, 2], label="a")
    for one, other in (copy.deepcopy((a, a * 2)), pickle.loads(pickle.dumps((a, a * 2)))):
        assert list(other.choices()) == [one]
        assert (one.label, one.candidates) == ("a", (1, 2))


IMAGE = torch.rand(1, 3, 4, 4)


@pytest.mark.parametrize(
    "use",
    [
        lambda v: torch.nn.Conv2d(3, v, 3),
        lambda v: torch.nn.Conv2d(v, 3, 3),
        lambda v: torch.nn.Conv2d(3, 3, v),
        lambda v: torch.nn.Conv2d(3, 3, 3, padding=v)(IMAGE),
        lambda v: torch.nn.Linear(3, v),
        lambda v: torch.nn.Linear(v, 3),
        lambda v: torch.nn.Linear(v * 2, 3),
        lambda v: torch.nn.Dropout(v),
        lambda v: torch.nn.BatchNorm2d(v),
        lambda v: torch.nn.LayerNorm(v),
        lambda v: torch.nn.GroupNorm(v, 4),
        lambda v: torch.nn.Embedding(3, v),
        lambda v: torch.nn.MaxPool2d(v)(IMAGE),
        lambda v: F.dropout(IMAGE, v),
        lambda v: IMAGE.view(v),
        lambda v: IMAGE * v,
        lambda v: v * IMAGE,
        lambda v: [0] * v,
        lambda v: range(v),
        lambda v: v > 1,
        lambda v: v % 2,
        lambda v: int(v),
        lambda v: float(v),
        lambda v: bool(v),
        lambda v: list(v),
        lambda v: v + "a",
    ],
)
def test_taken_for_a_number_it_says_what_to_do(use):
    with pytest.raises(TypeError, match=r"not decided yet.*import the layer that takes it from search_spaces\.nn"):
        use(nn.ValueChoice([1, 2]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.ValueChoice([]), "at least one value"),
        (lambda: nn.ValueChoice("abc"), "give a list"),
        (lambda: nn.ValueChoice([torch.nn.ReLU]), "no JSON; choose among names and .map()"),
        (lambda: nn.ValueChoice([1], label="a b"), "label='a b'.*joined by dots"),
        (lambda: nn.ValueChoice([1], label="a..b"), "joined by dots"),
        (lambda: nn.ValueChoice([1], label=""), "joined by dots"),
        (lambda: nn.ValueChoice([1], label=3), "label=3"),
    ],
)
def test_bad_choices_are_refused(make, said):
    with pytest.raises(SpaceError, match=said):
        make()
