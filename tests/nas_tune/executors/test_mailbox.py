"""The mailbox of a group, without Ray: every message once, and every order to each process that asks for it."""

from __future__ import annotations

import asyncio
import time

import pytest

from nas_tune.executors.mailbox import GroupDied, GroupStarted, Mailbox, Order

FIRST, SECOND = Order(0, {"op": "a"}, 1), Order(1, {"op": "b"}, 2)


def test_messages_come_once_and_in_order() -> None:
    async def exchange() -> list[list[object]]:
        box = Mailbox()
        await box.send(GroupStarted(7))
        await box.send(GroupDied("no"))
        both = await box.receive(5.0)
        begun = time.monotonic()
        none = await box.receive(0.05)
        assert 0.04 < time.monotonic() - begun < 2
        return [[*both], [*none]]

    assert asyncio.run(exchange()) == [[GroupStarted(7), GroupDied("no")], []]


def test_a_driver_that_waits_is_woken_by_the_first_message() -> None:
    async def exchange() -> list[object]:
        box = Mailbox()
        waiting = asyncio.create_task(box.receive(30.0))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await box.send(GroupStarted(7))
        return [*await asyncio.wait_for(waiting, 5)]

    assert asyncio.run(exchange()) == [GroupStarted(7)]


def test_every_process_gets_the_order_for_which_it_waits() -> None:
    async def exchange() -> list[Order | None]:
        box = Mailbox()
        waiting = [asyncio.create_task(box.order(7, number)) for number in (0, 0, 1)]
        await asyncio.sleep(0.01)
        await box.post_order(7, 0, FIRST)
        found = [await asyncio.wait_for(one, 5) for one in waiting[:2]]
        assert not waiting[2].done()
        await box.post_order(7, 1, None)
        return [*found, await asyncio.wait_for(waiting[2], 5), await box.order(7, 0)]

    assert asyncio.run(exchange()) == [FIRST, FIRST, None, FIRST]


def test_orders_of_an_earlier_group_are_dropped() -> None:
    async def exchange() -> Order | None:
        box = Mailbox()
        await box.post_order(7, 0, FIRST)
        await box.post_order(8, 0, SECOND)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.order(7, 0), 0.02)
        return await box.order(8, 0)

    assert asyncio.run(exchange()) == SECOND


def test_the_end_of_a_mailbox_is_waited_for() -> None:
    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Mailbox().closed(), 0.02)

    asyncio.run(wait())
