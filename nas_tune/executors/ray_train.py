"""The executor for architectures that several devices train together: one group of Ray Train's workers for all trials.

A `TorchTrainer` starts the group, and restarts it when it dies. It decides nothing else: the group gets an order for
each epoch from the coordinator, through a mailbox. One group serves all trials of a session, because a start takes
seconds. The trainer runs in a Ray task, so that this process stays free for signals and can end the group at any time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError

from nas_tune.coordination.coordinator import Assignment, Coordinator
from nas_tune.errors import InfeasibleError
from nas_tune.executors.job import Job, trial_folder
from nas_tune.executors.mailbox import GroupDied, GroupStarted, Mailbox, Message, Order, OrderDone
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_cluster import TrialResources, cluster
from nas_tune.executors.watchdog import Watchdog
from search_spaces import Space

__all__ = ["Leader", "RayTrainExecutor"]

_LISTEN_SECONDS = 0.2
_LEAVE_SECONDS = 20.0
_QUIET = {
    "RAY_TRAIN_V2_ENABLED": "1",
    # A dead worker is noticed within this time.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    # The processes that wait for a dead one get this time to leave before they are ended.
    "TORCH_PROCESS_GROUP_SHUTDOWN_TIMEOUT_S": "5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_TRAIN_ENABLE_CONTROLLER_STRUCTURED_LOGGING": "0",
    "RAY_TRAIN_ENABLE_WORKER_STRUCTURED_LOGGING": "0",
    # A node that is about to leave counts as gone: its trial continues from the last checkpoint.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


class RayTrainExecutor:
    """Runs trials one after another, each on `resources.devices` devices together, here or on a cluster.

    Args:
        job: what every trial runs; its trainable is `Parallel`.
        space: of the architectures.
        resources: of one trial; cpus and gpus are those of each device.
        address: of a running cluster, "auto" for that of this machine; None starts Ray here.

    Raises:
        ConfigError: the job is too large to ship to workers.
        InfeasibleError: on entering: no cluster answers, or not one trial fits it; later: no group can be started.
    """

    clock = None

    def __init__(self, job: Job, space: Space, resources: TrialResources, address: str | None = None) -> None:
        self._job, self._parcel, self._resources = job, Parcel.of(job, space), resources
        self._cluster, self._ray_stays = cluster(address, 1, resources), False

    def __enter__(self) -> Self:
        self._ray_stays = ray.is_initialized()
        self._cluster.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.__exit__(kind, error, trace)

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more.

        Args:
            coordinator: assigns the trials and takes their reports.

        Raises:
            InfeasibleError: no group of workers can be started, or Ray Train ended the group without a reason.
        """
        # An exception out of a signal handler becomes a SystemError in Ray's compiled core.
        with coordinator.interrupts.shield(), self._group() as (mailbox, trainer):
            leader = Leader(coordinator, self._job, mailbox)
            while not leader.done:
                coordinator.interrupts.check()
                if coordinator.seconds_left <= 0:
                    # The processes wait for each other's gradients: none of them can leave its epoch alone.
                    coordinator.stop("time")
                    break
                for message in _get(mailbox.receive.remote(_LISTEN_SECONDS)):
                    leader.receive(message)
                if ray.wait([trainer], timeout=0)[0] and not leader.done:
                    _get(trainer)
                    raise InfeasibleError("Ray Train ended the group and gives no reason; resume the run")
            if leader.leaving:
                ray.wait([trainer], timeout=_LEAVE_SECONDS)

    @contextmanager
    def _group(self) -> Iterator[tuple[ActorHandle[Mailbox], ray.ObjectRef[None]]]:
        """A mailbox, and the task that starts groups. Both end with the block, and the group with them."""
        actor: Any = ray.remote(num_cpus=0)(Mailbox)
        mailbox: ActorHandle[Mailbox] = actor.remote()
        environment = {"env_vars": {name: os.environ.get(name, value) for name, value in _QUIET.items()}}
        task = ray.remote(num_cpus=0, max_retries=0, runtime_env=environment)(_keep_going)
        trainer = task.remote(mailbox, self._parcel, self._resources, str(self._job.run_folder))
        try:
            yield mailbox, trainer
        finally:
            # `ray.cancel` would end this process too, where the task is just ending.
            ray.kill(mailbox)
            if self._ray_stays:
                # Where Ray is shut down, the trainer ends with it.
                ray.wait([trainer], timeout=_LEAVE_SECONDS)


