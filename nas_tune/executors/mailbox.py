"""The mailbox through which the driver and the processes of a group exchange messages. It is a Ray actor."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from trainables.trial.session import Outcome

__all__ = ["GroupDied", "GroupStarted", "Mailbox", "Message", "Order", "OrderDone"]


@dataclass(frozen=True)
class Order:
    """Train one more epoch of a trial. The first order of a trial continues from its last checkpoint.

    Attributes:
        trial: the number of the trial.
        architecture: its tree, plain JSON.
        seed: of the training.
    """

    trial: int
    architecture: Any
    seed: int


@dataclass(frozen=True)
class GroupStarted:
    """A group is ready and waits for its first order.

    Attributes:
        group: the group's number.
    """

    group: int


@dataclass(frozen=True)
class OrderDone:
    """The result of an order in one process of a group.

    Attributes:
        group: the group's number.
        number: the order's number in this group, from 0.
        outcome: the result of the epoch.
        node: the node on which the process runs.
    """

    group: int
    number: int
    outcome: Outcome
    node: str


@dataclass(frozen=True)
class GroupDied:
    """A group has ended, and Ray Train starts another one.

    Attributes:
        reason: why it ended, in one line.
    """

    reason: str


Message = GroupStarted | OrderDone | GroupDied


class Mailbox:
    """Keeps the messages of the processes for the driver, and the orders of the driver for the processes."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._orders: dict[tuple[int, int], Order | None] = {}
        self._changed = asyncio.Condition()

    async def closed(self) -> None:
        """Wait for the end of the mailbox. This never returns: the caller gets Ray's error when the mailbox is gone."""
        await asyncio.Event().wait()

    async def send(self, message: Message) -> None:
        """Keep a message for the driver.

        Args:
            message: what happened in a group.
        """
        async with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    async def receive(self, seconds: float) -> list[Message]:
        """Take the messages out, and wait for the first one where there is none yet.

        Args:
            seconds: the longest wait, in seconds.

        Returns:
            The messages since the last call, in their order; empty after a wait in vain.
        """
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: bool(self._messages)), seconds)
            messages, self._messages = self._messages, []
            return messages

    async def post_order(self, group: int, number: int, order: Order | None) -> None:
        """Give an order to all processes of a group. The orders of earlier groups are dropped.

        Args:
            group: the group's number.
            number: the order's number in this group, from 0.
            order: what to train; None lets the processes leave.
        """
        async with self._changed:
            self._orders = {key: kept for key, kept in self._orders.items() if key[0] == group}
            self._orders[group, number] = order
            self._changed.notify_all()

    async def order(self, group: int, number: int) -> Order | None:
        """Wait for an order of the driver.

        Args:
            group: the group's number.
            number: the order's number in this group, from 0.

        Returns:
            What to train; None where the process may leave.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: (group, number) in self._orders)
            return self._orders[group, number]
