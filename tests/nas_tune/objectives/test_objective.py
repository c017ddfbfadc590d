"""Several objectives from the configuration to the study, the checkpoints and back from the ledger."""

from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from optuna.samplers import RandomSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

import nas_tune
from nas_tune.config import ConfigProblems, SearchConfig
from nas_tune.coordination.proposer import Proposer
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.ledger import Asked, Ended, Paused, Promoted, Reported, RunState
from nas_tune.objectives.objective import (
    Objective,
    declared_modes,
    mode_left_out,
    objectives_of,
    scores_of,
    several_objectives,
    takes_several,
)
from nas_tune.results import Run
from nas_tune.strategies.study_memory import last_epoch, reported
from tests.toys import Climber, conditional_space, tiny_space
from trainables.errors import TrainableError

SMALL: dict[str, Any] = {"space": "nb201", "max_trials": 3}
TWO: dict[str, Any] = {"metric": ["accuracy", "distance"], "mode": ["max", "min"]}


# The configuration


def test_one_metric_in_a_list_is_that_metric() -> None:
    assert SearchConfig(**SMALL, metric=["accuracy"]) == SearchConfig(**SMALL)
    assert SearchConfig(**SMALL, metric=["loss"], mode=["min"]) == SearchConfig(**SMALL, metric="loss", mode="min")


def test_several_metrics_have_a_mode_each_or_one_for_all() -> None:
    config = SearchConfig(**SMALL, metric=("accuracy", "loss"), mode=("max", "min"))
    assert config.objectives == (Objective("accuracy", "max"), Objective("loss", "min"))
    assert SearchConfig(**SMALL, metric=["a", "b"], mode="min").objectives == objectives_of(["a", "b"], ["min", "min"])
    assert config.to_dict()["metric"] == ["accuracy", "loss"]
    assert SearchConfig.from_toml(config.to_toml()) == SearchConfig.from_json(config.to_json()) == config
    assert 'metric = "accuracy"' in SearchConfig(**SMALL).to_toml()


@pytest.mark.parametrize(
    ("metric", "mode", "line"),
    [
        (["a", "b", "a", "a"], "max", "metric: got 'a' twice or more; each metric is named once"),
        ([], "max", "metric: got an empty list, expected the name of a metric, or a list of names"),
        (["a", "b c"], "max", "metric: got 'b c'; a name starts with a letter"),
        (["a", "b"], ["max"], "mode: got 1 for 2 (a, b); give one for each metric, or one for all: 'max'"),
        (["a", "b"], ["max"] * 3, "mode: got 3 for 2 (a, b); give one for each"),
        ("a", ["max", "min"], "mode: got 2 for 1 (a); give one for each"),
        (["a", "b"], ["max", "up"], "mode: got ['max', 'up'] (an array), expected 'max' or 'min' for each metric"),
        (["a", "b"], None, "mode: got None (nothing), expected one of 'max', 'min'"),
    ],
)
def test_what_does_not_fit_together_is_refused(metric: object, mode: object, line: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        SearchConfig(**SMALL, metric=metric, mode=mode)
    [said] = caught.value.problems
    assert said.startswith(line)


def test_columns_of_the_tables_are_no_metrics(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="metric: 'seconds' is the name of a column of the result tables"):
        search(tmp_path, metric=["accuracy", "seconds"], mode="max")


def test_scores_are_greater_the_better_and_only_whole() -> None:
    objectives = objectives_of(["a", "b"], ["max", "min"])
    assert scores_of({"a": 1.0, "b": 2.0, "c": 3.0}, objectives) == (1.0, -2.0)
    assert scores_of({"a": 1.0}, objectives) is None
    assert scores_of({"a": 1.0, "b": math.inf}, objectives) is None


def test_the_mark_is_inherited_and_never_there_by_itself() -> None:
    class Mother:
        pass

    assert not takes_several(Mother)
    assert takes_several(several_objectives(type("Child", (Mother,), {})))
    assert not takes_several(Mother)


class Declaring:
    """Declares the modes of two metrics."""

    modes: ClassVar[dict[str, str]] = {"mae": "min", "accuracy": "max"}


class Wrong:
    """Declares a mode that there is not."""

    modes: ClassVar[dict[str, str]] = {"mae": "up"}


@pytest.mark.parametrize(
    ("metric", "modes"),
    [
        ("mae", ["min"]),
        (["accuracy", "mae"], ["max", "min"]),
        (("mae",), ["min"]),
        (["mae", "other"], None),
        ("other", None),
        ([], None),
        (None, None),
        (3, None),
    ],
)
def test_modes_are_declared_for_all_metrics_or_for_none(metric: object, modes: list[str] | None) -> None:
    assert declared_modes(Declaring, metric, {}) == modes
    assert declared_modes(None, metric, {}) is None


def test_a_declaration_is_read_only_where_a_metric_asks_for_it() -> None:
    assert declared_modes(Wrong, None, {}) is None
    with pytest.raises(TrainableError, match="up"):
        declared_modes(Wrong, "mae", {})


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("accuracy", "max"),
        ("latency", "min"),
        ("throughput", "max"),
        (["accuracy", "discrete_accuracy", "macs"], ["max", "max", "min"]),
        (("accuracy",), ["max"]),
        (["accuracy", "loss"], None),
        ("loss", None),
        ([], None),
        (None, None),
    ],
)
def test_only_accuracies_and_quantities_need_no_mode(metric: object, mode: str | list[str] | None) -> None:
    assert mode_left_out(metric) == mode


