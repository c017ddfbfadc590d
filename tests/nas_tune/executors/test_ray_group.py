"""The processes of a group and their trainer, by hand instead of by Ray: who says what to whom, and when."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import RayError

from nas_tune.errors import InfeasibleError
from nas_tune.executors import ray_group, ray_train, ray_trainer
from nas_tune.executors.job import Job
from nas_tune.executors.mailbox import GroupDied, GroupStarted, Mailbox, Order, OrderDone
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_cluster import TrialResources
from nas_tune.executors.ray_group import GroupEndedError, take_part
from nas_tune.executors.ray_train import RayTrainExecutor, _get
from tests.toys import Climber, tiny_space
from trainables.trial.session import Failure, Outcome

SPACE = tiny_space()
TREE = SPACE.sample(0).tree


class Box:
    """A mailbox whose calls answer at once."""

    def __init__(self, *orders: Order | None) -> None:
        self.sent: list[object] = []
        self.asked: list[tuple[int, int]] = []
        self._orders = list(orders)
        self.send = SimpleNamespace(remote=self.sent.append)
        self.order = SimpleNamespace(remote=self._order)
        self.closed = SimpleNamespace(remote=lambda: None)

    def _order(self, name: int, number: int) -> Order | None:
        self.asked.append((name, number))
        return self._orders[number]


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "get", lambda answer: answer)
    monkeypatch.setattr(ray_group, "node_name", lambda: "here")


class Group:
    """One process of a group; no other is there."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def equalize_(self, tensors: list[Any]) -> None:
        tensors[0].fill_(7)


def part(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *orders: Order | None, rank: int = 0, **settings: Any
) -> tuple[Box, GroupEndedError | None]:
    monkeypatch.setattr(ray_group.Group, "here", staticmethod(lambda: Group(rank)))
    box = Box(*orders)
    parcel = Parcel.of(Job(Climber, settings, folder, 2), SPACE)
    try:
        take_part({"mailbox": box, "parcel": parcel})
    except GroupEndedError as error:
        return box, error
    return box, None


def test_the_first_process_trains_every_order_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same, other = Order(0, TREE, 1), Order(1, SPACE.sample(1).tree, 2)
    box, error = part(tmp_path, monkeypatch, same, same, other, None)
    assert error is None
    started, *done = box.sent
    assert started == GroupStarted(7)
    assert box.asked == [(7, number) for number in range(4)]
    assert all(isinstance(one, OrderDone) for one in done)
    told: Any = done
    assert [(one.group, one.number, one.node, one.outcome.epoch, one.outcome.finished) for one in told] == [
        (7, 0, "here", 1, False),
        (7, 1, "here", 2, True),
        (7, 2, "here", 1, False),
    ]
    assert sorted(folder.name for folder in (tmp_path / "trials").iterdir()) == ["000000", "000001"]


