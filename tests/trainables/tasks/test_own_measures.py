"""Losses and metrics of one's own for any task, and metrics of torchmetrics by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import search_spaces
from tests.registries import kept
from tests.trainables.tasks import own_functions
from tests.trainables.tasks.numbers import turned
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.data.objects import keep
from trainables.errors import TrainableError
from trainables.metrics import Metric
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks import own_measures
from trainables.tasks.learner import Learner
from trainables.tasks.measured_task import class_of
from trainables.tasks.own_measures import MEASURES, register
from trainables.tasks.registry import make_task, task_reference

FUNCTIONS = own_functions.__name__
IMAGES, NUMBERS = turned(40)
CPU = torch.device("cpu")
HITS = {"metric": f"{FUNCTIONS}:hits", "mode": "max", "low": 0, "high": 1}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {
        "classes": keep((IMAGES, np.arange(40) % 3), task="classification").data,
        "numbers": keep((IMAGES, NUMBERS), task="regression").data,
    }


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    with kept(NETWORKS, MEASURES):
        NETWORKS.register(SPACE.name, Family(build))
        yield


def trained(task: Any, space: Any = None, **settings: Any) -> Learner:
    space = space or search_spaces.get("nb201")
    small = {"channels": 2, "cells": 1} if space.name == "nb201" else {}
    learner = Learner(task=task, space=space, batch_size=8, device="cpu", **small, **settings)
    learner.setup(space.sample(0), seed=0, max_epochs=2)
    return learner


def test_a_function_is_a_metric_in_units_of_the_targets(files: dict[str, str]) -> None:
    metrics = {"error": {"metric": own_functions.error, "mode": "min", "unit": "rad", "low": 0}}
    learner = trained("regression", data=files["numbers"], metrics=metrics, loss=own_functions.double_error)
    assert learner.task.metrics[-1] == Metric("error", "min", "rad", low=0)
    assert learner.task.metrics[3] == Metric("loss", "min"), "the loss of one's own need not be a squared error"
    report = learner.step()
    assert report["error"] == pytest.approx(report["mae"])
    test = learner.evaluate("test")
    std = float(learner.data.target_std)
    assert test["loss"] == pytest.approx(2 * test["mae"] / std, rel=1e-5), "a loss compares standardized numbers"
    assert report["train_loss"] > 0


@pytest.mark.slow
def test_a_loss_changes_the_training_and_the_identity(files: dict[str, str]) -> None:
    plain = trained("classification", data=files["classes"], label_smoothing=0.0)
    same = trained("classification", data=files["classes"], label_smoothing=0.0, loss=functional.cross_entropy)
    assert plain.step()["train_loss"] == same.step()["train_loss"]
    assert same.task.identity() == {**plain.task.identity(), "loss": "torch.nn.functional:cross_entropy"}
    assert class_of(same.task) is type(plain.task)
    assert (task_reference(same.task), same.deployed().task_settings) == ("classification", {"label_smoothing": 0.0})
    assert plain.task != same.task


@pytest.mark.slow
def test_every_task_takes_them(files: dict[str, str]) -> None:
    text = trained(
        "language",
        search_spaces.get("transformer_lm", embeddings=(16, 32), depths=(1, 2)),
        data="To be, or not to be, that is the question.\n" * 8,
        context=8,
        epoch_tokens=64,
        metrics={"hits": HITS},
    )
    found = text.step()
    assert found["hits"] == pytest.approx(found["accuracy"], abs=1e-6)
    own = trained(Growth, SPACE, metrics={"error": {"metric": f"{FUNCTIONS}:error", "mode": "min"}})
    assert own.step()["error"] > 0
    waves = {"x": np.sin(np.arange(64) / (2 + np.arange(40)[:, None] % 2)), "y": np.arange(40) % 2}
    signal = make_task("signal", {"data": keep(tuple(waves.values()), task="signal").data, "metrics": {"hits": HITS}})
    assert [one.name for one in signal.metrics][-1] == "hits"
    signal.check()
    classes = trained("classification", data=files["classes"], metrics={"hits": HITS}, extra_metrics=["f1"])
    found = classes.step()
    assert found["hits"] == pytest.approx(found["accuracy"])
    assert list(found)[:4] == ["accuracy", "loss", "f1", "hits"]


def test_a_registered_name_leads_to_a_function(files: dict[str, str]) -> None:
    register("my_error", own_functions.error)
    made = make_task("regression", {"data": files["numbers"], "metrics": {"e": {"metric": "my_error", "mode": "min"}}})
    assert made.metrics[-1].name == "e"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": {"hits": f"{FUNCTIONS}:hits"}}, r"metrics.hits: it is unknown whether more .*'mode': 'max'"),
        ({"metrics": {"hits": {**HITS, "mode": "up"}}}, "the mode of the metric 'hits' is 'up'; it is 'max' or 'min'"),
        ({"metrics": {"hits": {**HITS, "low": "0"}}}, r"metrics.hits.low is '0'; it must be a number"),
        ({"metrics": {"hits": {**HITS, "beta": 2}}}, r"metrics.hits has 'beta', and a function takes outputs and"),
        ({"metrics": {"hits": {"mode": "max"}}}, r"metrics.hits is .*; its key 'metric' must be"),
        ({"metrics": {"no good": HITS}}, "metrics has the name 'no good'; a name"),
        ({"metrics": "hits"}, "metrics is 'hits'; give a table with a name for each metric"),
        ({"metrics": [own_functions.hits]}, "in a list; give a table with a name for each function"),
        ({"metrics": {"h": {"metric": "nowhere:hits", "mode": "max"}}}, "'nowhere:hits' cannot be imported: No module"),
        ({"metrics": {"h": {"metric": 3, "mode": "max"}}}, r"metrics.h is 3; give a function \(outputs, targets\)"),
        ({"loss": "huber_loss"}, "loss is 'huber_loss'; give a function .*'torch.nn.functional:huber_loss'"),
        ({"loss": f"{FUNCTIONS}:huber"}, "cannot be imported: .*; write 'module:function', and start where"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        make_task("classification", settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": own_functions.hits}, "loss raised TypeError|loss has no gradient; compute it by functions of torch"),
        ({"loss": own_functions.rows}, r"loss returned a tensor of shape .*; return a scalar, the mean over the"),
        (
            {"loss": own_functions.nothing},
            "loss raised KeyError on a batch with random outputs: 'no such thing'; it is",
        ),
        ({"metrics": {"r": {"metric": own_functions.rows, "mode": "min"}}}, r"metrics.r returned a tensor of shape"),
        ({"metrics": {"r": {"metric": own_functions.nothing, "mode": "min"}}}, r"metrics.r raised KeyError"),
        (
            {"metrics": {"rmse": {"metric": own_functions.error, "mode": "min"}}},
            "'rmse', which is a metric of the task",
        ),
    ],
)
def test_functions_are_tried_before_the_first_trial(
    files: dict[str, str], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainableError, match=message):
        make_task("regression", {"data": files["numbers"], **settings}).check()


@pytest.mark.slow
def test_several_classes_an_image_have_them_too() -> None:
    labels = np.stack([np.arange(40) % 2, np.arange(40) // 2 % 2], 1)
    data = keep((IMAGES, labels), task="classification").data
    found = {"metric": lambda outputs, targets: ((outputs > 0) == targets.bool()).double().mean(), "mode": "max"}
    bce = functional.binary_cross_entropy_with_logits
    learner = trained("classification", data=data, loss=bce, metrics={"right": found})
    learner.task.check()
    plain = trained("classification", data=data, label_smoothing=0.0)
    assert learner.step()["train_loss"] == pytest.approx(plain.step()["train_loss"], rel=1e-6)
    assert 0 <= learner.evaluate("test")["right"] <= 1


def test_a_name_of_torchmetrics_is_written_as_metrics_are() -> None:
    written = {
        "CohenKappa": "cohen_kappa",
        "AUROC": "auroc",
        "torchmetrics:AUROC": "auroc",
        "F1Score": "f1_score",
        "R2Score": "r2_score",
        "MulticlassAUROC": "multiclass_auroc",
        "SSIMScore": "ssim_score",
        "cohen_kappa": "cohen_kappa",
    }
    assert {name: own_measures._snake(name) for name in written} == written


# torchmetrics


def test_metrics_of_torchmetrics_are_made_for_the_data(files: dict[str, str]) -> None:
    torchmetrics = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed: pip install .[metrics]")
    metrics = {"kappa": "torchmetrics:CohenKappa", "ece": "calibration_error", "auroc": {"metric": "AUROC"}}
    learner = trained("classification", data=files["classes"], metrics=metrics)
    learner.task.check()
    modes = {one.name: one.mode for one in learner.task.metrics}
    assert (modes["kappa"], modes["ece"], modes["auroc"]) == ("max", "min", "max")
    learner.step()
    found, part = learner.evaluate("test"), learner.data.test
    inputs, targets = part.rows(torch.arange(len(part)))
    with torch.no_grad():
        outputs = learner.network(learner.normalize(inputs))
    wanted = torchmetrics.CohenKappa(task="multiclass", num_classes=3)(outputs, targets)
    assert found["kappa"] == pytest.approx(float(wanted))
    labels = np.stack([np.arange(40) % 2, np.arange(40) // 2 % 2], 1)
    several = {"data": keep((IMAGES, labels), task="classification").data, "metrics": ["HammingDistance"]}
    learner = trained("classification", **several)
    learner.task.check()
    assert 0 <= learner.step()["hamming_distance"] <= 1
    assert learner.task.metrics[-1].mode == "min"
    numbers = make_task("regression", {"data": files["numbers"], "metrics": ["SpearmanCorrCoef", "R2Score"]})
    assert [one.name for one in numbers.metrics][-2:] == ["spearman_corr_coef", "r2_score"]
    numbers.check()


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            {"k": "cohen_kapa"},
            "metrics.k is 'cohen_kapa', and torchmetrics has no such metric; did you mean 'CohenKapp",
        ),
        ({"p": "PearsonCorrCoef"}, "does not say whether more of PearsonCorrCoef is better; write its mode beside it"),
        ({"c": {"metric": "ConfusionMatrix", "mode": "max"}}, r"ConfusionMatrix has several values \(\(3, 3\)\)"),
        (
            {"k": {"metric": "cohen_kappa", "weights": "cubic"}},
            "CohenKappa refuses its arguments .*cubic.*; correct them",
        ),
        ({"k": {"metric": "cohen_kappa", "wight": "linear"}}, "CohenKappa refuses its arguments .*wight"),
    ],
)
def test_wrong_metrics_of_torchmetrics_are_refused(files: dict[str, str], metrics: Any, message: str) -> None:
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed: pip install .[metrics]")
    with pytest.raises(TrainableError, match=message):
        make_task("classification", {"data": files["classes"], "metrics": metrics}).check()


class StandIn:
    """A metric with the interface of torchmetrics."""

    higher_is_better = True

    def __init__(self, num_classes: int, weight: float = 1.0) -> None:
        self.num_classes, self.weight = num_classes, weight

    def reset(self) -> None:
        self.right, self.count = 0, 0

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        assert preds.shape == (len(target), self.num_classes)
        assert torch.allclose(preds.sum(1), torch.ones(len(target)))
        self.right, self.count = self.right + int((preds.argmax(1) == target).sum()), self.count + len(target)

    def compute(self) -> torch.Tensor:
        return torch.tensor(self.weight * self.right / self.count)


@pytest.mark.slow
def test_any_module_of_that_interface_will_do(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torchmetrics")
    module.Metric, module.ShareOfHits = StandIn, type("ShareOfHits", (StandIn,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchmetrics", module)
    metrics = {"half": {"metric": "share_of_hits", "weight": 0.5}}
    learner = trained("classification", data=files["classes"], metrics=metrics)
    learner.task.check()
    found = learner.step()
    assert found["half"] == pytest.approx(found["accuracy"] / 2)
    assert learner.task.metrics[-1] == Metric("half", "max")


def test_without_torchmetrics_its_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(
        TrainableError, match=r"'cohen_kappa', a metric of torchmetrics, .*pip install \"nas-tune\[metr"
    ):
        make_task("classification", {"metrics": ["cohen_kappa"]})
