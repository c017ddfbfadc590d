"""Searches by gradients over networks of volumes: a topology of resolutions, and cells of three dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
from trainables.data.volumes.blobs import drawn_blobs

pytestmark = pytest.mark.slow

SHORT: dict[str, Any] = {"strategy": "darts", "max_trials": 1, "max_epochs": 1, "executor": "inline"}


def test_a_topology_of_resolutions_is_found_and_trained(tmp_path: Path) -> None:
    run = nas_tune.search(
        {"name": "dints", "layers": 2, "levels": 2},
        task="segmentation",
        data="blobs3d",
        trainable={"network": {"channels": 2}, "batch_size": 8},
        run_dir=tmp_path / "run",
        **SHORT,
    )
    assert run.best()["dice"].notna().all()
    assert list(run.architecture(0).tree) == ["layer_1", "layer_2"]
    trained = nas_tune.retrain(run, top=1, seeds=1, epochs=1, baselines=0, executor="inline")
    assert trained.run.trials()["test_dice"].notna().all()


def test_cells_of_volumes_are_found_and_trained(tmp_path: Path) -> None:
    blobs = drawn_blobs(3)
    bright = np.median(blobs.images[:, 0][blobs.masks == 0])
    x = blobs.images[:, :, ::3, ::3, ::3]
    np.savez(tmp_path / "volumes.npz", x=x, y=(x.mean((1, 2, 3, 4)) > bright).astype(int))
    run = nas_tune.search(
        "nb201",
        task="classification",
        data=str(tmp_path / "volumes.npz"),
        trainable={"channels": 2, "cells": 1, "batch_size": 8},
        run_dir=tmp_path / "run",
        **SHORT,
    )
    assert len(run.architecture(0).tree) == 6
    trained = nas_tune.retrain(run, top=1, seeds=1, epochs=1, baselines=0, executor="inline")
    assert trained.run.trials()["test_accuracy"].notna().all()
