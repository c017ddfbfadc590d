"""Values that are not decided yet: arithmetic, functions, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F

import search_spaces.nn as nn
from search_spaces.errors import SpaceError
from search_spaces.nn.values import possible_values


def test_arithmetic_gives_derived_values():
    a, b = nn.ValueChoice([1, 4, 2]), nn.ValueChoice([10, 20], label="b")
    at = {a: 2, b: 10}.__getitem__
    derived = [a + b, 1 + a, a - 1, 5 - a, a * 3, 3 * a, b // 3, 25 // b, b / 4, 5 / b, (a * b + 1).map(str)]
    assert [value.at(at) for value in derived] == [12, 3, 1, 3, 6, 6, 3, 2, 2.5, 0.5, "21"]
    assert [value.largest for value in (a, b, a * b, 10 - a)] == [4, 20, 80, 6]


def test_functions_of_nni_give_derived_values():
    a, b = nn.ValueChoice([1, 4, 2]), nn.ValueChoice([10, 20])
    pair = nn.ValueChoice([(6, 3), (8, 5)])
    at = {a: 2, b: 10, pair: (8, 5)}.__getitem__
    derived = [a**2, 2**a, -a, abs(1 - a), round(b / 3), round(b / 3, 1), pair[0] + pair[-1]]
    assert [value.at(at) for value in derived] == [4, 4, -2, 1, 3, 3.3, 13]
    assert [value.at(at) for value in (a < 3, a <= 1, b > a, b <= 10)] == [True, False, True, True]
    made = [nn.Value.max(a, 3, b), nn.Value.min(a, 3), nn.Value.to_int(b / 4), nn.Value.to_float(a)]
    assert [value.at(at) for value in made] == [10, 2, 2, 2.0]
    assert [nn.Value.condition(test, a, 7).at(at) for test in (a < 3, a > 3)] == [2, 7]


def test_functions_of_nni_compute_with_plain_numbers():
    assert (nn.Value.max(8, 3), nn.Value.min(8, 3), nn.Value.to_int(2.5), nn.Value.to_float(2)) == (8, 3, 2, 2.0)
    assert nn.Value.condition(True, 1, 2) == 1


def test_a_derived_value_of_every_kind_is_pickled():
    a = nn.ValueChoice([1, 2])
    for value in (2 - a, round(a / 2), nn.Value.condition(a < 2, a, 5), nn.Value.max(a, 2)):
        assert pickle.loads(pickle.dumps(value)).largest == value.largest


def test_the_largest_of_what_has_no_order_is_the_first():
    assert nn.ValueChoice(["b", "a"]).largest == "b"
    assert nn.ValueChoice([False, True]).largest is True


def test_possible_lists_every_assignment_once():
    k = nn.ValueChoice([3, 5], label="k")
    again = nn.ValueChoice([3, 5], label="k")
    assert list(possible_values(k * again)) == [([3], 9), ([5], 25)]
    assert len(list(possible_values(k + nn.ValueChoice([1, 2, 4])))) == 6


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
        lambda v: 1 if v > 1 else 0,
        lambda v: max(v, 1),
        lambda v: v < "a",
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
        (lambda: nn.ValueChoice([torch.nn.ReLU]), "not JSON; choose among names and .map()"),
        (lambda: nn.ValueChoice([1], label="a b"), "label='a b'.*joined by dots"),
        (lambda: nn.ValueChoice([1], label="a..b"), "joined by dots"),
        (lambda: nn.ValueChoice([1], label=""), "joined by dots"),
        (lambda: nn.ValueChoice([1], label=3), "label=3"),
    ],
)
def test_bad_choices_are_refused(make, said):
    with pytest.raises(SpaceError, match=said):
        make()
