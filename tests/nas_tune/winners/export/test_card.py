"""Every sentence of the card is true of what was trained: rows as well as images, with and without retraining."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nas_tune
from search_spaces import Architecture, Space, choice
from trainables.export import Deployed
from trainables.tasks.image_classifier import ImageClassifier
from trainables.trial.checkpoint import read_tensors, write_tensors

KEYS: dict[str, Any] = {
    "executor": "inline",
    "strategy": {"name": "grid", "order": "lexicographic"},
    "scheduler": "none",
    "max_epochs": 1,
}
IMAGES: dict[str, Any] = {"channels": 2, "cells": 1, "batch_size": 512, "augment": False}
SPACE = Space({"width": choice(2, 3)}, name="rows")


class Rows:
    """Learns nothing from rows; has neither images, nor a setting `whole`, nor an evaluation."""

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        torch.manual_seed(seed)
        self.network = nn.Linear(2, architecture["width"])
        self.error = architecture["width"] + seed % 7 / 10

    def step(self) -> dict[str, float]:
        return {"mae": self.error, "train_mae": 0.5}

    def save(self, folder: Path) -> None:
        write_tensors(folder, "rows", self.network.state_dict())

    def load(self, folder: Path) -> None:
        self.network.load_state_dict(read_tensors(folder, "rows"))

    def deployed(self) -> Deployed:
        return Deployed(self.network, torch.zeros(3, 2), "rows", {})


class Judged(Rows):
    """Rows with a test, and with a setting `whole`."""

    def __init__(self, whole: bool = False) -> None:
        self.whole = whole

    def evaluate(self, split: str) -> dict[str, float]:
        return {"mae": self.error + 1, "accuracy": 0.5}


@pytest.fixture(autouse=True)
def _no_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)


def card_of(run: nas_tune.Run, trainable: Any = None, **more: Any) -> str:
    made = nas_tune.export(run, formats=["safetensors"], trainable=trainable, **more)
    return " ".join(made.card.read_text(encoding="utf-8").split())


def searched(folder: Path, target: Any, **more: Any) -> nas_tune.Run:
    return nas_tune.search(
        SPACE, target, metric="mae", mode="min", run_dir=folder, keep_checkpoints=2, max_trials=2, **KEYS, **more
    )


def test_rows_without_a_test_are_spoken_of_as_the_ledger_knows_them(tmp_path: Path) -> None:
    text = card_of(searched(tmp_path / "run", Rows), Rows)
    for words in (
        "| optimized | mae (min), as the trials reported it |",
        "| as reported | mae |",
        "| as reported | train_mae | 0.5000 |",
        "| test | all | not measured: Rows has no evaluate(split) |",
        f"| trained on | {socket.gethostname()} (host; its processors are not recorded) |",
        "One training with one seed stands behind these numbers, so a spread over seeds is not measured.",
        "The search compared 2 trials by mae: the value of the best of them is too good.",
        "Made for its training data; what it does with anything else is not measured.",
    ):
        assert words in text
    for words in ("image", "accuracy", "validation", "from scratch", "test split", "whole"):
        assert words not in text.replace("normalisation", "")


class Limited(Rows):
    """Rows with a cost that is counted."""

    counts = ("parameters",)

    def costs(self, architecture: Architecture, names: Sequence[str]) -> dict[str, float]:
        return {"parameters": 1000.0 * architecture["width"]}


def test_limits_of_the_search_stand_beside_the_values_of_the_network(tmp_path: Path) -> None:
    text = card_of(searched(tmp_path / "run", Limited, limits={"parameters": "2.5k", "mae": "<= 1"}), Limited)
    assert "| limit | parameters &lt;= 2.5 k: 2 k |" in text
    assert "| limit | mae &lt;= 1: " in text
    assert "(not kept)" in text, "an error is 2 and more"


@pytest.mark.slow
def test_a_retraining_that_trains_on_its_own_part_is_not_said_to_train_on_all(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", Rows)
    again = nas_tune.retrain(run, trainable=Rows, seeds=2, epochs=1, baselines=0)
    text = card_of(run, Rows)
    values = again.run.trials()["mae"]
    for words in (
        "The network was trained from scratch after the search. Its trainable chose the part of the data,",
        "Of 2 seeds these are the weights of the first, whatever the results of the others.",
        f"| as reported | mae | {values.iloc[0]:.4f} | {values.mean():.4f} +- {values.std():.4f} (2 seeds) |",
    ):
        assert words in text
    for words in ("image", "validation", "One training", "trained once", "compared 2 trials"):
        assert words not in text
    assert card_of(run, Rows, retrained=False, folder=tmp_path / "other") != text


@pytest.mark.slow
def test_a_setting_whole_is_told_as_what_it_is(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", Judged)
    nas_tune.retrain(run, trainable=Judged, seeds=1, epochs=1, baselines=0)
    text = card_of(run, Judged)
    assert "Its trainable was set to train on all of the data but the test split (whole = true)." in text
    assert "One training with one seed stands behind these numbers" in text
    assert "Whether a training or the search saw the test split is not recorded." in text
    assert "| test | accuracy | 0.5000 | not measured | not measured |" in text, "of how many examples is not known"
    assert "image" not in text
    nas_tune.retrain(run, trainable=Judged, seeds=1, epochs=2, baselines=0, settings={"whole": False})
    assert "whole = true" not in card_of(run, Judged, folder=tmp_path / "longer")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whole", "parts"),
    [(True, "the training and the validation images together"), (False, "the training images alone")],
)
def test_of_images_it_says_on_which_they_were_trained(tmp_path: Path, whole: bool, parts: str) -> None:
    run = nas_tune.search(
        "nb201", {"name": "image_classifier", **IMAGES}, max_trials=1, run_dir=tmp_path / "run", **KEYS
    )
    text = card_of(run)
    assert "| optimized | accuracy (max), on the validation split |" in text
    assert "| validation | accuracy |" in text
    assert "| training | train_loss |" in text
    assert "No training saw the test split" in text
    assert "The search compared" not in text, "there was nothing to choose from"
    nas_tune.retrain(run, seeds=1, epochs=1, baselines=0, settings={"whole": whole})
    text = card_of(run, folder=tmp_path / "again")
    assert f"trained from scratch after the search. It learned from {parts}." in text
    assert ("| validation |" in text) is not whole
    assert "| trainable of this training | image_classifier (" in text


def test_what_overrides_the_training_is_not_known_to_be_it() -> None:
    from nas_tune.winners.export.facts import Source

    class Peeking(ImageClassifier):
        def step(self) -> dict[str, float | int]:
            return {"accuracy": self.evaluate("test")["accuracy"]}

    for kind, known in ((ImageClassifier, True), (Peeking, False)):
        run: Any = None
        assert Source(kind(data="digits"), run, (0,), "", False).is_learner is known


def test_files_that_need_torchvision_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path / "run", Rows)
    told = "install torchvision too, and import it before `torch.export.load`"
    assert told not in card_of(run)
    monkeypatch.setattr("nas_tune.winners.export.card.uses_torchvision", lambda _: True)
    assert f"weights.safetensors and architecture.json: {told}" in card_of(run)
