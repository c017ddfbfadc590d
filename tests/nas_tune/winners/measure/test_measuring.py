"""What can be measured, and the frame of it: networks, files, architectures, and the best members of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

import nas_tune
import search_spaces
from nas_tune.errors import ConfigError
from tests.toys import Climber, tiny_space
from trainables.errors import TrainableError
from trainables.hardware.device import Device
from trainables.hardware.graphs import write_graph

IMAGES = torch.randn(1, 3, 8, 8)
QUICK = {"rounds": 2, "runs": 1}
SETTINGS = {"channels": 4, "cells": 1}


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    return nas_tune.search(
        "nb201",
        {"name": "image_classifier", "data": "digits", **SETTINGS},
        strategy="random",
        scheduler="none",
        max_trials=3,
        max_epochs=1,
        executor="inline",
        device={"engine": "torch", "batch": 2},
        run_dir=tmp_path_factory.mktemp("measured") / "run",
    )


def test_a_network_is_measured_with_an_example_of_its_input() -> None:
    frame = nas_tune.measure(network(), inputs=IMAGES, quantities=["latency", "throughput"], **QUICK)
    assert list(frame) == [
        "name",
        *("latency", "latency_low", "latency_high", "latency_by"),
        *("throughput", "throughput_low", "throughput_high", "throughput_by"),
        *("reference", "device"),
    ]
    row = frame.iloc[0]
    assert row["name"] == "Sequential"
    assert row["throughput"] == pytest.approx(1000 / row["latency"])
    assert row["device"] == Device().fingerprint()


def test_counted_costs_have_no_interval() -> None:
    frame = nas_tune.measure(network(), inputs=IMAGES, quantities=["size", "latency", "peak_memory"], **QUICK)
    assert [name for name in frame if name.startswith(("size", "peak"))] == ["size", "peak_memory"]
    assert frame["reference"].notna().all()
    assert nas_tune.measure(network(), inputs=IMAGES, quantities=["macs"])["macs"].tolist() == [4176]


@pytest.mark.slow
def test_a_mapping_names_networks_and_files(tmp_path: Path) -> None:
    write_graph(network().eval(), IMAGES, tmp_path / "one.onnx")
    frame = nas_tune.measure({"mine": network(), "file": tmp_path / "one.onnx"}, inputs=IMAGES, **QUICK)
    assert frame["name"].tolist() == ["mine", "file"]


def test_architectures_of_a_space_have_their_ids() -> None:
    members = [search_spaces.get("nb201").sample(seed) for seed in (0, 1)]
    frame = nas_tune.measure([members[0], members[1].tree], "torch", space="nb201", settings=SETTINGS, **QUICK)
    assert frame["architecture"].tolist() == [one.id for one in members]
    assert "trial" not in frame


@pytest.mark.slow
def test_the_best_members_of_a_run_are_measured_on_its_device(run: nas_tune.Run) -> None:
    frame = nas_tune.measure(run, k=2, **QUICK)
    best = run.best(2)
    assert frame["trial"].tolist() == best["trial"].tolist()
    assert frame["architecture"].tolist() == best["architecture_id"].tolist()
    assert frame["name"].tolist() == [f"trial {number}" for number in best["trial"]]
    assert set(frame["device"]) == {Device("torch", batch=2).fingerprint()}
    other = nas_tune.measure(run.path, {"engine": "torch"}, trial=2, **QUICK)
    assert other["trial"].tolist() == [2]
    assert set(other["device"]) == {Device("torch").fingerprint()}


@pytest.mark.slow
def test_runs_with_several_devices_need_one_that_is_said(run: nas_tune.Run, tmp_path: Path) -> None:
    other = nas_tune.search(
        tiny_space(), Climber, max_trials=1, executor="inline", run_dir=tmp_path / "run", device={"engine": "compile"}
    )
    assert other.config.device == Device("compile")
    with pytest.raises(ConfigError, match="the runs have several devices"):
        nas_tune.measure({"a": run, "b": other}, **QUICK)


def test_a_trainable_without_a_network_is_named(tmp_path: Path) -> None:
    run = nas_tune.search(tiny_space(), Climber, max_trials=1, executor="inline", run_dir=tmp_path / "run")
    with pytest.raises(TrainableError, match="trial 0 cannot be measured: Climber does not say how its network"):
        nas_tune.measure(run, trainable=Climber, **QUICK)


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        (network(), {}, "give an example: inputs="),
        ("no.onnx", {}, "there is no file no.onnx"),
        (search_spaces.get("nb201").sample(0), {}, "give its space too"),
        (7, {}, "got 7, which cannot be measured"),
        ([], {}, "nothing is given"),
        ([network(), network()], {"inputs": IMAGES}, "Sequential is given twice"),
        ({}, {}, "nothing is given"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_a_remedy(what: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        nas_tune.measure(what, **more)
    assert said in str(refused.value)


@pytest.mark.slow
def test_the_frame_of_another_session_can_be_put_below(run: nas_tune.Run) -> None:
    frames = [nas_tune.measure(run, {"engine": engine}, k=1, **QUICK) for engine in ("torch", "onnxruntime")]
    together = pd.concat(frames).pivot(index="name", columns="device", values="latency")
    assert together.shape == (1, 2)
