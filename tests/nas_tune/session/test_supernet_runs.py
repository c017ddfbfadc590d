"""Runs whose strategy is a method of supernets: trials are searches, and rows show what they found."""

from __future__ import annotations

import inspect
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.ledger import Event, Reported, RunState
from nas_tune.session.search_setup import SearchSetup
from search_spaces import Space, choice
from tests import toys
from tests.faults.tables import assert_same
from tests.trainables.tasks.numbers import turned
from trainables import DartsTrainable
from trainables.supernet import METHODS

SMALL = {"channels": 1, "cells": 1, "batch_size": 512, "augment": False}
EDGES = [f"arch.edge_{source}_{node}" for node in (1, 2, 3) for source in range(node)]


def config(**values: Any) -> SearchConfig:
    return SearchConfig(**{"space": "nb201", "strategy": "darts", "executor": "inline", "max_trials": 2, **values})


def searched(folder: Path, **values: Any) -> nas_tune.Run:
    keys = {"strategy": {"name": "gdas", "temperature": 8.0, **SMALL}, "max_trials": 2, "max_epochs": 2, **values}
    return nas_tune.search("nb201", executor="inline", run_dir=folder, **keys)


class Stop:
    """An observer that presses Ctrl-C after an epoch."""

    def __init__(self, trial: int, epoch: int) -> None:
        self.at = (trial, epoch)

    def on_event(self, event: Event, state: RunState) -> None:
        if isinstance(event, Reported) and (event.trial, event.epoch) == self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_each_trial_is_a_search_and_its_row_shows_what_it_found(tmp_path: Path) -> None:
    run = searched(tmp_path)
    trials, epochs = run.trials(), run.epochs()
    assert trials["state"].tolist() == ["complete", "complete"]
    assert trials["seed"].is_unique
    assert trials["value"].tolist() == trials["discrete_accuracy"].tolist()
    for trial, row in trials.set_index("trial").iterrows():
        found = run.architecture(int(str(trial)))
        assert (found.tree, found.id) == (json.loads(row["architecture"]), row["architecture_id"])
        assert [row[name] for name in EDGES] == list(found.tree.values())
    assert epochs["trial"].tolist() == [0, 0, 1, 1]
    assert epochs["architecture_id"].drop_duplicates().tolist() == trials["architecture_id"].tolist()
    assert not {"found", "found_id"} & set(trials)
    assert set(run.evaluate()) == {"accuracy", "loss", "discrete_accuracy"}


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    searched(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "cut", observers=[Stop(0, 1)])
    cut = nas_tune.open_run(tmp_path / "cut")
    assert cut.trials()["architecture_id"].notna().tolist() == [True]
    nas_tune.resume(tmp_path / "cut")
    assert_same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.slow
def test_seeds_and_settings_may_be_a_space_of_their_own(tmp_path: Path) -> None:
    space = Space({"method": choice("darts", "gdas"), "search": choice(0, 1)})
    settings = {"space": "nb201", **SMALL}
    run = nas_tune.search(
        space, {"name": "darts", **settings}, strategy="grid", max_trials=4, max_epochs=1, executor="inline",
        run_dir=tmp_path, metric="discrete_accuracy", mode="max",
    )  # fmt: skip
    trials = run.trials()
    assert sorted(zip(trials["arch.method"], trials["arch.search"], strict=True)) == [
        ("darts", 0), ("darts", 1), ("gdas", 0), ("gdas", 1),
    ]  # fmt: skip
    assert all("edge_2_3" in json.loads(text) for text in trials["found"])
    assert trials["found_id"].notna().all()


def test_trials_are_not_stopped_and_judged_by_what_is_found_unless_it_is_said_otherwise() -> None:
    plain = config()
    assert (plain.scheduler.name, plain.metric, plain.mode) == ("none", "discrete_accuracy", "max")
    said = config(scheduler="asha", metric="loss", mode="min")
    assert (said.scheduler.name, said.metric, said.mode) == ("asha", "loss", "min")
    assert SearchConfig(**plain.to_dict()) == plain


def test_a_task_decides_what_a_supernet_learns_and_by_what_it_is_judged(tmp_path: Path) -> None:
    images, numbers = turned(40)
    np.savez(tmp_path / "angles.npz", x=images, angle=numbers)
    run = nas_tune.search(
        "nb201", task="regression", data=str(tmp_path / "angles.npz"), target="angle", max_trials=1,
        strategy={"name": "spos", "channels": 2, "cells": 1, "batch_size": 8, "population": 4, "generations": 1},
        max_epochs=1, executor="inline", run_dir=tmp_path / "run",
    )  # fmt: skip
    assert (run.config.metric, run.config.mode) == ("discrete_rmse", "min")
    assert run.best()["rmse"].notna().all()
    assert set(run.evaluate()) == {"rmse", "mae", "r2", "loss", "discrete_rmse"}
    assert nas_tune.resume(run, max_trials=2).trials()["state"].tolist() == ["complete"] * 2


