"""One supernet under several limits: the table, the picture, the command, and what cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError, ForeignCodeError, NasTuneError
from nas_tune.winners.specialize.front import front_of
from tests.toys import Climber, tiny_space
from trainables.errors import CheckpointError
from trainables.tasks.learner import Learner

SPACE = {"name": "nb201", "operations": ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"]}
SIZE = {"channels": 4, "cells": 1}
PHONE = {"engine": "command", "command": "printf 0.5"}
METHOD = {
    "name": "spos",
    "channels": 2,
    "cells": 1,
    "population": 4,
    "generations": 1,
    "batch_size": 256,
    "validation_share": 0.2,
}


def searched(folder: Path, **changed: Any) -> nas_tune.Run:
    settings: dict[str, Any] = {"strategy": METHOD, "max_epochs": 1, "max_trials": 1, **changed}
    trainable = {"name": "image_classifier", "data": "digits", **SIZE}
    return nas_tune.search(SPACE, trainable, executor="inline", device=PHONE, run_dir=folder, **settings)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    return searched(tmp_path_factory.mktemp("specialize") / "run", limits={"macs": "60k", "latency": "1s"})


@pytest.mark.slow
def test_a_search_keeps_its_limits_and_its_table_has_the_costs(run: nas_tune.Run) -> None:
    row = run.trials().iloc[0]
    costs = Learner(space="nb201", data="digits", **SIZE).costs(run.architecture(0), ["macs", "parameters"])
    assert row["macs"] == costs["macs"] <= 60_000
    assert row["parameters"] == costs["parameters"]
    assert row["latency"] == 0.5
    assert run.unit("latency") == "ms"
    assert any("random architectures keep them" in text for _, text in run.state.notes)


@pytest.mark.slow
def test_each_limit_has_a_row_that_keeps_it_and_scores_are_shared(run: nas_tune.Run) -> None:
    limits = ["macs <= 60k", {"macs": "60k"}, "macs <= 40k and latency <= 1s"]
    table = nas_tune.specialize(run, limits)
    assert list(table["limits"]) == ["macs <= 60 k", "macs <= 60 k", "macs <= 40 k, latency <= 1000 ms"]
    assert (table["macs"] <= [60_000, 60_000, 40_000]).all()
    assert table["architecture_id"][0] == table["architecture_id"][1]
    assert table["scored"][0] > 0 == table["scored"][1]
    assert table["latency"][2] == 0.5
    assert table["shared_accuracy"].between(0, 1).all()
    assert (table["seconds"] > 0).all()
    learner = Learner(space="nb201", data="digits", **SIZE)
    for row in table.to_dict("records"):
        member = run.space.validate(json.loads(row["architecture"]))
        assert member.id == row["architecture_id"]
        assert learner.costs(member, ["size"])["size"] == row["size"]


@pytest.mark.slow
def test_a_wider_limit_never_has_a_worse_score(run: nas_tune.Run) -> None:
    table = nas_tune.specialize(run, ["macs <= 100k", "macs <= 60k", "macs <= 40k"], population=3, generations=1)
    assert table["shared_accuracy"].is_monotonic_decreasing


@pytest.mark.slow
def test_the_same_draws_find_the_same_from_the_folder(run: nas_tune.Run) -> None:
    tables = [nas_tune.specialize(one, ["macs <= 60k"], population=3, generations=1) for one in (run, run.path)]
    assert tables[0].drop(columns="seconds").equals(tables[1].drop(columns="seconds"))


@pytest.mark.slow
def test_the_command_writes_a_table_a_file_and_a_picture(run: nas_tune.Run, tmp_path: Path) -> None:
    arguments = ["specialize", str(run.path), "--limits", "macs <= 60k", "--limits", "parameters <= 6k"]
    sizes = ["--population", "2", "--generations", "0"]
    done = CliRunner().invoke(app, [*arguments, *sizes, "--plot", str(tmp_path / "front.svg")])
    assert done.exit_code == 0, done.output
    assert "macs <= 60 k" in done.output
    assert "parameters <= 6 k" in done.output
    assert (tmp_path / "front.svg").read_text().startswith("<?xml")
    done = CliRunner().invoke(app, [*arguments[:4], *sizes, "--out", str(tmp_path / "found.json")])
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "found.json").read_text())
    assert row["macs"] <= 60_000


@pytest.mark.slow
def test_the_command_takes_a_device_as_measure_does(run: nas_tune.Run, tmp_path: Path) -> None:
    sizes = ["--population", "2", "--generations", "0", "--out", str(tmp_path / "found.json")]
    arguments = ["specialize", str(run.path), "--limits", "macs <= 60k, latency <= 1s", *sizes]
    done = CliRunner().invoke(app, [*arguments, "--command", "printf 2.5", "--precision", "int8"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "found.json").read_text())
    assert row["latency"] == 2.5
    whole = nas_tune.specialize(run, ["macs <= 60k, latency <= 1s"], population=2, generations=0)
    assert row["architecture"] == whole["architecture"][0]
    assert row["size"] < whole["size"][0] / 2, "bytes of the weights in int8"
    done = CliRunner().invoke(app, [*arguments, "--engine", "tensorrt"])
    assert done.exit_code == 2
    assert "onnxruntime" in done.output


@pytest.mark.slow
def test_a_limit_on_what_a_microcontroller_has_is_kept(run: nas_tune.Run) -> None:
    (row,) = nas_tune.specialize(run, ["flash <= 8kB"], population=2, generations=0).to_dict("records")
    assert 0 < row["flash"] <= 8000 < row["size"]


@pytest.mark.parametrize(
    ("limits", "more", "said"),
    [
        pytest.param(
            *(["macs <= 2k"], {}, "no architecture of the space was found that keeps macs <= 2 k; the least"),
            marks=pytest.mark.slow,
        ),
        (["latency <= 1us"], {}, "measured architectures keeps the limits"),
        (["accuracy >= 0.5"], {}, "accuracy is no cost of a network"),
        (["macs >= 5k"], {}, "less of it is better"),
        (["macs"], {}, "limits: 'macs' is no comparison"),
        ([], {}, "one entry for each row"),
        ("macs <= 5k", {}, "one entry for each row"),
        (["macs <= 60k"], {"population": 1}, "population is 1"),
        (["macs <= 60k"], {"plot": "front.gif"}, "must end with"),
        (["macs <= 60k"], {"trial": 7}, "there is no trial 7"),
        (["energy <= 5mJ"], {"device": "torch"}, "watts"),
    ],
)
def test_what_cannot_be_says_why_and_what_to_do(limits: Any, more: Any, said: str, run: nas_tune.Run) -> None:
    with pytest.raises(NasTuneError) as error:
        nas_tune.specialize(run, limits, **more)
    assert said in str(error.value)


def test_a_run_without_a_supernet_is_refused(tmp_path: Path) -> None:
    run = nas_tune.search(tiny_space(), Climber, executor="inline", max_trials=1, max_epochs=1, run_dir=tmp_path / "r")
    with pytest.raises(ConfigError, match=r"leaves no supernet .* give a run of enas, ofa, spos"):
        nas_tune.specialize(run, ["macs <= 5k"])


@pytest.mark.slow
def test_a_supernet_without_a_checkpoint_is_refused(run: nas_tune.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "trials")
    with pytest.raises(CheckpointError, match=r"trial 0 .* has no checkpoint"):
        nas_tune.specialize(tmp_path / "run", ["macs <= 60k"])


def test_a_command_that_the_run_of_a_stranger_names_is_not_called(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
    with pytest.raises(ForeignCodeError, match="device"):
        nas_tune.specialize(run.path, ["latency <= 1s"])
    table = nas_tune.specialize(run.path, ["latency <= 1s"], device="torch", population=2, generations=0)
    assert len(table) == 1


def test_methods_by_gradients_name_those_that_keep_limits(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"limits\.macs: the strategy darts .* single paths \(enas, ofa, spos\)"):
        searched(tmp_path / "run", strategy="darts", limits={"macs": "60k"})


@pytest.mark.slow
def test_limits_of_a_supernet_that_no_path_keeps_are_refused_before_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"limits\.macs: no architecture of the space was found"):
        searched(tmp_path / "run", limits={"macs": "2k"})


@pytest.mark.parametrize(("is_max", "front"), [(True, [0, 2, 3]), (False, [0, 1])])
def test_a_front_has_what_no_cheaper_point_reaches(is_max: bool, front: list[int]) -> None:
    costs, values = np.array([1.0, 2, 3, 4, 5]), np.array([0.3, 0.2, 0.5, 0.6, 0.4])
    assert list(front_of(costs, values, is_max=is_max)) == front