# The study


def test_the_study_has_a_direction_and_a_value_for_each() -> None:
    proposer = Proposer(tiny_space(), RandomSampler, seed=0, mode=["max", "min"], metric=["accuracy", "size"])
    assert proposer._study.directions == [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    for trial in range(3):
        made = (proposal := proposer.propose()).architecture
        proposer.apply(Asked(trial, proposal.ask, made.tree, made.id, 0))
        for epoch in (1, 2):
            proposer.apply(Reported(trial, epoch, {"accuracy": epoch / 10, "size": 5.0 * epoch, "loss": 0.0}, 0.0))
    proposer.apply(Ended(0, "complete", 0.2))
    proposer.apply(Paused(1, 0.2))
    complete, paused, running = proposer._study.get_trials(deepcopy=False)
    assert (complete.state, complete.values) == (TrialState.COMPLETE, [0.2, 10.0])
    assert (paused.state, paused.values) == (TrialState.PRUNED, [0.2, 10.0])
    assert (running.state, running.values, last_epoch(running)) == (TrialState.RUNNING, None, 2)
    assert (reported(running, 1, 1), reported(running, 3, 1)) == (5.0, None)
    proposer.apply(Promoted(1))
    proposer.apply(Reported(1, 3, {"accuracy": 0.3, "size": 15.0}, 0.0))
    assert paused.values == [0.3, 15.0]
    proposer.apply(Ended(1, "complete", 0.3))
    assert (paused.state, paused.values) == (TrialState.COMPLETE, [0.3, 15.0])


# Whole runs


def search(folder: Path, **more: Any) -> Run:
    given: dict[str, Any] = {
        "strategy": {"name": "nsga2", "population": 4},
        "scheduler": "asha_promote",
        "max_trials": 12,
        "max_epochs": 4,
        "executor": "inline",
        "seed": 3,
        "run_dir": folder / "run",
        **TWO,
        **more,
    }
    return nas_tune.search(conditional_space(), Climber, **given)


def found(run: Run) -> list[list[Any]]:
    frame = run.trials()[["trial", "state", "epochs", "architecture", "value", "accuracy", "distance"]]
    return [list(row) for row in frame.itertuples(index=False)]


class StopAt:
    """Ctrl-C at the n-th report."""

    def __init__(self, report: int) -> None:
        self.left = report

    def on_event(self, event: Any, state: RunState) -> None:
        self.left -= isinstance(event, Reported)
        if isinstance(event, Reported) and self.left == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_a_run_that_was_stopped_and_resumed_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, observers=[StopAt(9)])
    resumed = nas_tune.resume(tmp_path / "run", trainable=Climber, space=conditional_space())
    assert found(resumed) == found(whole)
    assert {"complete", "pruned"} == set(whole.trials()["state"])
    with pytest.raises(ResumeRefusedError, match=r"metric was \['accuracy', 'distance'\], now 'accuracy'"):
        nas_tune.resume(tmp_path / "run", metric="accuracy")


def test_an_epoch_without_one_of_them_is_a_bad_result(tmp_path: Path) -> None:
    with pytest.raises(nas_tune.NasTuneError, match=r"no metric 'distanse' in the report; did you mean 'distance'\?"):
        search(tmp_path, metric=["accuracy", "distanse"], max_trials=2)


def test_the_others_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"scheduler: 'median' optimizes one metric, .*\(asha, asha_promote, hyper"):
        search(tmp_path, scheduler="median")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_checkpoints_of_the_front_are_kept_its_ends_first(keep: int, tmp_path: Path) -> None:
    run = search(tmp_path, scheduler="none", strategy="random", keep_checkpoints=keep)
    kept = {int(folder.name) for folder in (run.path / "trials").iterdir()}
    front = run.pareto()["trial"].tolist()
    assert len(front) > 4
    assert len(kept) == keep
    assert kept <= set(front)
    assert set(run.best(min(keep, 2))["trial"]) <= kept
    assert run.evaluate()["accuracy"] == run.best()["value"].iloc[0]
    nas_tune.resume(run.path, trainable=Climber, space=conditional_space(), max_trials=14)
    again = {int(folder.name) for folder in (run.path / "trials").iterdir()}
    assert len(again) == keep
    assert set(run.best(min(keep, 2))["trial"]) <= again