def test_other_processes_train_in_silence_and_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, error = part(tmp_path, monkeypatch, Order(0, TREE, 1), None, rank=1)
    assert (box.sent, error) == ([], None)
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_fails_tells_it_and_ends_its_group(
    rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, error = part(tmp_path, monkeypatch, Order(4, TREE, 1), rank=rank, fail="error", fail_at=1)
    assert str(error).startswith(f"trial 4 ended in process {rank}: ")
    failed: Any = box.sent[-1]
    assert (failed.number, failed.outcome.failure.kind) == (0, "error")
    assert len(box.sent) == 2 - rank


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_lost_its_group_says_nothing(rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Outcome(0, {}, failure=Failure("lost", "the others are gone"))
    monkeypatch.setattr(ray_group, "advance", lambda session: lost)
    box, error = part(tmp_path, monkeypatch, Order(0, TREE, 1), rank=rank)
    assert str(error) == "the others are gone"
    assert len(box.sent) == 1 - rank


# The trainer


def test_the_reason_is_that_of_the_process_that_began_it() -> None:
    reason = ray_trainer._reason
    lost, own = RuntimeError("GroupLostError: gone"), ValueError("no\nsecond")
    assert reason({1: own, 0: lost}) == "process 1: no"
    assert reason({2: own, 1: ValueError("first")}) == "process 1: first"
    assert reason({0: lost}) == "process 0: GroupLostError: gone"
    assert reason({0: ValueError("x" * 400)}) == f"process 0: {'x' * 300}"
    assert reason({0: ValueError("")}) == "process 0: ValueError"
    assert reason({}) == "unknown"


def test_a_death_is_sent_to_the_driver() -> None:
    box: Any = Box()
    ray_trainer._DeathNotice(box).after_exception(None, {3: ValueError("no")})
    assert box.sent == [GroupDied("process 3: no")]


@pytest.mark.parametrize(("is_over", "gone"), [(False, False), (True, False), (False, True)])
def test_the_trainer_is_interrupted_when_the_mailbox_is_gone(
    is_over: bool, gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted: list[bool] = []
    monkeypatch.setattr(ray_trainer._thread, "interrupt_main", lambda: interrupted.append(True))
    over, box = threading.Event(), Box()
    if is_over:
        over.set()
    if gone:

        def get(answer: object) -> None:
            raise RayError("the actor died")

        monkeypatch.setattr(ray, "get", get)
    ray_trainer._interrupt_without(box, over)  # type: ignore[arg-type]
    assert interrupted == ([] if is_over else [True])


@pytest.mark.parametrize(
    ("needs", "each", "backend"),
    [
        (TrialResources(2.0, 0.0, devices=3), {"CPU": 2.0}, "gloo"),
        (TrialResources(2.0, 0.5, devices=2), {"CPU": 2.0, "GPU": 0.5}, "cpu:gloo,cuda:nccl"),
    ],
)
@pytest.mark.parametrize("leaves", [None, KeyboardInterrupt, SystemExit, ValueError])
def test_a_trainer_starts_the_processes_that_a_trial_needs(
    needs: TrialResources,
    each: dict[str, float],
    backend: str,
    leaves: type[BaseException] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}
    waited: list[Any] = []

    class Trainer:
        def __init__(self, function: object, **how: Any) -> None:
            given.update(how, function=function)

        def fit(self) -> None:
            if leaves is not None:
                raise leaves("of fit")

    monkeypatch.setattr(ray_trainer, "TorchTrainer", Trainer)
    monkeypatch.setattr(ray_trainer, "_interrupt_without", lambda box, over: waited.append((box, over)))
    box, parcel = Box(), "parcel"

    def go() -> None:
        ray_trainer.keep_going(box, parcel, needs, str(tmp_path))  # type: ignore[arg-type]

    if leaves is ValueError:
        with pytest.raises(ValueError, match="of fit"):
            go()
    else:
        go()
    for _ in range(500):
        if waited:
            break
        threading.Event().wait(0.01)
    assert waited[0][0] is box
    assert waited[0][1].is_set(), "the thread interrupts nothing any more"
    assert (given["function"], given["train_loop_config"]) == (take_part, {"mailbox": box, "parcel": parcel})
    assert given["torch_config"].backend == backend
    scaling, run = given["scaling_config"], given["run_config"]
    assert (scaling.num_workers, scaling.use_gpu, scaling.resources_per_worker) == (
        needs.devices,
        needs.gpus > 0,
        each,
    )
    assert (run.name, run.storage_path) == ("ray-train", str(tmp_path))
    assert (run.failure_config.max_failures, run.failure_config.controller_failure_limit) == (-1, 10)
    assert [type(one) for one in run.callbacks] == [ray_trainer._DeathNotice]


# The driver


def test_an_error_of_ray_is_told_by_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(answer: str) -> None:
        raise RayError(answer)

    monkeypatch.setattr(ray, "get", get)
    for text, reason in (("place\n\n the reason \n\n", "the reason"), ("", "RayError"), ("x" * 400, "x" * 300)):
        with pytest.raises(InfeasibleError) as caught:
            _get(text)  # type: ignore[arg-type]
        assert str(caught.value) == f"the group of workers failed: {reason}; check the cluster, then resume the run"


class Coordinator:
    """Has no trial, or one."""

    def __init__(self, seconds_left: float = 9.0) -> None:
        from contextlib import nullcontext

        self.seconds_left, self.stopped, self.checks = seconds_left, list[str](), 0
        self.interrupts = SimpleNamespace(shield=nullcontext, check=self._check)
        self.stop = self.stopped.append

    def _check(self) -> None:
        self.checks += 1

    def ask(self) -> None:
        return None


class Driven:
    """An executor whose Ray answers from a list."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *received: list[object], ended: bool = False
    ) -> None:
        self.waits: list[float] = []
        self.killed: list[object] = []
        self.received = list(received)
        self.ended = ended
        monkeypatch.setattr(ray_train, "cluster", lambda address, workers, resources: self)
        monkeypatch.setattr(ray, "is_initialized", lambda: True)
        monkeypatch.setattr(ray, "wait", self._wait)
        monkeypatch.setattr(ray, "kill", self.killed.append)
        monkeypatch.setattr(ray, "remote", self._remote)
        self.remotes: list[dict[str, Any]] = []
        self.started: list[tuple[object, ...]] = []
        self.made = RayTrainExecutor(Job(Climber, {}, folder, 2), SPACE, TrialResources(1.0, 0.0, devices=2))

    def __enter__(self) -> int:
        return 1

    def __exit__(self, *error: object) -> None:
        self.left = error

    def _wait(self, references: list[object], timeout: float) -> tuple[list[object], list[object]]:
        self.waits.append(timeout)
        return ([*references], []) if self.ended else ([], [*references])

    def _remote(self, **how: Any) -> Any:
        self.remotes.append(how)
        return lambda target: SimpleNamespace(remote=lambda *given: self._begun(target, given))

    def _begun(self, target: object, given: tuple[object, ...]) -> object:
        if target is not Mailbox:
            self.started.append(given)
            return "trainer"
        return SimpleNamespace(
            receive=SimpleNamespace(remote=lambda seconds: self.received.pop(0)),
            post_order=SimpleNamespace(remote=lambda *order: None),
        )


def test_a_driver_listens_until_nothing_is_left_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven, coordinator = Driven(tmp_path, monkeypatch, [], [GroupStarted(7)]), Coordinator()
    with driven.made as entered:
        assert entered is driven.made
        entered.run(coordinator)  # type: ignore[arg-type]
    assert coordinator.checks == 2
    assert driven.waits == [0, 0, 20.0, 20.0], "the group may leave, and then its trainer is waited for"
    assert len(driven.killed) == 1
    actor, task = driven.remotes
    assert actor == {"num_cpus": 0}
    assert (task["num_cpus"], task["max_retries"]) == (0, 0)
    assert task["runtime_env"]["env_vars"].keys() == ray_train._QUIET.keys()
    ((_, _, needs, folder),) = driven.started
    assert (needs, folder) == (TrialResources(1.0, 0.0, devices=2), str(tmp_path))
    assert driven.made.clock is None


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_a_group_ends_with_the_time_of_the_run(left: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven, coordinator = Driven(tmp_path, monkeypatch), Coordinator(seconds_left=left)
    with driven.made as entered:
        entered.run(coordinator)  # type: ignore[arg-type]
    assert coordinator.stopped == ["time"]
    assert driven.waits == [20.0], "no group leaves by itself"


def test_a_group_that_ends_without_a_reason_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(tmp_path, monkeypatch, [], ended=True)
    with driven.made as entered, pytest.raises(InfeasibleError, match="Ray Train ended the group and gives no reason"):
        entered.run(Coordinator())  # type: ignore[arg-type]
    assert len(driven.killed) == 1


def test_a_ray_that_is_shut_down_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(tmp_path, monkeypatch, [GroupStarted(7)])
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with driven.made as entered:
        entered.run(Coordinator())  # type: ignore[arg-type]
    assert driven.waits == [0, 20.0]
