"""What Ray Tune asks of our parts and is told by them, by hand instead of by Ray."""

from __future__ import annotations

import math
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from nas_tune.coordination.coordinator import Assignment
from nas_tune.executors import ray_tune
from nas_tune.executors.job import Job
from nas_tune.executors.ray_cluster import TrialResources
from nas_tune.executors.ray_tune import (
    RayExecutor,
    _CoordinatorCallback,
    _CoordinatorScheduler,
    _CoordinatorSearcher,
    _reason,
    _SilentReporter,
    _TimeUp,
)
from tests.toys import Climber, tiny_space

SPACE = tiny_space()


class Coordinator:
    """Keeps what it is told, and gives two assignments."""

    def __init__(self, seconds_left: float = math.inf) -> None:
        self.told: list[tuple[object, ...]] = []
        self.seconds_left = seconds_left
        self.stopping: str | None = None
        self.budget = SimpleNamespace(max_retries=2)
        self.interrupts = SimpleNamespace(check=lambda: self.told.append(("checked",)), shield=self._shield)
        self._left = [Assignment(number, SPACE.sample(number), 10 + number) for number in range(2)]
        self.goes_on = True

    def _shield(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()

    def ask(self) -> Assignment | None:
        return self._left.pop(0) if self._left else None

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        def told(*arguments: object) -> object:
            self.told.append((name, *arguments))
            return self.goes_on

        return told


def searcher(coordinator: Any, workers: int = 2) -> _CoordinatorSearcher:
    return _CoordinatorSearcher(coordinator, workers)


def test_a_suggestion_is_what_an_actor_needs() -> None:
    coordinator = Coordinator()
    assert searcher(coordinator).suggest("x") == {
        "trial": 0,
        "architecture": SPACE.sample(0).tree,
        "seed": 10,
        "ends": None,
    }
    limited = Coordinator(seconds_left=100.0)
    made = searcher(limited).suggest("x")
    assert isinstance(made, dict)
    assert made["ends"] == pytest.approx(time.time() + 100.0, abs=5)


def test_only_so_many_trials_run_at_a_time() -> None:
    coordinator = Coordinator()
    asked = searcher(coordinator, workers=1)
    assert asked.suggest("a") is not None
    assert asked.suggest("b") is None
    asked.on_trial_complete("other")
    assert asked.suggest("b") is None
    asked.on_trial_complete("a")
    found = asked.suggest("b")
    assert isinstance(found, dict)
    assert found["trial"] == 1
    two = searcher(Coordinator(), workers=2)
    assert [two.suggest(name) is None for name in "abc"] == [False, False, True]


def test_no_assignment_is_a_pause_and_the_end_is_told() -> None:
    coordinator = Coordinator()
    coordinator._left = []
    asked = searcher(coordinator)
    assert asked.suggest("a") is None
    coordinator.stopping = "done"
    assert asked.suggest("a") == Searcher.FINISHED
    coordinator._left = [Assignment(5, SPACE.sample(0), 1)]
    assert asked.suggest("a") != Searcher.FINISHED, "a trial that did not begin keeps no worker busy"


def trial(number: int = 3, **more: Any) -> Any:
    return SimpleNamespace(config={"trial": number}, num_failures=2, get_error=lambda: "first\nsecond", **more)


@pytest.mark.parametrize(("goes_on", "verdict"), [(True, TrialScheduler.CONTINUE), (False, TrialScheduler.STOP)])
def test_an_epoch_goes_to_the_coordinator_whose_word_counts(goes_on: bool, verdict: str) -> None:
    coordinator: Any = Coordinator()
    coordinator.goes_on = goes_on
    found = _CoordinatorScheduler(coordinator).on_trial_result(None, trial(), {"outcome": "O", "node": "n"})
    assert (found, coordinator.told) == (verdict, [("report", 3, "O", "n")])


def test_workers_are_ended_where_there_are_any() -> None:
    scheduler = _CoordinatorScheduler(Coordinator())  # type: ignore[arg-type]
    scheduler.end_workers()
    ended: list[bool] = []
    manager = SimpleNamespace(_actor_manager=SimpleNamespace(cleanup=lambda: ended.append(True)))
    scheduler.on_trial_add(SimpleNamespace(_tune_controller=manager), trial())
    scheduler.end_workers()
    assert ended == [True]


def test_parts_are_pickled_without_their_state() -> None:
    coordinator: Any = Coordinator()
    for part in (searcher(coordinator), _CoordinatorScheduler(coordinator), _CoordinatorCallback(coordinator)):
        assert part.__getstate__() == {}
        assert not vars(pickle.loads(pickle.dumps(part)))


@pytest.mark.parametrize(("left", "is_over"), [(math.inf, False), (-1.0, False), (-1.01, True)])
def test_the_time_is_up_a_second_after_its_end(left: float, is_over: bool) -> None:
    coordinator: Any = Coordinator(seconds_left=left)
    callback = _CoordinatorCallback(coordinator)
    if is_over:
        with pytest.raises(_TimeUp):
            callback.on_step_begin(0, [])
    else:
        callback.on_step_begin(0, [])
    assert coordinator.told == [("checked",), *([("stop", "time")] if is_over else [])]


def test_a_dead_worker_is_reported_with_the_first_line_of_its_error() -> None:
    coordinator: Any = Coordinator()
    callback = _CoordinatorCallback(coordinator)
    callback.on_trial_recover(0, [], trial())
    callback.on_trial_error(0, [], trial(4))
    assert coordinator.told == [
        ("lost", 3, "first"),
        ("failed", 4, "error", "its worker died 2 times, at last: first"),
    ]
    silent = SimpleNamespace(get_error=lambda: None)
    assert _reason(silent) == "the worker is gone"  # type: ignore[arg-type]
    long = SimpleNamespace(get_error=lambda: "\n" + "x" * 400 + "\nlast")
    assert _reason(long) == "x" * 300  # type: ignore[arg-type]


def test_ray_tune_prints_nothing() -> None:
    reporter = _SilentReporter()
    assert reporter.should_report([]) is False
    assert reporter.should_report([], done=True) is False


# The executor


class Cluster:
    def __init__(self, workers: int) -> None:
        self.workers, self.left = workers, list[object]()

    def __enter__(self) -> int:
        return self.workers

    def __exit__(self, *error: object) -> None:
        self.left.append(error)


def executor(folder: Path, monkeypatch: pytest.MonkeyPatch, asked: int = 3, fit: int = 2) -> RayExecutor:
    monkeypatch.setattr(ray_tune, "cluster", lambda address, workers, resources: Cluster(fit))
    monkeypatch.setenv("TUNE_MAX_PENDING_TRIALS_PG", "99")
    job = Job(Climber, {}, folder, 2)
    return RayExecutor(job, SPACE, asked, TrialResources(2.0, 0.5))


def test_an_executor_asks_for_its_workers_and_leaves_no_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, coordinator = executor(tmp_path, monkeypatch), Coordinator()
    fitted: list[object] = []
    monkeypatch.setattr(made, "_tuner", lambda *parts: SimpleNamespace(fit=lambda: fitted.append(parts[0])))
    (tmp_path / "ray").mkdir()
    with made as entered:
        assert entered is made
        made.run(coordinator)  # type: ignore[arg-type]
    assert fitted == [coordinator]
    assert coordinator.told == [("note", "3 workers were asked for, 2 fit the cluster")]
    assert os.environ["TUNE_MAX_PENDING_TRIALS_PG"] == "2"
    assert not (tmp_path / "ray").exists()
    assert made._cluster.left == [(None, None, None)]  # type: ignore[attr-defined]
    assert made.clock is None


@pytest.mark.parametrize("asked", [2, -1])
def test_as_many_workers_as_were_asked_for_need_no_note(
    asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, coordinator = executor(tmp_path, monkeypatch, asked=asked), Coordinator()
    monkeypatch.setattr(made, "_tuner", lambda *parts: SimpleNamespace(fit=lambda: None))
    with made:
        made.run(coordinator)  # type: ignore[arg-type]
    assert coordinator.told == []


@pytest.mark.parametrize(("raised", "passed_on"), [(KeyboardInterrupt(), True), (_TimeUp(), False)])
def test_whatever_leaves_the_loop_ends_the_workers(
    raised: BaseException, passed_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, ended = executor(tmp_path, monkeypatch), list[bool]()

    def fit() -> None:
        raise raised

    monkeypatch.setattr(_CoordinatorScheduler, "end_workers", lambda scheduler: ended.append(True))
    monkeypatch.setattr(made, "_tuner", lambda *parts: SimpleNamespace(fit=fit))
    with made:
        if passed_on:
            with pytest.raises(type(raised)):
                made.run(Coordinator())  # type: ignore[arg-type]
        else:
            made.run(Coordinator())  # type: ignore[arg-type]
    assert ended == [True]


@pytest.mark.parametrize("shared", [None, "shared data"])
def test_tune_is_told_to_reuse_actors_and_to_write_nothing(
    shared: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, given = executor(tmp_path, monkeypatch), dict[str, Any]()
    monkeypatch.setattr(ray_tune.ray, "put", lambda value: f"reference to {value}")
    monkeypatch.setattr(Job, "load_shared", lambda job: shared)

    def with_parameters(kind: object, **parameters: Any) -> object:
        given.update(parameters)
        return kind

    monkeypatch.setattr(ray_tune.tune, "with_parameters", with_parameters)
    monkeypatch.setattr(ray_tune.tune, "with_resources", lambda kind, needs: given.update(needs=needs) or kind)
    monkeypatch.setattr(ray_tune.tune, "Tuner", lambda kind, **how: SimpleNamespace(**how))
    coordinator: Any = Coordinator()
    scheduler = _CoordinatorScheduler(coordinator)
    with made:
        tuner: Any = made._tuner(coordinator, scheduler)
    assert given.pop("parcel").unpack()[0].max_epochs == 2
    assert given == {
        "needs": {"cpu": 2.0, "gpu": 0.5},
        **({} if shared is None else {"shared": "reference to shared data"}),
    }
    how, where = tuner.tune_config, tuner.run_config
    assert (how.num_samples, how.reuse_actors, how.scheduler) == (-1, True, scheduler)
    assert how.search_alg._workers == 2
    assert (where.name, where.storage_path, where.verbose) == ("ray", str(tmp_path), 0)
    assert where.failure_config.max_failures == 2
    assert (where.checkpoint_config.checkpoint_frequency, where.checkpoint_config.checkpoint_at_end) == (0, False)
    assert [type(one) for one in where.callbacks] == [_CoordinatorCallback]
    assert isinstance(where.progress_reporter, _SilentReporter)
