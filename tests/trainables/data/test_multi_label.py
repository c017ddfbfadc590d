"""Labels of several classes: what they may be, which class deals out a fold, and how a split keeps their shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.images import Split
from trainables.data.multi_label import (
    kinds_of,
    labels_of_rows,
    multi_labels,
    named_classes,
    raw_multi,
    stratified_labels,
)
from trainables.errors import DataError


def refused(call: Any) -> str:
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_labels_are_zeros_and_ones_of_any_kind(dtype: Any) -> None:
    found = multi_labels(np.array([[0, 1], [1, 1]], dtype=dtype), "y")
    assert (found.tolist(), found.dtype) == ([[0, 1], [1, 1]], torch.uint8)


def test_other_labels_are_told_with_their_place() -> None:
    assert refused(lambda: multi_labels(np.array([0, 1]), "y")).startswith(
        "y is int64 of shape (2,); labels of several"
    )
    assert "of shape (2, 1); labels" in refused(lambda: multi_labels(np.array([[0], [1]]), "y"))
    assert "y is <U1 of shape" in refused(lambda: multi_labels(np.array([["a", "b"]]), "y"))
    said = refused(lambda: multi_labels(np.array([[0, 1], [1, 2], [3, 0]]), "y"))
    assert said.startswith("y, row 1: the label of class 1 is 2; it must be 1 where an example has the class, else 0")
    assert "row 0: the label of class 0 is -1" in refused(lambda: multi_labels(np.array([[-1, 1]]), "y"))


def test_names_are_collected_and_sorted() -> None:
    assert named_classes([["b", "a"], None, [], ["c", "a"]]) == ("a", "b", "c")
    assert named_classes([[0, 1], [1, 1]]) == ()


def test_rows_of_names_or_numbers_become_labels() -> None:
    assert labels_of_rows([["b"], [], ["a", "b"]], ("a", "b"), "y").tolist() == [[0, 1], [0, 0], [1, 1]]
    assert labels_of_rows([[0, 1], [1, 1]], (), "y").tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("rows", "classes", "said"),
    [
        ([["a"], None], ("a", "b"), "y, row 1: there is no label; give a list, which may be empty"),
        ([[0, 1], [1, 1, 0]], (), "y, row 1 has 3 labels and row 0 has 2; give 0 or 1 for each class"),
        ([[0, 1], [1, None]], (), "y, row 1: a label is missing; it must be 1 where"),
        ([["a"], ["x"]], ("a", "b"), "y, row 1 has the class 'x', which no training example has (they have 'a', 'b')"),
    ],
)
def test_rows_that_cannot_be_are_told(rows: Any, classes: Any, said: str) -> None:
    assert refused(lambda: labels_of_rows(rows, classes, "y")).startswith(said)


def split(labels: list[list[int]]) -> Split:
    return Split(torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8), torch.tensor(labels, dtype=torch.uint8))


TRAIN = [[1, 0], [0, 1], [1, 1]]


def test_a_data_set_names_its_classes_and_notes_what_is_always_or_never_there() -> None:
    plain = raw_multi("x", split(TRAIN))
    assert (plain.classes, tuple(plain.notes)) == (("0", "1"), ())
    always = raw_multi("x", split([[1, 0], [1, 1]]), classes=("a", "b"), notes=["first"])
    assert tuple(always.notes) == ("first", "every training image has the class a")
    lacking = raw_multi("x", split(TRAIN), split([[1, 0]]), ("a", "b"), validation=split([[0, 1]]))
    assert len(lacking.notes) == 2
    assert "validation" in lacking.notes[0]
    assert "test" in lacking.notes[1]


def test_parts_and_names_that_do_not_fit_are_told() -> None:
    three = split([[1, 0, 0]])
    said = "x: training labels have 2 classes, {} labels 3; give all parts the same classes"
    assert refused(lambda: raw_multi("x", split(TRAIN), three)) == said.format("test")
    assert refused(lambda: raw_multi("x", split(TRAIN), validation=three)) == said.format("validation")
    assert refused(lambda: raw_multi("x", split(TRAIN), classes=("a",))).startswith("x: 1 classes have names, and")
    lacking = refused(lambda: raw_multi("x", split([[1, 0], [1, 0]]), classes=("a", "b")))
    assert lacking.startswith("x: no training image has the class b; add images of it")


def test_the_rarest_class_of_an_example_deals_it_out() -> None:
    labels = torch.tensor([[1, 1, 0]] * 3 + [[1, 0, 0]] * 4 + [[0, 0, 0]] * 3 + [[1, 1, 1]] * 2)
    assert kinds_of(labels, 2).tolist() == [1] * 3 + [0] * 4 + [3] * 3 + [2] * 2
    assert kinds_of(labels, 3).tolist() == [1] * 3 + [0] * 4 + [3] * 5, "two are too few of a class"
    few = torch.tensor([[1, 0]] * 5 + [[0, 1]] * 4 + [[0, 0]])
    assert kinds_of(few, 2).tolist() == [0] * 5 + [1] * 4 + [0], "a rest that is too small joins the commonest class"
    assert kinds_of(few[:9], 2).tolist() == [0] * 5 + [1] * 4
    assert kinds_of(torch.tensor([[1, 0], [0, 1]]), 1).tolist() == [0, 1]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_a_split_keeps_the_share_of_each_class(share: float) -> None:
    generator = torch.Generator().manual_seed(1)
    labels = (torch.rand(200, 4, generator=generator) < torch.tensor([0.5, 0.3, 0.1, 0.05])).to(torch.uint8)
    rows = torch.arange(0, 200)
    rest, part = stratified_labels(labels, rows, share, 0, "x")
    assert sorted([*rest.tolist(), *part.tolist()]) == rows.tolist()
    assert rest.tolist() == sorted(rest.tolist())
    assert part.tolist() == sorted(part.tolist())
    assert len(part) == pytest.approx(share * 200, abs=4)
    for kind in range(4):
        whole, drawn = int(labels[:, kind].sum()), int(labels[part][:, kind].sum())
        assert 1 <= drawn < whole
        assert drawn == pytest.approx(share * whole, abs=max(2.0, 0.12 * whole))
    assert torch.equal(stratified_labels(labels, rows, share, 0, "x")[1], part)
    assert not torch.equal(stratified_labels(labels, rows, share, 1, "x")[1], part)


def test_both_parts_have_every_class_where_each_has_two_examples() -> None:
    labels = torch.eye(5, dtype=torch.uint8).repeat(2, 1)
    for share in (0.01, 0.5, 0.99):
        rest, part = stratified_labels(labels, torch.arange(10), share, 3, "x")
        assert labels[rest].sum(0).tolist() == labels[part].sum(0).tolist() == [1] * 5


def test_only_the_given_rows_are_split_and_a_class_of_one_cannot_be() -> None:
    labels = torch.tensor([[1, 0], [0, 1]] * 6, dtype=torch.uint8)
    rows = torch.tensor([0, 1, 2, 3, 6, 7])
    rest, part = stratified_labels(labels, rows, 0.34, 0, "x")
    assert sorted([*rest.tolist(), *part.tolist()]) == rows.tolist()
    said = refused(lambda: stratified_labels(labels, torch.tensor([0, 1, 2]), 0.5, 0, "digits, test"))
    assert said.startswith("digits, test: class 1 has 1 example(s) left and each split needs one; add examples")
