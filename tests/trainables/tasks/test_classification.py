"""What a classification takes beside the settings of `ImageClassifier`: class weights, balance, further metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score, top_k_accuracy_score
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.tasks.classification import Classification
from trainables.tasks.registry import make_task

CPU = torch.device("cpu")


def task(**settings: Any) -> Classification:
    made = make_task("classification", settings)
    assert isinstance(made, Classification)
    return made


def test_further_metrics_are_those_of_scikit_learn() -> None:
    made = task(extra_metrics=["f1", "auc", "top_3"])
    assert [metric.name for metric in made.metrics] == ["accuracy", "loss", "f1", "auc", "top_3"]
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(200, 10, generator=generator), torch.arange(200) % 10
    meter = made.meter(made.load(CPU), [metric.name for metric in made.metrics])
    for rows in (slice(0, 120), slice(120, 200)):
        meter.add(logits[rows], labels[rows])
    found, chances = meter.result(), logits.double().softmax(1).numpy()
    assert found["f1"] == pytest.approx(f1_score(labels, logits.argmax(1), average="macro"))
    assert found["auc"] == pytest.approx(roc_auc_score(labels, chances, multi_class="ovr"))
    assert found["top_3"] == pytest.approx(top_k_accuracy_score(labels, chances, k=3))
    assert list(made.meter(made.load(CPU), ["accuracy"]).result()) == []


def test_weights_count_in_the_training_loss_only() -> None:
    weights = [float(number + 1) for number in range(10)]
    made, logits, labels = task(class_weights=weights, label_smoothing=0.0), torch.randn(6, 10), torch.arange(6)
    data = made.load(CPU)
    wanted = functional.cross_entropy(logits, labels, weight=torch.tensor(weights))
    assert torch.equal(made.loss(logits, labels, data), wanted)
    meter = made.meter(data, ["loss"])
    meter.add(logits, labels)
    assert meter.result()["loss"] == pytest.approx(float(functional.cross_entropy(logits, labels)))
    counts = data.train.labels.bincount().float()
    even = task(class_weights="balanced", label_smoothing=0.0)
    wanted = functional.cross_entropy(logits, labels, weight=len(data.train) / (10 * counts))
    assert torch.allclose(even.loss(logits, labels, data), wanted)


def test_a_balanced_epoch_draws_each_class_alike(tmp_path: Any) -> None:
    path, labels = tmp_path / "few.npz", np.r_[np.zeros(360, int), np.ones(40, int)]
    np.savez(path, x=np.zeros((400, 4, 4), np.uint8), y=labels)
    for balanced, share in ((False, 0.1), (True, 0.5)):
        made = task(data=str(path), balanced=balanced)
        data = made.load(CPU)
        order = made.order(data, torch.Generator().manual_seed(0))
        assert len(order) == len(data.train)
        assert float(data.train.labels[order].float().mean()) == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weights": [1.0, 2.0]}, "class_weights has 2 numbers, and there are 10 classes"),
        ({"class_weights": "even"}, "class_weights is 'even'; it must be 'balanced' or a number for each class"),
        ({"class_weights": [0.0] * 10}, "class_weights is 0.0"),
        ({"extra_metrics": ["f2"]}, "extra_metrics has 'f2'; known: f1, auc, top_2"),
        ({"extra_metrics": "f1"}, "extra_metrics is 'f1'; it must be a list"),
        ({"extra_metrics": ["top_10"]}, "'top_10', which is always 1 for 10 classes"),
        ({"balanced": 1}, "balanced is 1; it must be true or false"),
    ],
)
def test_wrong_settings_are_refused_before_the_first_trial(settings: Any, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        task(**settings).check()
