"""A module with choices, or a space beside a builder, is the space of a search, and everything after it works."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nas_tune
import search_spaces
import search_spaces.nn as nn
from nas_tune.config import SearchConfig
from nas_tune.coordination.registrations import entries_to_send
from nas_tune.errors import ConfigError, ForeignCodeError, NasTuneError
from nas_tune.executors.parcel import Parcel
from nas_tune.results import Run
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.trust import named_code
from search_spaces import Space, choice, real
from tests.nas_tune import own_module
from tests.registries import kept
from trainables import networks
from trainables.networks import NETWORKS

HERE = "tests.nas_tune.own_module"
QUICK: dict[str, Any] = {"batch_size": 256}


@pytest.fixture(autouse=True)
def _own_registries() -> Iterator[None]:
    with kept(NETWORKS):
        yield


def configuration(space: str, executor: str = "inline") -> SearchConfig:
    return SearchConfig(
        space=space, task="classification", data="digits", trainable=QUICK, max_trials=1, executor=executor
    )


def searched(space: Any, folder: Path, **more: Any) -> Run:
    options: dict[str, Any] = {"strategy": "random", "max_trials": 1, "max_epochs": 1, "executor": "inline", **more}
    return nas_tune.search(space, QUICK, task="classification", data="digits", run_dir=folder, **options)


@pytest.mark.parametrize(
    ("given", "name", "reference"),
    [
        (own_module.Net, "net", f"{HERE}:Net"),
        (own_module.pair, "built", f"{HERE}:built"),
        (own_module.instance, None, f"{HERE}:instance"),
        (f"{HERE}:Net", "net", f"{HERE}:Net"),
        (f"{HERE}:pair", "built", f"{HERE}:built"),
        (f"{HERE}:instance", "fixed", f"{HERE}:instance"),
        ({"name": f"{HERE}:Net", "hidden": 2}, None, f"{HERE}:Net"),
    ],
)
def test_every_form_makes_a_space_whose_networks_travel_by_reference(
    given: Any, name: str | None, reference: str
) -> None:
    named = given if isinstance(given, str | dict) else "given"
    config = SearchConfig(space=named, task="classification", data="digits", max_trials=1, executor="ray")
    setup = SearchSetup.of(config, None if named is given else given)
    [(found, entry)] = setup.registered["networks"].items()
    assert found == setup.space.name
    assert name in (None, found)
    assert entry["builder"] == reference
    assert entries_to_send(setup.registered) == {}


@pytest.mark.slow
def test_a_class_in_a_configuration_file_searches_as_the_class_does(tmp_path: Path) -> None:
    one = searched(own_module.Net, tmp_path / "one")
    two = searched(f"{HERE}:Net", tmp_path / "two")
    assert one.best(1)["accuracy"].item() == two.best(1)["accuracy"].item()
    assert f"{HERE}:Net" in [one.reference for one in named_code(two.meta)]


@pytest.mark.slow
def test_a_resume_loads_the_class_again(tmp_path: Path) -> None:
    run = searched(own_module.Net, tmp_path / "run")
    NETWORKS.forget("net")
    assert len(nas_tune.resume(run.path, max_trials=2).trials()) == 2
    family = networks.registered("net")
    assert family is not None
    assert family.origin is own_module.Net


@pytest.mark.slow
def test_another_process_resumes_retrains_evaluates_and_exports(tmp_path: Path) -> None:
    searched(own_module.Net, tmp_path / "run")
    code = f"""
import nas_tune
import search_spaces
run = nas_tune.resume({str(tmp_path / "run")!r}, max_trials=2)
assert len(run.trials()) == 2, run.trials()
nas_tune.retrain(run, epochs=1, top=1, baselines=0)
print(sorted(nas_tune.evaluate(run)))
for one in nas_tune.export(run, formats=["safetensors", "py"], folder={str(tmp_path / "files")!r}).formats:
    assert one.difference is not None and not one.problem, one
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


def test_a_run_from_elsewhere_imports_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(own_module.Net, tmp_path / "run")
    NETWORKS.forget("net")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert len(nas_tune.open_run(run.path).trials()) == 1
    with pytest.raises(ForeignCodeError, match=f"network net {HERE}:Net"):
        nas_tune.evaluate(run)


