"""A task that the data decided when a run began: a resume uses it, and refuses data that suggest another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
from nas_tune.errors import ResumeRefusedError
from nas_tune.session.guessed_task import with_guess


def write(path: Path, targets: np.ndarray[Any, Any]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (len(targets), 4, 4), dtype=np.uint8)
    np.savez(path, x=images, y=targets)


@pytest.fixture
def run(tmp_path: Path) -> nas_tune.Run:
    write(tmp_path / "data.npz", np.arange(30) % 2)
    return nas_tune.search(
        "nb201",
        data=str(tmp_path / "data.npz"),
        trainable={"name": "learner", "channels": 2, "cells": 1},
        max_trials=1,
        max_epochs=1,
        executor="inline",
        run_dir=tmp_path / "run",
    )


@pytest.mark.slow
def test_a_resume_uses_what_was_guessed(run: nas_tune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def learner_guesses(settings: object) -> tuple[str, str]:
        raise AssertionError("the data are asked again")

    monkeypatch.setattr("trainables.tasks.learner.guessed", learner_guesses)
    more = nas_tune.resume(run.path, max_trials=2)
    assert more.trials()["state"].tolist() == ["complete", "complete"]
    assert more.config.trainable.settings["task"] == "auto"
    assert set(nas_tune.evaluate(more, 1)) == {"accuracy", "loss"}


def test_data_that_suggest_another_task_now_are_refused(run: nas_tune.Run, tmp_path: Path) -> None:
    write(tmp_path / "data.npz", np.arange(30) / 7)
    with pytest.raises(ResumeRefusedError, match=r"the task classification, .* the task is regression, .* new run"):
        nas_tune.resume(run.path, max_trials=2)


def test_a_run_that_kept_no_guess_guesses_as_before() -> None:
    value = {"name": "learner", "task": "auto", "data": "digits"}
    for settings in ({}, {"task": "auto"}):
        assert with_guess(value, {"trainable": {"settings": settings}}, check=True) == value
    kept = {"trainable": {"settings": {"task": "regression"}}}
    assert with_guess(value, kept, check=False) == {**value, "task": "regression"}
    assert with_guess({**value, "task": "signal"}, kept, check=True)["task"] == "signal"
    assert with_guess("image_classifier", kept, check=True) == "image_classifier"
