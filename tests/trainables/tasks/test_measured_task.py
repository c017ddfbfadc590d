"""A task with a loss or metrics of one's own: what the functions are given, and what they change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.training.lines import CPU, Lines
from trainables.errors import TrainableError
from trainables.metrics import Metric
from trainables.tasks.measured_task import class_of, with_measures
from trainables.tasks.meters import Means
from trainables.tasks.own_measures import OwnMeasures, OwnMetric
from trainables.tasks.task import Task


class Made:
    """A metric of torchmetrics' interface. Its value says what it was made for, as digits: outputs, classes, labels."""

    def __init__(
        self, num_outputs: int = 1, num_classes: int = 0, num_labels: int = 0, task: str = "", fault: str = ""
    ) -> None:
        self.value = 100 * num_outputs + 10 * num_classes + num_labels

    def reset(self) -> None:
        pass

    def update(self, preds: Tensor, target: Tensor) -> None:
        assert len(preds) == len(target)

    def compute(self) -> Tensor:
        return torch.tensor(float(self.value))


def measured(*metrics: OwnMetric, loss: Any = None, task: Task | None = None) -> Task:
    return with_measures(task or Lines(), OwnMeasures(loss, metrics, {"metrics": "own"}))


def value(outputs: Tensor, data: Any) -> float:
    """What a metric that is made for the data says of these outputs."""
    meter = measured(OwnMetric(Metric("made", "max"), kind=Made)).meter(data, ["made"])
    meter.add(outputs, torch.zeros(len(outputs)))
    return meter.result()["made"]


@pytest.mark.parametrize(("shape", "expected"), [((4,), 100), ((4, 1), 100), ((4, 2), 200), ((4, 3, 5), 300)])
def test_a_metric_is_made_for_as_many_numbers_as_an_example_has(shape: tuple[int, ...], expected: int) -> None:
    assert value(torch.zeros(shape), Lines().load(CPU)) == expected


def test_a_metric_is_made_for_the_classes_or_for_labels_that_do_not_exclude_each_other() -> None:
    class Classes(Lines):
        def probabilities(self, outputs: Tensor, data: Any) -> Tensor:
            assert data.classes
            return outputs.softmax(1)

    def of(**facts: Any) -> float:
        task = measured(OwnMetric(Metric("made", "max"), kind=Made), task=Classes())
        meter = task.meter(SimpleNamespace(**facts), ["made"])
        meter.add(torch.zeros(4, 3), torch.zeros(4))
        return meter.result()["made"]

    assert of(classes=("a", "b", "c")) == 130
    assert of(classes=()) == 300, "numbers are no probabilities"
    assert of(classes=("a", "b", "c"), multi_label=True) == 103


def test_outputs_without_probabilities_are_compared_as_they_are() -> None:
    class Noting(Made):
        def compute(self) -> Tensor:
            return self.seen.sum()

        def update(self, preds: Tensor, target: Tensor) -> None:
            self.seen = preds

    task = measured(OwnMetric(Metric("made", "max"), kind=Noting))
    meter = task.meter(SimpleNamespace(classes=("a", "b")), ["made"])
    meter.add(torch.tensor([[3.0, 4.0]]), torch.zeros(1))
    assert meter.result()["made"] == 7


def double(outputs: Tensor, targets: Tensor) -> Tensor:
    return 2 * (outputs - targets).abs().mean()


def test_a_function_is_the_mean_over_the_examples_of_all_batches() -> None:
    task = measured(OwnMetric(Metric("twice", "min"), function=double))
    meter = task.meter(task.load(CPU), ["twice", "mae"])
    meter.add(torch.ones(3, 1), torch.zeros(3, 1))
    meter.add(torch.zeros(1, 1), torch.zeros(1, 1))
    assert meter.result() == {"mae": 0.75, "twice": 1.5}
    assert "twice" not in task.meter(task.load(CPU), ["mae"]).result()