def test_a_class_without_a_reference_is_shipped_to_workers() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.LayerChoice([nn.Linear(64, 10), nn.Linear(64, 10, bias=False)])

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            outputs: torch.Tensor = self.head(images.flatten(1))
            return outputs

    with pytest.raises(ConfigError, match=r"network 'net': .*Net is defined inside a function; move it"):
        SearchSetup.of(configuration("given", "ray"), Net)
    # What a script defines at its top level has no reference either; a resume of the script can give it again.
    Net.__module__, Net.__qualname__ = "__main__", "Net"
    setup = SearchSetup.of(configuration("given", "ray"), Net)
    assert list(entries_to_send(setup.registered)) == ["networks"]
    parcel = Parcel.of(setup.job(Path()), setup.space)
    NETWORKS.forget("net")
    job, _ = parcel.unpack()
    trainable = job.trainable()
    trainable.setup(setup.space.sample(0), seed=0, max_epochs=1)
    assert trainable.step()["accuracy"] > 0


@pytest.mark.slow
def test_an_instance_without_a_name_is_given_again(tmp_path: Path) -> None:
    run = searched(own_module.Fixed(5), tmp_path / "run")
    NETWORKS.forget(str(run.meta["space"]["name"]))
    with pytest.raises(ConfigError, match=r"cannot be imported; register it again.*space=Net"):
        nas_tune.resume(run.path, max_trials=2)
    resumed = nas_tune.resume(run.path, space=own_module.Fixed(5), max_trials=2)
    assert len(resumed.trials()) == 2
    NETWORKS.forget(str(run.meta["space"]["name"]))
    opened = nas_tune.open_run(run.path, space=own_module.Fixed(5))
    assert "accuracy" in nas_tune.evaluate(opened)


@pytest.mark.slow
def test_a_module_is_searched_as_a_supernet(tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_trials": 1, "max_epochs": 1, "executor": "inline", "run_dir": tmp_path / "run"}
    run = nas_tune.search(own_module.Net, task="classification", data="digits", strategy="spos", **options)
    assert run.trials()["state"].tolist() == ["complete"]
    assert run.space.contains(run.tree(0))


def test_a_choice_that_a_method_cannot_mix_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(NasTuneError, match=r"width is a ValueChoice, and Darts mixes the outputs of modules.*spos"):
        searched(own_module.Net, tmp_path / "run", strategy="darts")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (own_module.Fixed, r"space: Fixed needs the argument 'hidden'"),
        (torch.nn.Linear(2, 2), r"Linear has no choices; use LayerChoice"),
        ((Space({"width": choice(1, 2)}), 3), r"space: 3 builds no network"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(given: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(NasTuneError, match=told):
        searched(given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_name_of_the_catalogue_stays_that_of_the_catalogue() -> None:
    space = Space({"width": choice(2, 4), "act": choice("relu", "tanh")}, name="nb201")
    setup = SearchSetup.of(configuration("given"), (space, own_module.built))
    assert setup.space.name != "nb201"
    assert NETWORKS.registered("nb201") is None


@pytest.mark.slow
def test_settings_of_the_training_stand_beside_the_cell(tmp_path: Path) -> None:
    cell = search_spaces.get("nb201")
    space = cell.beside(lr=real(1e-3, 0.1, log=True), batch_size=choice(128, 256))
    options: dict[str, Any] = {"task": "classification", "data": "digits", "executor": "inline", "max_epochs": 1}
    small = {"channels": 2, "cells": 1}
    run = nas_tune.search(space, small, max_trials=2, run_dir=tmp_path / "run", **options)
    assert run.trials()["state"].tolist() == ["complete", "complete"]
    assert {"arch.lr", "arch.batch_size"} <= set(run.epochs())
    retrained = nas_tune.retrain(run, epochs=1, top=1, seeds=1, baselines=0, executor="inline")
    assert len(retrained.run.trials()) == 1
    with pytest.raises(ConfigError, match="lr: each architecture of the search decides its own"):
        nas_tune.retrain(run, settings={"lr": 0.1}, epochs=1, new=True)
    with pytest.raises(NasTuneError, match="lr is decided by the space and given to the trainable"):
        nas_tune.search(space, {"lr": 0.1}, max_trials=1, run_dir=tmp_path / "no", **options)


def test_a_supernet_refuses_settings_of_the_training() -> None:
    space = nn.space_of(own_module.Net(10, 1)).beside(lr=real(1e-3, 0.1))
    config = SearchConfig(space="given", task="classification", data="digits", strategy="spos", max_trials=1)
    with pytest.raises(NasTuneError, match="lr is a setting of a training, and a supernet trains all"):
        SearchSetup.of(config, (space, own_module.Net))
