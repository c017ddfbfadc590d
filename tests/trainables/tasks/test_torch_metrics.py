"""Metrics of torchmetrics from a stand-in for its package: which class a name means, and what its constructor gets."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import Any

import pytest
import torch

from trainables.errors import TrainableError
from trainables.tasks.torch_metrics import kind_of, made, mode_of, value_of


class Metric:
    """The base of all."""

    higher_is_better: bool | None = None


class CohenKappa(Metric):
    higher_is_better = True

    def __init__(
        self, task: str, num_classes: int | None = None, num_labels: int | None = None, weights: str = ""
    ) -> None:
        if weights == "cubic":
            raise ValueError("weights: cubic\nsecond line")
        warnings.warn("keeps all examples", UserWarning, stacklevel=1)
        self.given = {"task": task, "num_classes": num_classes, "num_labels": num_labels}


class MeanError(Metric):
    higher_is_better = False

    def __init__(self, num_outputs: int = 1) -> None:
        self.outputs = num_outputs


class Silent(Metric):
    pass


class Perplexity(Metric):
    pass


class MulticlassPerplexity(Metric):
    higher_is_better = False


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, classes = ModuleType("torchmetrics"), ModuleType("torchmetrics.classification")
    for kind in (Metric, CohenKappa, MeanError, Silent, Perplexity):
        setattr(whole, kind.__name__, kind)
    whole.other = int  # type: ignore[attr-defined]
    whole.Int = int  # type: ignore[attr-defined]
    classes.MulticlassPerplexity = MulticlassPerplexity  # type: ignore[attr-defined]
    classes.CohenKappa = MeanError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchmetrics", whole)
    monkeypatch.setitem(sys.modules, "torchmetrics.classification", classes)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("CohenKappa", CohenKappa),
        ("cohen_kappa", CohenKappa),
        ("torchmetrics:CohenKappa", CohenKappa),
        ("torchmetrics.classification:CohenKappa", MeanError),
        ("mean_error", MeanError),
    ],
)
def test_a_class_is_found_however_its_name_is_written(what: str, kind: type) -> None:
    assert kind_of("k", what) is kind


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("CohenKapa", "torchmetrics has no such metric; did you mean 'CohenKappa'\\? write the name of one"),
        ("Metric", "has no such metric"),
        ("Int", "has no such metric"),
        ("xyz", "has no such metric; write the name of one of its classes"),
        ("nowhere.at_all:X", r"cannot be imported \(No module named 'nowhere'\); pip install"),
    ],
)
def test_other_names_are_refused(what: str, said: str) -> None:
    with pytest.raises(TrainableError, match=rf"^metrics.k is {what!r}, .*{said}"):
        kind_of("k", what)


def test_the_mode_is_that_of_the_class_or_of_its_form_for_classes() -> None:
    modes = [mode_of("k", kind) for kind in (CohenKappa, MeanError, Perplexity)]
    assert modes == ["max", "min", "min"]
    with pytest.raises(TrainableError, match=r"whether more of Silent is better; .*'metric': 'Silent', 'mode': 'max'"):
        mode_of("k", Silent)


@pytest.mark.parametrize(
    ("sizes", "arguments", "given"),
    [
        ({"classes": 3}, {}, ("multiclass", 3, None)),
        ({"classes": 2}, {}, ("binary", None, None)),
        ({"classes": 2}, {"task": "multiclass"}, ("multiclass", 2, None)),
        ({"classes": 3}, {"num_classes": 7}, ("multiclass", 7, None)),
        ({"labels": 4}, {}, ("multilabel", None, 4)),
        ({"labels": 2}, {}, ("multilabel", None, 2)),
    ],
)
def test_the_data_decide_the_form_of_classes(
    sizes: dict[str, int], arguments: dict[str, Any], given: tuple[object, ...]
) -> None:
    found = made("k", CohenKappa, arguments, **{"classes": 0, "labels": 0, "numbers": 0, **sizes})
    assert tuple(found.given.values()) == given


@pytest.mark.parametrize(("numbers", "outputs"), [(0, 1), (1, 1), (2, 2)])
def test_the_data_decide_the_number_of_outputs(numbers: int, outputs: int) -> None:
    assert made("k", MeanError, {}, classes=0, labels=0, numbers=numbers).outputs == outputs


def test_arguments_that_are_refused_are_named_with_the_reason() -> None:
    why = r"^metrics.k: CohenKappa refuses its arguments .*'weights': 'cubic'.* \(weights: cubic\); correct them"
    with pytest.raises(TrainableError, match=why):
        made("k", CohenKappa, {"weights": "cubic"}, classes=3, labels=0, numbers=0)
    with pytest.raises(TrainableError, match=r"MeanError refuses its arguments \{'beta': 1\}"):
        made("k", MeanError, {"beta": 1}, classes=3, labels=0, numbers=0)


class Measured:
    """Returns what it is told to; keeps what it got."""

    def __init__(self, value: object) -> None:
        self.value, self.got = value, list[Any]()

    def reset(self) -> None:
        self.got.append("reset")

    def update(self, outputs: torch.Tensor, targets: torch.Tensor) -> None:
        if isinstance(self.value, Exception):
            raise self.value
        self.got.append((outputs, targets))

    def compute(self) -> object:
        return self.value


class BinaryMeasured(Measured):
    pass


OUTPUTS, TARGETS = torch.tensor([[0.25, 0.75], [0.5, 0.5]]), torch.tensor([1, 0])


def test_a_value_is_computed_anew_of_all_examples() -> None:
    metric = Measured(torch.tensor([0.5]))
    assert value_of("k", metric, OUTPUTS, TARGETS) == 0.5
    assert metric.got[0] == "reset"
    assert torch.equal(metric.got[1][0], OUTPUTS)


@pytest.mark.parametrize(
    ("outputs", "seen"),
    [(OUTPUTS, OUTPUTS[:, 1]), (torch.ones(2, 3), torch.ones(2, 3)), (torch.ones(2), torch.ones(2))],
)
def test_a_binary_metric_gets_the_probability_of_the_second_class(outputs: torch.Tensor, seen: torch.Tensor) -> None:
    metric = BinaryMeasured(torch.tensor(0.5))
    value_of("k", metric, outputs, TARGETS)
    assert torch.equal(metric.got[1][0], seen)
    plain = Measured(torch.tensor(0.5))
    value_of("k", plain, outputs, TARGETS)
    assert torch.equal(plain.got[1][0], outputs)


@pytest.mark.parametrize(
    ("value", "shape"), [(torch.ones(2), r"\(2,\)"), (torch.ones(3, 3), r"\(3, 3\)"), (0.5, "float"), ({}, "dict")]
)
def test_several_values_are_no_metric(value: object, shape: str) -> None:
    with pytest.raises(TrainableError, match=rf"metrics.k: Measured has several values \({shape}\), and a metric"):
        value_of("k", Measured(value), OUTPUTS, TARGETS)


def test_outputs_that_do_not_fit_are_told_with_their_shapes() -> None:
    why = r"refuses outputs of shape \(2, 2\) with targets of shape \(2,\) \(no\); take another metric"
    with pytest.raises(TrainableError, match=why):
        value_of("k", Measured(ValueError("no\nsecond")), OUTPUTS, TARGETS)
