"""Costs depend on the precision of the device, and a function that builds networks needs no counts of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nas_tune
from nas_tune.errors import ConfigError
from search_spaces import Space, choice

SPACE = Space({"width": choice(*range(1, 33))})


def built(architecture: Any) -> tuple[nn.Module, torch.Tensor]:
    width = architecture["width"]
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.ReLU(), nn.Conv2d(width, 1, 1)), torch.zeros(1, 1, 8, 8)


def train(architecture: Any) -> Iterator[dict[str, float]]:
    yield {"accuracy": architecture["width"] / 32}


train.untrained = built  # type: ignore[attr-defined]


def searched(folder: Path, **more: Any) -> Any:
    config = {"space": SPACE, "trainable": train, "strategy": "random", "executor": "inline", "scheduler": "none"}
    return nas_tune.search(**{**config, "max_trials": 6, "max_epochs": 1, "run_dir": folder, **more})


def test_parameters_of_built_networks_are_limited_without_a_function_that_counts(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", limits={"parameters": 100})
    trials = run.trials()
    weights = [sum(one.numel() for one in built({"width": width})[0].parameters()) for width in trials["arch.width"]]
    assert list(trials["parameters"]) == weights
    assert max(weights) <= 100


@pytest.mark.slow
def test_the_size_is_that_of_the_precision_of_the_device(tmp_path: Path) -> None:
    whole = searched(tmp_path / "float", limits={"size": "200B"})
    small = searched(tmp_path / "int8", limits={"size": "200B"}, device={"precision": "int8"})
    assert whole.trials()["arch.width"].max() == 4  # 10 * 4 + 1 * 4 + 1 numbers of 4 bytes are 180, of 5 224
    assert small.trials()["arch.width"].max() > 4
    assert list(whole.trials()["size"]) == [4 * (11 * width + 1) for width in whole.trials()["arch.width"]]


def test_a_size_that_no_network_has_is_told_with_the_least(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keeps size <= 10 B; the least that was found is 48 B"):
        searched(tmp_path / "run", limits={"size": "10B"})


def test_flash_and_sram_are_those_of_int8_on_any_device(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", limits={"flash": "400B", "sram": "1KiB"}, metric=["accuracy", "size"])
    trials = run.trials()
    for width, flash, sram in zip(trials["arch.width"], trials["flash"], trials["sram"], strict=True):
        # A byte for a weight, and four each for a bias and a scale of an output.
        assert flash == 9 * width + 8 * width + width + 8 <= 400
        # The input and the first result, or two results: the activation is written over its input.
        assert sram == max(64 + 36 * width, 36 * width + 36) <= 1024
    assert (trials["size"] == 4 * (11 * trials["arch.width"] + 1)).all(), "that of float32"
    assert run.unit("flash") == run.unit("sram") == "B"


@pytest.mark.slow
def test_energy_is_predicted_and_measured_as_latency_is(tmp_path: Path) -> None:
    limits = {"energy": "1J", "latency": "1s"}
    run = searched(tmp_path / "run", limits=limits, device={"engine": "torch", "watts": 5.0}, max_trials=3)
    trials = run.trials()
    assert trials["energy"].tolist() == pytest.approx((5 * trials["latency"]).tolist())
    assert trials["energy_predicted"].notna().all()
    assert any("were measured first, to predict energy, latency of others" in text for _, text in run.state.notes)


def test_energy_without_a_counter_and_watts_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.hardware.measuring.meter_of", lambda device: None)
    with pytest.raises(ConfigError, match=r"energy cannot be measured here.*such as watts = 5"):
        searched(tmp_path / "run", limits={"energy": "3mJ"})
    assert not (tmp_path / "run").exists()