def _keep_going(mailbox: ActorHandle[Mailbox], parcel: Parcel, needs: TrialResources, folder: str) -> None:
    """Import `ray_trainer` in the task only: the import takes a second and half a gigabyte."""
    from nas_tune.executors.ray_trainer import keep_going

    keep_going(mailbox, parcel, needs, folder)


class Leader:
    """Gives the coordinator's assignments to the group as orders, and the group's outcomes to the coordinator.

    Its `done` is True when there is nothing more to train, `leaving` when a group has the order to leave.

    Args:
        coordinator: assigns the trials and takes their reports.
        job: what every trial runs.
        mailbox: takes the orders.
    """

    def __init__(self, coordinator: Coordinator, job: Job, mailbox: ActorHandle[Mailbox]) -> None:
        self._coordinator, self._job, self._mailbox = coordinator, job, mailbox
        self._group: int | None = None
        self._number = self._false_starts = 0
        self._assignment: Assignment | None = None
        self._at_work = False
        self.done = self.leaving = False

    def receive(self, message: Message) -> None:
        """Take in one message.

        Args:
            message: of the group.

        Raises:
            InfeasibleError: group after group dies before it has begun.
        """
        match message:
            case GroupStarted():
                self._group, self._number, self._false_starts = message.group, 0, 0
                self._give_order()
            case OrderDone() if (message.group, message.number) == (self._group, self._number):
                self._take(message)
            case GroupDied():
                self._lose(message.reason)

    def _take(self, done: OrderDone) -> None:
        # Of several processes that fail, the first one ends the trial.
        if self._assignment is None or not self._at_work:
            return
        if not self._coordinator.report(self._assignment.trial, done.outcome, done.node):
            self._assignment = None
        if done.outcome.failure is None:
            self._number += 1
            self._give_order()
        else:
            # The processes are not at the same place any more. They get no order: Ray Train ends them.
            self._at_work = False
            self._look_ahead()

    def _give_order(self) -> None:
        self._look_ahead()
        self._at_work, self.leaving, some = not self.done, self.done, self._assignment
        order = None if some is None else Order(some.trial, some.architecture.tree, some.seed)
        self._mailbox.post_order.remote(self._group, self._number, order)

    def _look_ahead(self) -> None:
        if self._assignment is None:
            self._assignment = self._coordinator.ask()
        self.done = self._assignment is None

    def _lose(self, reason: str) -> None:
        if self._group is None:
            self._count_false_start(reason)
        elif self._at_work and self._assignment is not None and not self._goes_on(self._assignment.trial, reason):
            self._assignment = None
            self._look_ahead()
        self._group, self._at_work = None, False

    def _count_false_start(self, reason: str) -> None:
        self._false_starts += 1
        if self._false_starts > self._coordinator.budget.max_retries:
            raise InfeasibleError(
                f"the group of workers failed to start {self._false_starts} times, the last time with: {reason}; "
                "check the cluster, then resume the run"
            )

    def _goes_on(self, trial: int, reason: str) -> bool:
        """Whether another group continues the trial from its last checkpoint."""
        hung = Watchdog(trial_folder(self._job.run_folder, trial), self._job.epoch_timeout).found()
        return self._coordinator.lost(trial, reason) if hung is None else self._coordinator.report(trial, hung)


def _get(reference: ray.ObjectRef[Any]) -> Any:
    try:
        return ray.get(reference)
    except RayError as error:
        # Ray's text begins with the place; its last line is the reason.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = (lines or [type(error).__name__])[-1][:300]
        raise InfeasibleError(
            f"the group of workers failed: {reason}; check the cluster, then resume the run"
        ) from error
