"""The mailbox through which the driver and the processes of a group exchange messages: a Ray actor of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from trainables.trial.session import Outcome

__all__ = ["Begun", "Did", "Died", "Mailbox", "Order", "Word"]


@dataclass(frozen=True)
class Order:
    """Train one more epoch of a trial; the first one goes on from its last checkpoint."""

    trial: int
    architecture: Any
    seed: int


@dataclass(frozen=True)
class Begun:
    """A group is there and waits for its first order."""

    group: int


@dataclass(frozen=True)
class Did:
    """What the order of that number came to."""

    group: int
    number: int
    outcome: Outcome
    node: str


@dataclass(frozen=True)
class Died:
    """A group has ended, and Ray Train starts another one."""

    reason: str


Word = Begun | Did | Died


class Mailbox:
    """Where the driver and the processes leave word for one another."""

    def __init__(self) -> None:
        self._said: list[Word] = []
        self._orders: dict[tuple[int, int], Order | None] = {}
        self._changed = asyncio.Condition()

    async def closed(self) -> None:
        """Lasts as long as the mailbox: who asks gets an error when it is gone."""
        await asyncio.Event().wait()

    async def say(self, word: Word) -> None:
        """Something for the driver."""
        async with self._changed:
            self._said.append(word)
            self._changed.notify_all()

    async def received(self, seconds: float) -> list[Word]:
        """All that was said since the last call, in order; waits at most so many seconds for the first word."""
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: bool(self._said)), seconds)
            words, self._said = self._said, []
            return words

    async def give(self, group: int, number: int, order: Order | None) -> None:
        """An order for all processes of a group; None lets them leave."""
        async with self._changed:
            self._orders = {key: kept for key, kept in self._orders.items() if key[0] == group}
            self._orders[group, number] = order
            self._changed.notify_all()

    async def order(self, group: int, number: int) -> Order | None:
        """What to do, when it is known."""
        async with self._changed:
            await self._changed.wait_for(lambda: (group, number) in self._orders)
            return self._orders[group, number]
