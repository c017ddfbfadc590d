"""Meters and metrics of tables in numbers that were computed by hand, of one process and of several."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.tasks import table_metrics
from trainables.tasks.meters import Errors, Joined, Means, in_units
from trainables.training.parallel import Group

CPU = torch.device("cpu")
NAMES = ("rmse", "mae", "r2", "loss")


class Twice:
    """A group in which the other process has the same sums."""

    alone = False

    def sum_(self, tensors: list[Tensor]) -> None:
        for tensor in tensors:
            tensor *= 2


class Alone:
    alone = True

    def sum_(self, tensors: list[Tensor]) -> None:
        raise AssertionError("there is no other process")


TWICE: Any = Twice()
ALONE: Any = Alone()


def hits(outputs: Any, targets: Any) -> Tensor:
    return (outputs == targets).sum()


def total(outputs: Any, targets: Any) -> Tensor:
    return outputs.sum()


def test_means_are_over_all_examples() -> None:
    meter = Means({"hits": hits, "total": total})
    assert meter.result() == {}
    meter.add(torch.tensor([1, 2, 3]), torch.tensor([1, 0, 3]))
    meter.add(torch.tensor([4]), torch.tensor([0]))
    assert meter.result() == {"hits": 0.5, "total": 2.5}
    meter.merge(ALONE, CPU)
    assert meter.result() == {"hits": 0.5, "total": 2.5}
    meter.merge(TWICE, CPU)
    assert (meter.result(), meter._count) == ({"hits": 0.5, "total": 2.5}, 8)


def test_only_the_named_means_are_measured() -> None:
    meter = Means({"hits": hits, "total": total}, ["total"])
    meter.add(torch.tensor([1, 2]), torch.tensor([1, 0]))
    assert meter.result() == {"total": 1.5}
    nothing = Means({"hits": hits}, [])
    nothing.add(torch.tensor([1]), torch.tensor([1]))
    nothing.merge(TWICE, CPU)
    assert (nothing.result(), nothing._count) == ({}, 1)


def test_a_process_without_examples_merges_with_the_others() -> None:
    meter = Means({"hits": hits, "total": total})

    class Other:
        alone = False

        def sum_(self, tensors: list[Tensor]) -> None:
            (tensor,) = tensors
            assert tensor.tolist() == [0, 0, 0]
            tensor += torch.tensor([4.0, 1.0, 10.0])

    other: Any = Other()
    meter.merge(other, CPU)
    assert meter.result() == {"hits": 0.25, "total": 2.5}


def test_joined_meters_are_one() -> None:
    meter = Joined([Means({"hits": hits}), Means({"total": total})])
    meter.add(torch.tensor([1, 2]), torch.tensor([1, 0]))
    meter.merge(TWICE, CPU)
    assert meter.result() == {"hits": 0.5, "total": 1.5}


# Numbers


def test_errors_of_numbers_are_in_units_and_the_loss_is_standardized() -> None:
    """Targets 2, 6, 10 are -1, 1, 3 in units of 2 around 4; the errors there are 0.5, 0 and -1."""
    meter = Errors(torch.tensor([4.0]), torch.tensor([2.0]), NAMES)
    assert meter.result() == {}
    meter.add(torch.tensor([[-0.5], [1.0]]), torch.tensor([[2.0], [6.0]]))
    meter.add(torch.tensor([[2.0]]), torch.tensor([[10.0]]))
    squares = 1.25 / 3
    wanted = {"rmse": 2 * math.sqrt(squares), "mae": 1.0, "r2": 1 - 1.25 / 8, "loss": squares}
    assert meter.result() == pytest.approx(wanted)
    meter.merge(ALONE, CPU)
    meter.merge(TWICE, CPU)
    assert meter.result() == pytest.approx(wanted)
    assert meter._count == 6
    assert list(meter.result()) == list(NAMES)


def test_errors_of_several_numbers_are_over_all_and_r2_is_their_mean() -> None:
    meter = Errors(torch.zeros(2), torch.tensor([1.0, 3.0]), ("r2", "mae", "rmse"))
    targets = torch.tensor([[0.0, 0.0], [2.0, 6.0]])
    meter.add(torch.tensor([[1.0, 0.0], [2.0, 1.0]]), targets)
    assert meter.result() == pytest.approx(
        {"rmse": math.sqrt((0.5 + 0.5 * 9) / 2), "mae": (0.5 + 0.5 * 3) / 2, "r2": ((1 - 0.5 / 1) + (1 - 0.5 / 1)) / 2}
    )
    assert list(meter.result()) == ["r2", "mae", "rmse"]


def test_a_constant_target_has_no_r2() -> None:
    meter = Errors(torch.zeros(2), torch.ones(2), NAMES)
    meter.add(torch.ones(3, 2), torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]))
    assert set(meter.result()) == {"rmse", "mae", "loss"}
    single = Errors(torch.zeros(1), torch.ones(1), NAMES)
    single.add(torch.tensor([[1.0]]), torch.tensor([[5.0]]))
    assert "r2" not in single.result()


def test_outputs_are_brought_to_the_units_of_the_targets() -> None:
    mean, std = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    values, targets = in_units(torch.ones(2, 2, dtype=torch.float16), torch.ones(2, 2), mean, std)
    assert (values.tolist(), values.dtype) == ([[4.0, 6.0]] * 2, torch.float32)
    one, same = in_units(torch.ones(2, 1), torch.zeros(2, 1), mean[:1], std[:1])
    assert (one.tolist(), same.tolist()) == ([4.0, 4.0], [0.0, 0.0])
    assert targets.shape == (2, 2)


# Tables

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 0.0]])
CLASSES = torch.tensor([0, 1, 2, 0])


def test_accuracy_and_log_loss_of_classes() -> None:
    assert table_metrics.accuracy(LOGITS, CLASSES) == 0.75
    rest = math.log(math.e**2 + math.e + 1)
    assert table_metrics.log_loss(LOGITS, CLASSES) == pytest.approx((3 * (rest - 2) + (rest - 1)) / 4)


def test_f1_is_of_the_second_of_two_classes_or_the_mean_of_all_that_are_there() -> None:
    assert table_metrics.f1(LOGITS, CLASSES) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    two = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert table_metrics.f1(two, torch.tensor([1, 0, 1, 0])) == 0.5
    assert table_metrics.f1(two, torch.tensor([1, 1, 0, 0])) == 1.0
    assert table_metrics.f1(two[2:], torch.tensor([0, 0])) == 0.0, "the second class is neither there nor predicted"
    absent = torch.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
    assert table_metrics.f1(absent, torch.tensor([0, 0])) == pytest.approx((2 / 3 + 0) / 2)


def test_the_area_counts_pairs_and_ties_half() -> None:
    scores, positive = torch.tensor([0.9, 0.5, 0.5, 0.1]), torch.tensor([True, True, False, False])
    assert table_metrics.area(scores, positive) == (1 + 1 + 0.5 + 1) / 4
    assert table_metrics.area(-scores, positive) == 0.5 / 4
    assert table_metrics.area(torch.zeros(4), positive) == 0.5
    assert table_metrics.area(scores, torch.ones(4, dtype=torch.bool)) is None
    assert table_metrics.area(scores, torch.zeros(4, dtype=torch.bool)) is None


def test_auc_is_of_the_second_class_or_the_mean_of_each_against_the_rest() -> None:
    two = torch.tensor([[0.0, 3.0], [1.0, 1.0], [0.0, -2.0]])
    assert table_metrics.auc(two, torch.tensor([1, 0, 1])) == 0.5
    assert table_metrics.auc(two, torch.tensor([1, 1, 1])) is None
    chances = LOGITS.double().softmax(1)
    areas = [table_metrics.area(chances[:, number], number == CLASSES) for number in range(3)]
    assert areas == [1.0, 2.5 / 3, 1.0]
    assert table_metrics.auc(LOGITS, CLASSES) == pytest.approx(sum(filter(None, areas)) / 3)
    assert table_metrics.auc(LOGITS, torch.tensor([0, 1, 1, 0])) is None, "a class without a row"


def test_errors_of_predicted_numbers() -> None:
    true, predicted = torch.tensor([0.0, 2.0, 4.0]), torch.tensor([1.0, 2.0, 2.0])
    assert table_metrics.rmse(predicted, true) == pytest.approx(math.sqrt(5 / 3))
    assert table_metrics.mae(predicted, true) == 1.0
    assert table_metrics.r2(predicted, true) == pytest.approx(1 - 5 / 8)
    several = torch.stack([true, true], 1)
    assert table_metrics.r2(torch.stack([true, predicted], 1), several) == pytest.approx((1 + 3 / 8) / 2)
    assert table_metrics.r2(predicted, torch.ones(3)) is None
    assert table_metrics.r2(several, torch.stack([true, torch.ones(3)], 1)) is None


def test_a_group_of_one_process_is_alone() -> None:
    assert Group(0, 1).alone
