"""The processes that train one architecture together, as workers of Ray Train, and how they get their orders.

Every process carries out the same orders, one epoch each, and its session of the trial makes the epoch an `Outcome`.
Process 0 sends its outcomes to the driver, and writes the checkpoints that all processes load. A training that fails
in one process leaves the others waiting for gradients: the process that failed sends its outcome first and then
raises, so that Ray Train ends the whole group and starts another one. Messages pass through the `Mailbox`.
"""

from __future__ import annotations

import random
from typing import Any, cast

import ray
import torch
from ray.actor import ActorHandle

from nas_tune.executors.job import Job, advance, trial_folder
from nas_tune.executors.mailbox import GroupStarted, Mailbox, Order, OrderDone
from nas_tune.executors.parcel import node_name
from nas_tune.executors.watchdog import Watchdog
from search_spaces import Space
from trainables.protocol import is_parallel
from trainables.training.parallel import Group
from trainables.trial.session import TrialSession

__all__ = ["GroupEndedError", "take_part"]

_LARGEST_NAME = 2**62


class GroupEndedError(RuntimeError):
    """Raised in one process to end its whole group; the message is the reason."""


def take_part(config: dict[str, Any]) -> None:
    """Carry out orders, in each process of a group, until the driver lets the process leave.

    Args:
        config: `mailbox`, the handle of the `Mailbox`; `parcel`, with the job and the space.

    Raises:
        GroupEndedError: the group cannot continue. The mailbox has the reason, unless another process is the reason.
    """
    member = _Member(config["mailbox"], *config["parcel"].unpack())
    number = 0
    while (order := member.order(number)) is not None:
        member.carry_out(number, order)
        number += 1


class _Member:
    """One process of the group."""

    def __init__(self, mailbox: ActorHandle[Mailbox], job: Job, space: Space) -> None:
        self._mailbox, self._job, self._space = mailbox, job, space
        self._group, self._node = Group.here(), node_name()
        self._trainable = job.trainable()
        if is_parallel(self._trainable):
            self._trainable.join(self._group)
        self._trial: int | None = None
        self._session: TrialSession | None = None
        self._name = _agreed_name(self._group)
        if self._group.rank == 0:
            ray.get(mailbox.send.remote(GroupStarted(self._name)))

    def order(self, number: int) -> Order | None:
        """Wait for the order with this number."""
        order: Any = ray.get(self._mailbox.order.remote(self._name, number))
        return cast("Order | None", order)

    def carry_out(self, number: int, order: Order) -> None:
        """Train one epoch. Process 0 sends its outcome, and so does any process that fails."""
        session = self._session_of(order)
        folder = trial_folder(self._job.run_folder, order.trial)
        watchdog = Watchdog(folder, self._job.epoch_timeout, self._group.rank)
        with watchdog.watching():
            outcome = advance(session)
        failure = outcome.failure
        if failure is not None and failure.kind == "lost":
            raise GroupEndedError(failure.message)
        if failure is not None or self._group.rank == 0:
            ray.get(self._mailbox.send.remote(OrderDone(self._name, number, outcome, self._node)))
        if failure is not None:
            raise GroupEndedError(f"trial {order.trial} ended in process {self._group.rank}: {failure.message}")

    def _session_of(self, order: Order) -> TrialSession:
        if self._session is None or self._trial != order.trial:
            self._trial, architecture = order.trial, self._space.validate(order.architecture)
            writes = self._group.rank == 0
            self._session = self._job.session(self._trainable, order.trial, architecture, order.seed, writes=writes)
        return self._session


def _agreed_name(group: Group) -> int:
    """A number that no other group has. Agreeing on it also shows that the processes can reach one another."""
    name = torch.tensor(random.SystemRandom().randrange(_LARGEST_NAME))
    group.equalize_([name])
    return int(name)
