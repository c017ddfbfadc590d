"""A run as Optuna sees it: every trial as the ledger has it, always as of now, and never changed."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

import nas_tune
from nas_tune.dashboards.storage import ReadOnlyError, RunStorage
from nas_tune.ledger import Asked, Ended, Event, Found, Ledger, Paused, Promoted, Reported, backup_path
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, ended, eventful, make, mixed, refusing, restored, trial

WRITERS: dict[str, tuple[Any, ...]] = {
    "create_new_study": ([StudyDirection.MAXIMIZE], "x"),
    "delete_study": (0,),
    "set_study_user_attr": (0, "x", 1),
    "set_study_system_attr": (0, "x", 1),
    "create_new_trial": (0,),
    "set_trial_param": (0, "x", 0.5, FloatDistribution(0, 1)),
    "set_trial_state_values": (0, TrialState.COMPLETE, [1.0]),
    "set_trial_intermediate_value": (0, 1, 1.0),
    "set_trial_user_attr": (0, "x", 1),
    "set_trial_system_attr": (0, "x", 1),
}


def _run(folder: Path, *events: Event, **meta: Any) -> tuple[Run, Ledger]:
    folder.mkdir(exist_ok=True)
    ledger = make(folder, *events, meta=meta)
    return nas_tune.open_run(folder), ledger


def _study(storage: BaseStorage) -> optuna.Study:
    (found,) = storage.get_all_studies()
    return optuna.load_study(study_name=found.study_name, storage=storage)


def test_every_state_has_its_decisions_its_curve_and_its_times(tmp_path: Path) -> None:
    run, _ = _run(tmp_path, *eventful())
    trials = RunStorage(run).get_all_trials(0)
    states = ["COMPLETE", "PRUNED", "FAIL", "FAIL", "RUNNING", "RUNNING"]
    assert [found.state.name for found in trials] == states
    assert [found.values for found in trials] == [[0.9], [0.6], None, None, None, None]
    conv, pool, diverged, failed, lost, _ = trials
    assert conv.intermediate_values == {1: 0.5, 2: 0.7, 3: 0.9}
    assert math.isnan(diverged.intermediate_values[2])
    assert conv.params == {
        "op": "conv",
        "op.conv.kernel": 5,
        "op.conv.bias": True,
        "width": 16,
        "rate": 0.01,
        "scale": 0.5,
    }
    assert set(pool.params) == {"op", "width", "rate", "scale"}
    kinds = [type(conv.distributions[name]) for name in ("op", "width", "rate")]
    assert kinds == [CategoricalDistribution, IntDistribution, FloatDistribution]
    started = datetime.fromtimestamp(run.trials()["started"][0].timestamp())
    assert conv.datetime_start is not None
    assert abs(conv.datetime_start - started).total_seconds() < 1e-3
    assert conv.datetime_complete is not None
    assert lost.datetime_complete is None
    assert (lost.user_attrs["ledger_state"], lost.user_attrs["lost"]) == ("lost", 1)
    assert failed.user_attrs["message"] == "ValueError: no"
    assert conv.user_attrs["architecture_id"] == run.trials()["architecture_id"][0]
    assert (conv.user_attrs["loss"], conv.user_attrs["epochs"], conv.user_attrs["seconds"]) == (1.0, 3, 1.5)


def test_trials_come_and_end_while_the_storage_is_open(tmp_path: Path) -> None:
    run, ledger = _run(tmp_path, begun(), *trial(0, [0.5]), *trial(1, [0.1], None))
    storage = RunStorage(run)
    first, running = storage.get_all_trials(0, deepcopy=False)
    ledger.append(Reported(1, 2, {"accuracy": 0.3, "loss": 1.0}, 0.5), Paused(1, 0.3), *trial(2, [0.7]))
    again, paused, new = storage.get_all_trials(0, deepcopy=False)
    assert again is first
    assert (running.last_step, paused.last_step, paused.state, new.value) == (1, 2, TrialState.RUNNING, 0.7)
    assert paused.user_attrs["ledger_state"] == "paused"
    ledger.append(Promoted(1), Reported(1, 3, {"accuracy": 0.8, "loss": 1.0}, 0.5), Ended(1, "complete", 0.8), ended())
    assert storage.get_trial(1).value == 0.8
    assert _study(storage).best_trial.number == 1 == int(run.best()["trial"][0])
    assert _study(storage).user_attrs["search"] == "done"


def test_a_ledger_of_a_single_event_is_read_at_once(tmp_path: Path) -> None:
    run, _ = _run(tmp_path, Asked(0, 0, mixed().sample(0).tree, "0" * 16, 1))
    storage = RunStorage(run)
    assert [found.state for found in storage.get_all_trials(0)] == [TrialState.RUNNING]
    assert _study(storage).user_attrs["search"] == "running"


@pytest.mark.parametrize("trial_id", [-1, 2])
def test_only_trials_of_the_run_have_an_id(tmp_path: Path, trial_id: int) -> None:
    run, _ = _run(tmp_path, begun(), *trial(0, [0.5]), *trial(1, [0.7]))
    storage = RunStorage(run)
    assert [storage.get_trial(number).value for number in (0, 1)] == [0.5, 0.7]
    with pytest.raises(KeyError, match=f"no trial {trial_id}; the run has 2"):
        storage.get_trial(trial_id)


def test_trials_are_selected_by_state_and_copied_on_demand(tmp_path: Path) -> None:
    run, _ = _run(tmp_path, begun(), *trial(0, [0.5]), *trial(1, [0.1], None), *trial(2, [0.7]))
    storage = RunStorage(run)
    assert [found.number for found in storage.get_all_trials(0, states=(TrialState.COMPLETE,))] == [0, 2]
    assert storage.get_all_trials(0, states=()) == []
    shown = storage.get_all_trials(0, deepcopy=False)
    assert all(one is other for one, other in zip(shown, storage.get_all_trials(0, deepcopy=False), strict=True))
    assert storage.get_all_trials(0)[0] is not shown[0]
    with pytest.raises(KeyError):
        storage.get_all_trials(1)


def test_the_study_tells_the_names_of_its_parts_and_its_fate(tmp_path: Path) -> None:
    run, ledger = _run(tmp_path, begun())
    storage = RunStorage(run)
    study = _study(storage)
    config = run.config
    about = {name: getattr(config, name).name for name in ("space", "strategy", "scheduler", "trainable")}
    assert study.user_attrs == {"search": "not over", **about, "folder": str(run.path)}
    ledger.append(*trial(0, [0.5], None))
    assert _study(storage).user_attrs["search"] == "running"
    assert (study.study_name, study.directions) == (config.run_name, [StudyDirection.MAXIMIZE])
    assert storage.get_study_id_from_name(config.run_name) == 0
    assert storage.get_study_name_from_id(0) == config.run_name
    assert (storage.get_study_system_attrs(0), study.metric_names) == (
        {"study:metric_names": ["accuracy"]},
        ["accuracy"],
    )


def test_a_ledger_that_its_backup_replaces_is_read_anew(tmp_path: Path) -> None:
    run, ledger = _run(tmp_path, begun(), *trial(0, [0.5]))
    ledger.backup(backup_path(tmp_path))
    ledger.append(*trial(1, [0.9]))
    storage = RunStorage(run)
    assert len(storage.get_all_trials(0)) == 2
    restored(tmp_path, ledger)
    assert [found.value for found in storage.get_all_trials(0)] == [0.5]


def test_a_search_in_a_supernet_has_the_decisions_that_it_found_last(tmp_path: Path) -> None:
    first, second = (mixed().sample(seed).tree for seed in (1, 2))
    run, ledger = _run(tmp_path, begun(), Asked(0, 0, 0, "0" * 16, 1, searches=True))
    storage = RunStorage(run)
    assert storage.get_trial(0).params == {}
    for epoch, tree in enumerate((first, second), 1):
        ledger.append(Found(0, tree, f"{epoch:016}"), Reported(0, epoch, {"accuracy": 0.5}, 1.0))
        assert storage.get_trial(0).params == mixed().params(tree)


def test_several_objectives_have_directions_names_and_a_front(tmp_path: Path) -> None:
    events: list[Event] = [begun()]
    for number, (accuracy, loss) in enumerate([(0.9, 5.0), (0.8, 2.0), (0.7, 3.0)]):
        events += [Asked(number, number, mixed().sample(number).tree, f"{number:016x}", number)]
        events += [Reported(number, 1, {"accuracy": accuracy, "loss": loss}, 1.0), Ended(number, "complete", accuracy)]
    run, _ = _run(tmp_path, *events, objectives=[["accuracy", "max"], ["loss", "min"]])
    study = _study(RunStorage(run))
    assert study.directions == [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    assert study.metric_names == ["accuracy", "loss"]
    assert {found.number for found in study.best_trials} == set(run.pareto()["trial"]) == {0, 1}


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_can_be_changed(tmp_path: Path, name: str) -> None:
    run, ledger = _run(tmp_path, begun(), *trial(0, [0.5]))
    storage, before = RunStorage(run), len(ledger)
    with pytest.raises(ReadOnlyError, match="copy of a run"):
        getattr(storage, name)(*WRITERS[name])
    assert len(ledger) == before
    assert [found.value for found in storage.get_all_trials(0)] == [0.5]


def test_what_strangers_wrote_does_not_break_the_copy(tmp_path: Path) -> None:
    asked = Asked(0, 0, mixed().sample(0).tree, "0" * 16, 1)
    events = [begun(), asked, Reported(0, 1, {"accuracy": 0.5}, 0.5, "node\"'<b>\ud800")]
    secret = "\ud800 s3://me:secret@there " * 400
    run, ledger = _run(
        tmp_path,
        *events,
        Ended(0, "complete", 0.5),
        *trial(1, [], "failed", failure="error", message=secret),
    )
    good, failed = RunStorage(run).get_all_trials(0)
    assert good.intermediate_values == {1: 0.5}
    assert "secret" not in failed.user_attrs["message"]
    assert len(failed.user_attrs["message"]) <= 2000
    spec = {**ledger.meta["space"], "type": "gone_module:Space"}
    foreign, _ = _run(tmp_path / "foreign", *trial(0, [0.5]), space=spec)
    (found,) = RunStorage(foreign).get_all_trials(0)
    assert found.params
    assert found.user_attrs["architecture"].startswith("{")


def test_a_complete_trial_without_a_value_cannot_be_the_best(tmp_path: Path) -> None:
    run, _ = _run(tmp_path, begun(), *trial(0, [0.5]), *trial(1, [float("nan")]))
    study = _study(RunStorage(run))
    assert study.best_trial.number == 0
    assert study.trials[1].state == TrialState.FAIL


def test_costs_are_attributes_and_limits_are_constraints(tmp_path: Path) -> None:
    make(tmp_path, *refusing(), limits={"macs": "50M", "latency": "5ms"}).close()
    study = _study(RunStorage(nas_tune.open_run(tmp_path)))
    kept, broken = study.get_trials()
    assert (kept.user_attrs["latency"], kept.user_attrs["latency_predicted"]) == (5.0, 4.0)
    assert kept.user_attrs["latency_device"] == "cpu-1"
    assert kept.system_attrs["constraints"] == [0.0, 0.0]
    assert broken.system_attrs["constraints"] == [0.0, pytest.approx(0.2)]
    assert study.best_trial.number == 0, "trial 1 is better and breaks a limit"
