"""A search for networks of images with several classes each: by trials, in a supernet, and to the predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
from nas_tune.winners.predict import prediction_frame
from trainables.tasks.predictor import Predictions

RNG = np.random.default_rng(0)
LABELS = np.stack([np.arange(60) % 2, np.arange(60) // 2 % 2], 1)
IMAGES = (40 * RNG.random((60, 6, 6)) + 100 * LABELS[:, :1, None] + 100 * (LABELS[:, 1:, None] * np.eye(6))).astype(
    "uint8"
)
KEYS: dict[str, Any] = {"data": (IMAGES, LABELS), "max_epochs": 1, "max_trials": 1, "executor": "inline"}
SMALL = {"channels": 2, "cells": 1, "batch_size": 8, "device": "cpu"}


@pytest.mark.slow
def test_a_search_is_by_the_mean_average_precision_and_the_winner_names_classes(tmp_path: Path) -> None:
    run = nas_tune.search("nb201", run_dir=tmp_path / "run", trainable=SMALL, **KEYS)
    assert (run.metric, run.mode) == ("map", "max")
    assert set(nas_tune.evaluate(run)) == {"map", "f1", "auc", "accuracy", "loss"}
    predictor = nas_tune.load(run.path)
    found = predictor.predictions(IMAGES[:5])
    assert all(set(one) <= {"0", "1"} for one in found.values)
    frame = prediction_frame(found, predictor.classes)
    assert list(frame) == ["name", "prediction", "probability_0", "probability_1"]
    assert frame["prediction"].tolist() == [", ".join(one) for one in found.values]


def test_predictions_without_any_class_are_a_column_too() -> None:
    frame = prediction_frame(Predictions([[], []], None, [], 2), ("a", "b"))
    assert frame["prediction"].tolist() == ["", ""]


@pytest.mark.slow
@pytest.mark.parametrize("method", [{"name": "spos", "population": 4, "generations": 1}, {"name": "darts"}])
def test_a_supernet_learns_several_classes(tmp_path: Path, method: dict[str, Any]) -> None:
    strategy = {**method, "channels": 2, "cells": 1, "batch_size": 8}
    run = nas_tune.search("nb201", run_dir=tmp_path / "run", strategy=strategy, trainable={"device": "cpu"}, **KEYS)
    assert (run.metric, run.mode) == ("discrete_map", "max")
    assert 0 <= run.best()["discrete_map"].iloc[0] <= 1