def test_a_loss_replaces_that_of_the_task_in_training_in_the_meter_and_in_the_reward() -> None:
    task, data = measured(loss=double), Lines().load(CPU)
    outputs, targets = torch.full((2, 1), 3.0), torch.zeros(2, 1)
    assert float(task.loss(outputs, targets, data)) == 6
    assert float(task.reward(outputs, targets, data)) == -6
    assert [one.name for one in task.metrics] == ["mae", "loss"]
    meter = task.meter(data, ["mae", "loss"])
    meter.add(outputs, targets)
    assert meter.result() == {"mae": 3, "loss": 6}
    unasked = task.meter(data, ["mae"])
    unasked.add(outputs, targets)
    assert unasked.result() == {"mae": 3}
    without = measured()
    assert float(without.loss(outputs, targets, data)) == 9
    assert float(without.reward(outputs, targets, data)) == -9


def test_a_task_without_the_metric_loss_gets_it_with_a_loss_of_its_own() -> None:
    class Plain(Lines):
        metrics = (Metric("mae", "min"),)

        def meter(self, data: Any, names: Any) -> Means:
            assert "loss" not in names
            return super().meter(data, names)

        def reward(self, outputs: Tensor, targets: Tensor, data: Any) -> Tensor:
            return torch.tensor(7.0)

    task = measured(loss=double, task=Plain())
    assert [one.name for one in task.metrics] == ["mae", "loss"]
    task.meter(task.load(CPU), ["loss"])
    assert float(task.reward(torch.zeros(1, 1), torch.zeros(1, 1), None)) == 7, "a reward of the task's own stays"
    assert [one.name for one in measured(task=Plain()).metrics] == ["mae"]


def test_it_is_of_a_class_derived_from_that_of_the_task_and_has_its_settings() -> None:
    task = measured(loss=double, task=Lines(broken=True))
    assert isinstance(task, Lines)
    assert task.broken
    assert (class_of(task), class_of(Lines())) == (Lines, Lines)
    assert type(task).__name__ == "Lines"
    assert task.identity() == {"broken": True, "metrics": "own"}


def test_settings_in_slots_are_kept_too() -> None:
    class Slotted(Lines):
        __slots__ = ("deep", "unset")

        def __init__(self) -> None:
            super().__init__()
            self.deep = 3

    found = measured(loss=double, task=Slotted())
    assert (found.deep, found.broken) == (3, False)  # type: ignore[attr-defined]
    assert not hasattr(found, "unset")


class Classed(Lines):
    """Says how many outputs a network has, so that functions can be tried on random ones."""

    def load(self, device: torch.device) -> Any:
        data = super().load(device)
        return SimpleNamespace(train=data.train, classes=(), arguments=lambda: {"num_classes": 1}, device=device)


def test_functions_are_tried_on_random_outputs_before_anything_is_trained() -> None:
    def fails(outputs: Tensor, targets: Tensor) -> Tensor:
        raise KeyError("no such thing")

    def number(outputs: Tensor, targets: Tensor) -> Any:
        return (outputs.detach() - targets).mean()

    measured(OwnMetric(Metric("twice", "min"), function=double), loss=double, task=Classed()).check()
    measured(OwnMetric(Metric("made", "min"), kind=Made), task=Classed()).check()
    measured(OwnMetric(Metric("bad", "min"), function=fails)).check()  # the number of outputs is not known
    with pytest.raises(TrainableError, match=r"metrics\.bad raised KeyError on a batch with random outputs"):
        measured(OwnMetric(Metric("bad", "min"), function=fails), task=Classed()).check()
    with pytest.raises(TrainableError, match="loss has no gradient"):
        measured(loss=number, task=Classed()).check()
    with pytest.raises(TrainableError, match="metrics has 'mae', which is a metric of the task; give yours another"):
        measured(OwnMetric(Metric("mae", "min"), function=double)).check()
    with pytest.raises(TrainableError, match=r"metrics\.made: Made refuses its arguments"):
        measured(OwnMetric(Metric("made", "min"), kind=Made, arguments={"x": 1}), task=Classed()).check()


def test_a_metric_of_torchmetrics_compares_one_tensor_with_another() -> None:
    meter = measured(OwnMetric(Metric("made", "max"), kind=Made)).meter(Lines().load(CPU), ["made"])
    with pytest.raises(TrainableError, match="metrics made of torchmetrics compare one tensor with another"):
        meter.add({"a": torch.zeros(2, 1)}, torch.zeros(2, 1))
