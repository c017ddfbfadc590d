"""Strategies that search by themselves and are not method of supernets: registered by a program, or by a plug-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nas_tune
from nas_tune.config import SearchConfig
from nas_tune.config.self_search import SELF_SEARCHES, register
from nas_tune.errors import ConfigError, ForeignCodeError
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.trust import named_code
from nas_tune.winners.export.sources import deployed_by, source_of
from search_spaces import Architecture, Space, choice
from tests import toys
from tests.nas_tune.own_searches import Ladder, Rungs, Trained
from tests.registries import kept, plugged

SPACE = Space({"width": choice(1, 2, 4, 8), "act": choice("relu", "tanh")}, name="ladder")
KEYS: dict[str, Any] = {"strategy": {"name": "ladder", "wide": 4}, "executor": "inline", "max_epochs": 3}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with kept(SELF_SEARCHES):
        register("ladder", Ladder)
        yield


def searched(folder: Path, **keys: Any) -> nas_tune.Run:
    trainable = keys.pop("trainable", toys.climb)
    return nas_tune.search(SPACE, trainable, **{**KEYS, "max_trials": 2, "run_dir": folder, **keys})


def test_trials_are_searches_and_rows_show_what_they_found(tmp_path: Path) -> None:
    run = searched(tmp_path)
    assert run.searches
    assert (run.config.scheduler.name, run.metric, run.mode) == ("none", "cost", "min")
    trials = run.trials()
    assert [json.loads(text) for text in trials["architecture"]] == [{"width": 4, "act": "relu"}] * 2
    assert trials["arch.width"].tolist() == [4, 4]
    assert trials["seed"].is_unique
    assert run.best(1)["value"].tolist() == [1 / 4]
    assert run.epochs()["arch.width"].tolist() == [4] * 6
    assert run.meta["trainable"]["settings"] == {"wide": 4}


def test_a_resume_finds_it_again(tmp_path: Path) -> None:
    run = searched(tmp_path / "run")
    assert run.meta["registered"].keys() == {"self_searches"}
    SELF_SEARCHES.forget("ladder")
    assert len(nas_tune.open_run(run.path).best(1)) == 1
    again = nas_tune.resume(run.path, max_trials=3)
    assert again.trials()["arch.width"].tolist() == [4, 4, 4]
    assert nas_tune.trained(again, 0).architecture.tree == {"width": 4, "act": "relu"}  # type: ignore[attr-defined]


def test_what_it_found_is_retrained_by_the_trainable_that_is_named(tmp_path: Path) -> None:
    run = searched(tmp_path, trainable={"name": "tests.nas_tune.own_searches:train", "slope": 2.0})
    found = nas_tune.retrain(run, metric="accuracy", mode="max", epochs=2, seeds=1, baselines=0)
    assert found.run.best(1)["value"].tolist() == [pytest.approx(4 * 2.0 * 2 / 100)]


def test_a_trainable_that_trains_no_network_is_replaced_by_the_standard_one(tmp_path: Path) -> None:
    run = searched(tmp_path, trainable={"name": "tests.nas_tune.own_searches:Rungs", "wide": 2})
    with pytest.raises(nas_tune.NasTuneError, match="ladder"):  # image_classifier has no network of that space
        nas_tune.retrain(run, epochs=1, seeds=1, baselines=0)


def test_its_weights_are_no_network_and_the_refusal_says_why(tmp_path: Path) -> None:
    run = searched(tmp_path)
    with pytest.raises(ConfigError, match=r"searches by ladder; a ladder has no weights, .* nas-tune retrain"):
        nas_tune.export(run)
    SELF_SEARCHES.forget("ladder")
    with pytest.raises(ConfigError, match=r"searches by ladder; a ladder has no weights"):
        nas_tune.export(nas_tune.open_run(run.path))


@pytest.mark.slow
def test_a_network_that_it_trained_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, "self_searches", trained_ladder="tests.nas_tune.own_searches:Trained")
    run = searched(tmp_path, strategy={"name": "trained_ladder", "wide": 4}, max_trials=1)
    made = nas_tune.export(run, formats=["pt2"])
    (program,) = made.formats
    assert not program.problem
    assert program.difference is not None
    assert program.difference < 1e-6
    assert '"width":4' in made.card.read_text(encoding="utf-8")
    exported = torch.export.load(program.files[0]).module()
    inputs = torch.rand(4, 2)
    torch.testing.assert_close(exported(inputs), nas_tune.trained(run, 0).network(inputs))  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="was not retrained"):
        nas_tune.export(run, retrained=True)


def test_its_network_is_found_by_another_process_where_a_program_registered_it(tmp_path: Path) -> None:
    register("trained_ladder", Trained)
    run = searched(tmp_path, strategy={"name": "trained_ladder", "wide": 2}, max_trials=1)
    SELF_SEARCHES.forget("trained_ladder")
    source = source_of(nas_tune.open_run(run.path), 0, None, None, what="exported")
    assert deployed_by(source.held).architecture == {"width": 2, "act": "relu"}


def test_a_network_of_another_architecture_than_the_one_found_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register("trained_ladder", Trained)
    run = searched(tmp_path, strategy={"name": "trained_ladder", "wide": 2}, max_trials=1)
    monkeypatch.setattr(Trained.trainable, "architecture", Architecture({"width": 2, "act": "tanh"}))
    with pytest.raises(ConfigError, match=r"trial 0 found \{'width': 2.* its checkpoint holds .*'tanh'.* retrain"):
        nas_tune.export(run)


def test_where_it_is_not_installed_nobody_can_tell_whether_it_trained_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        plugged(patched, "self_searches", trained_ladder="tests.nas_tune.own_searches:Trained")
        run = searched(tmp_path, strategy={"name": "trained_ladder", "wide": 2}, max_trials=1)
    with pytest.raises(ConfigError, match=r"searches by trained_ladder; it is not installed here, .* nas-tune retrain"):
        nas_tune.export(nas_tune.open_run(run.path))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"initial": "zero_cost"}, "initial: the strategy ladder proposes no architectures"),
        ({"warm_start": ["runs/a"]}, "warm_start: the strategy ladder knows no other run"),
        ({"max_retries": 1}, "max_retries: the strategy ladder never fails"),
        ({"strategy": {"name": "ladder", "wid": 4}}, "no setting 'wid'"),
        ({"strategy": {"name": "ladder", "wide": 3}}, "wide is 3"),
        ({"trainable": "darts"}, "trainable: darts is not a company for a ladder"),
    ],
)
def test_what_it_cannot_use_is_refused_before_anything_starts(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(nas_tune.NasTuneError) as caught:
        SearchSetup.of(SearchConfig(**{**KEYS, "space": "ladder", "max_trials": 1, **keys}), SPACE)
    assert said in str(caught.value)


def test_architectures_cannot_be_enqueued(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="enqueue: the trials of the strategy ladder are searches"):
        searched(tmp_path, enqueue=[{"width": 1, "act": "relu"}])


def test_the_port_is_held_against_what_is_registered() -> None:
    config = SearchConfig(**KEYS, space="ladder", max_trials=1, metric="cost", mode="min")
    register("ladder", lambda name: object(), replace=True)
    with pytest.raises(ConfigError, match="'ladder' made a object without metric, mode, refuses"):
        SearchSetup.of(config, SPACE)
    register("ladder", Ladder, replace=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.delattr(Rungs, "architecture")
        with pytest.raises(ConfigError, match="ladder searches by Rungs, which has no attribute `architecture`"):
            SearchSetup.of(config, SPACE)
    for taken in ("darts", "ladder"):
        with pytest.raises(ConfigError, match="is taken"):
            register(taken, toys.climb)
    register("tpe", Ladder)
    with pytest.raises(ConfigError, match="'tpe' is the name of a strategy and of a strategy that searches by itself"):
        SearchSetup.of(config.replace(strategy="tpe"), SPACE)


def test_its_architecture_may_have_no_value_before_the_first_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Rungs):
        @property
        def architecture(self) -> Architecture:
            raise AttributeError("nothing is set up")

    monkeypatch.setattr(Ladder, "trainable", Late)
    config = SearchConfig(**KEYS, space="ladder", max_trials=1, metric="cost", mode="min")
    assert SearchSetup.of(config, SPACE).searches


def test_that_of_a_stranger_is_listed_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path / "run")
    SELF_SEARCHES.forget("ladder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert "self-search ladder tests.nas_tune.own_searches:Ladder" in map(str, named_code(run.meta))
    with pytest.raises(ForeignCodeError, match="self-search ladder"):
        nas_tune.resume(run.path, max_trials=4)
    assert "ladder" not in SELF_SEARCHES


def test_a_plug_in_brings_one_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SELF_SEARCHES.forget("ladder")
    plugged(monkeypatch, "self_searches", ladder="tests.nas_tune.own_searches:Ladder")
    run = searched(tmp_path)
    assert "registered" not in run.meta
    assert nas_tune.resume(run.path, max_trials=3).trials()["arch.width"].tolist() == [4, 4, 4]
