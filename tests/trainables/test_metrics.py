"""Declarations of metrics: what they refuse, where they are found, and how a ledger keeps them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from trainables.errors import TrainableError
from trainables.metrics import (
    ACCURACY,
    CROSS_ENTROPY,
    Metric,
    declaration_of,
    declared_metrics,
    discrete,
    errors_in,
    modes_of,
    read_metrics,
)
from trainables.tasks.image_classifier import ImageClassifier
from trainables.tasks.registry import make_task

MM = Metric("mae", "min", "mm", low=0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("mae", "less"), "the mode of the metric 'mae' is 'less'; it is 'max' or 'min'"),
        (("mae", "min", "", 1.0, 0.0), "'mae' has values from 1 to 0, which are none; exchange low and high"),
        (("mae", "min", "m" * 21), "the unit of the metric 'mae' is .*; it must be text of at most 20 characters"),
        (("mae", "min", "\033[31m"), "must be text of at most 20 characters"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(values: Any, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        Metric(*values)


def test_values_outside_of_the_interval_are_told_with_the_rule() -> None:
    assert ACCURACY.problem(1 + 1e-9) == ACCURACY.problem(0.0) == ACCURACY.problem(math.nan) == ""
    assert ACCURACY.problem(1.7).startswith("accuracy is 1.7, and it is declared as at least 0 and at most 1; correct")
    assert MM.problem(-0.1).startswith("mae is -0.1, and it is declared as at least 0; correct the metric")
    assert MM.problem(1e9) == ""
    assert Metric("r2", "max", high=1.0).problem(math.inf).startswith("r2 is inf, and it is declared as at most 1")


def test_plain_data_have_every_declaration() -> None:
    kept = [one.to_dict() for one in (ACCURACY, CROSS_ENTROPY, MM, Metric("cost", "min"))]
    assert kept[3] == {"name": "cost", "mode": "min"}
    assert read_metrics(json.loads(json.dumps(kept))) == (ACCURACY, CROSS_ENTROPY, MM, Metric("cost", "min"))
    damaged = [None, {}, {"name": "a"}, {"name": 1, "mode": []}, {"name": "a", "mode": "up"}, {**kept[2], "unit": 3}]
    assert read_metrics(damaged) == (Metric("mae", "min", low=0.0),)
    assert read_metrics(None) == read_metrics("accuracy") == ()


def test_a_reported_name_leads_to_its_declaration() -> None:
    for prefix in ("", "train_", "test_", "discrete_"):
        found = declaration_of(f"{prefix}mae", [ACCURACY, MM])
        assert found is not None
        assert (found.name, found.unit) == (f"{prefix}mae", "mm")
    assert declaration_of("discrete_accuracy", [discrete(ACCURACY)]) == discrete(ACCURACY)
    assert declaration_of("latency", [MM]) is None


def test_a_function_declares_metrics_or_modes() -> None:
    def train(architecture: object) -> object:
        return architecture

    assert declared_metrics(train) == ()
    train.modes = {"mae": "min"}  # type: ignore[attr-defined]
    assert declared_metrics(train) == (Metric("mae", "min"),)
    train.metrics = [MM]  # type: ignore[attr-defined]
    assert declared_metrics(train, {"pace": 1}) == (MM,)
    assert modes_of(train) == {"mae": "min", "train_mae": "min"}
    train.metrics = [MM, "loss"]  # type: ignore[attr-defined]
    with pytest.raises(TrainableError, match=r"train.metrics is .*; each of them must be a trainables.metrics.Metric"):
        declared_metrics(train)
    train.metrics = ["loss"]  # type: ignore[attr-defined]
    assert declared_metrics(train) == (Metric("mae", "min"),), "an attribute of another meaning is left alone"


def test_the_classifier_has_the_declarations_of_its_task() -> None:
    assert declared_metrics(ImageClassifier, {}) == (ACCURACY, CROSS_ENTROPY)
    modes = modes_of(ImageClassifier, {"space": "nb201"})
    assert modes == {"accuracy": "max", "loss": "min", "train_accuracy": "max", "train_loss": "min"}


def test_errors_have_the_unit_of_the_targets() -> None:
    made = make_task("regression", {"unit": "mm"})
    assert made.metrics[:3] == errors_in("mm")
    assert [one.unit for one in made.metrics] == ["mm", "mm", "", ""]
    assert made.identity() == make_task("regression", {}).identity(), "a unit changes no training"
    for name in ("regression", "table", "signal"):
        with pytest.raises(TrainableError, match="the unit of the metric 'rmse' is 3; it must be text"):
            make_task(name, {"unit": 3})