def test_settings_of_strategy_space_and_trainable_meet_in_the_search() -> None:
    recipe = SearchSetup.of(
        config(
            space={"name": "nb201", "operations": ["none", "skip_connect", "nor_conv_3x3"]},
            strategy={"name": "gdas", "temperature": 8.0, "channels": 4},
            trainable={"name": "image_classifier", "data": "digits", "data_seed": 3, "channels": 36, "lr": 0.1},
        )
    )
    assert recipe.trainable_settings == {
        "space": "nb201",
        "method": "gdas",
        "method_settings": {"temperature": 8.0},
        "network": {"operations": ["none", "skip_connect", "nor_conv_3x3"]},
        "data": "digits",
        "data_seed": 3,
        "channels": 4,
    }


def test_what_the_space_is_made_with_the_supernet_is_made_with() -> None:
    choices = {"kernels": [3, 5], "expansions": [3, 6]}
    recipe = SearchSetup.of(config(space={"name": "mobilenetv3", **choices}, strategy="spos"))
    assert recipe.trainable_settings["network"] == {"choices": choices}


def test_a_space_that_its_name_does_not_lead_to_is_refused() -> None:
    narrow = search_spaces.get("nb201", operations=["none", "nor_conv_3x3"])
    with pytest.raises(ConfigError, match="supernet is made from the name 'nb201'"):
        SearchSetup.of(config(), narrow)


def test_settings_of_the_method_may_stand_in_the_trainable_too() -> None:
    trainable = {"name": "darts", "method_settings": {"coldest": 0.5}}
    recipe = SearchSetup.of(config(strategy={"name": "gdas", "temperature": 8.0}, trainable=trainable))
    assert recipe.trainable_settings["method_settings"] == {"coldest": 0.5, "temperature": 8.0}


def test_the_trainable_may_be_the_search_itself() -> None:
    recipe = SearchSetup.of(config(trainable={"name": "darts", "lr": 0.1, "method": "darts"}))
    assert recipe.trainable_settings["lr"] == 0.1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strategy": {"name": "darts", "ordr": "second"}}, "ordr is not a setting of 'darts'; did you mean 'order'"),
        ({"strategy": {"name": "gdas", "anchor": 1}}, "strategy.anchor is not a setting of 'gdas'"),
        ({"strategy": {"name": "darts", "order": "third"}}, "order is 'third'"),
        ({"trainable": "tests.toys:climb"}, "trainable: tests.toys:climb cannot be combined with the strategy darts"),
        ({"trainable": {"name": "darts", "method": "gdas"}}, "'gdas' contradicts the strategy darts"),
        ({"initial": "zero_cost"}, "initial: the strategy darts proposes no architectures"),
        ({"warm_start": ["runs/a"]}, "warm_start: the strategy darts proposes no architectures"),
        ({"space": "chain"}, "no supernet"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_starts(values: dict[str, Any], said: str) -> None:
    with pytest.raises(nas_tune.NasTuneError) as caught:
        SearchSetup.of(config(**values))
    assert said in str(caught.value)


def test_a_trainable_of_ones_own_is_no_supernet() -> None:
    with pytest.raises(ConfigError, match="cannot be combined"):
        SearchSetup.of(config(trainable="climb"), target=toys.climb)


def test_searches_cannot_be_told_what_to_find(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="enqueue: the trials of the strategy gdas are searches"):
        searched(tmp_path, enqueue=[{"op": "a"}])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", METHODS)
def test_no_setting_of_a_method_is_called_like_one_of_the_search(name: str) -> None:
    both = inspect.signature(METHODS[name]).parameters.keys() & inspect.signature(DartsTrainable).parameters.keys()
    # Both are told the device of the configuration; a user gives it as [device], not among the strategy's settings.
    assert both <= {"measured_on"}


@pytest.mark.slow
def test_options_are_timed_on_the_device_of_the_configuration(tmp_path: Path) -> None:
    proxyless = {"name": "proxylessnas", "costs": "latency", **SMALL}
    run = searched(tmp_path / "torch", strategy=proxyless, device={"engine": "torch", "batch": 2}, max_trials=1)
    (note,) = [text for _, text in run.state.notes if "latencies of options" in text]
    assert "torch" in note
    assert "1 thread, batch 2" in note
    assert "not installed" not in note
    run = searched(tmp_path / "usual", strategy=proxyless, max_trials=1)
    assert any("latencies of options" in text and "onnxruntime" in text for _, text in run.state.notes)
