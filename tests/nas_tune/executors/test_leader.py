"""What the driver of a group does when it begins, trains, fails and dies, told by hand instead of by Ray."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.errors import InfeasibleError
from nas_tune.executors.job import Job, trial_folder
from nas_tune.executors.mailbox import GroupDied, GroupStarted, Mailbox, Order, OrderDone
from nas_tune.executors.ray_train import Leader
from tests.nas_tune.runs import Setup
from tests.toys import Climber
from trainables.trial.session import Failure, Outcome

GOOD, LAST = Outcome(1, {"accuracy": 0.5}), Outcome(2, {"accuracy": 0.6}, finished=True)


class Driven:
    """A leader of three trials of two epochs, and the orders that it gave."""

    def __init__(self, folder: Path) -> None:
        self.orders: list[Order | None] = []
        self.coordinator = Setup(folder, max_trials=3, max_epochs=2, max_retries=1).open()
        mailbox: Any = SimpleNamespace(post_order=SimpleNamespace(remote=self._given))
        self.leader = Leader(self.coordinator, Job(Climber, {}, folder, 2, epoch_timeout=9.0), mailbox)

    def _given(self, group: int, number: int, order: Order | None) -> None:
        self.orders.append(order)

    def receive(self, *words: GroupStarted | OrderDone | GroupDied) -> None:
        for word in words:
            self.leader.receive(word)

    @property
    def trials(self) -> list[int | None]:
        """That of each order; None lets the group leave."""
        return [None if order is None else order.trial for order in self.orders]

    @property
    def states(self) -> list[str]:
        return [record.state for record in self.coordinator.state.trials.values()]


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    return Driven(tmp_path)


def did(group: int, number: int, outcome: Outcome) -> OrderDone:
    return OrderDone(group, number, outcome, "here")


def failed(message: str) -> Outcome:
    return Outcome(1, {}, finished=True, failure=Failure("error", message))


def test_one_group_trains_trial_after_trial_and_then_leaves(driven: Driven) -> None:
    driven.receive(GroupStarted(7))
    for number in range(6):
        assert not driven.leader.done
        driven.receive(did(7, number, LAST if number % 2 else GOOD))
    assert driven.trials == [0, 0, 1, 1, 2, 2, None]
    assert driven.leader.done
    assert driven.leader.leaving
    assert driven.states == ["complete"] * 3


def test_a_failure_ends_the_trial_and_the_next_group_begins_with_another_one(driven: Driven) -> None:
    driven.receive(
        GroupStarted(7), did(7, 0, failed("it was I")), did(7, 0, failed("I too")), GroupDied("process 1: it was I")
    )
    assert driven.states == ["failed", "running"]
    assert driven.coordinator.state.trials[0].message == "it was I"
    driven.receive(GroupStarted(8), did(7, 1, GOOD))
    assert driven.trials == [0, 1]
    assert driven.coordinator.state.trials[1].worker_losses == 0


def test_after_the_last_failure_no_group_is_waited_for(driven: Driven) -> None:
    for group in range(3):
        driven.receive(GroupStarted(group), did(group, 0, failed("no")))
    assert driven.leader.done
    assert not driven.leader.leaving


def test_a_dead_process_costs_an_epoch_and_one_too_many_the_trial(driven: Driven) -> None:
    driven.receive(GroupStarted(7), did(7, 0, GOOD), GroupDied("killed"), GroupStarted(8))
    assert driven.trials == [0, 0, 0]
    # The checkpoint's epoch is known already.
    driven.receive(did(8, 0, GOOD), GroupDied("killed again"), GroupStarted(9))
    assert driven.states == ["failed", "running"]
    assert "died 2 times, at last: killed again" in str(driven.coordinator.state.trials[0].message)
    assert driven.trials == [0, 0, 0, 0, 1]


def test_a_process_that_hung_fails_its_trial_with_the_place(driven: Driven, tmp_path: Path) -> None:
    folder = trial_folder(tmp_path, 0)
    folder.mkdir(parents=True)
    (folder / "timeout-0.txt").touch()
    (folder / "timeout-1.txt").write_text("in step")
    driven.receive(GroupStarted(7), GroupDied("killed"))
    record = driven.coordinator.state.trials[0]
    assert (record.failure, record.traceback) == ("timeout", "in step")
    assert not list(folder.iterdir())


def test_groups_that_never_begin_end_the_run(driven: Driven) -> None:
    driven.receive(GroupDied("no such module"))
    driven.receive(GroupStarted(7), did(7, 0, failed("x")), GroupDied("x"), GroupDied("no such module"))
    with pytest.raises(
        InfeasibleError, match="the group of workers failed to start 2 times, the last time with: no such module"
    ):
        driven.receive(GroupDied("no such module"))


def test_the_mailbox_keeps_messages_and_orders_until_they_are_asked_for() -> None:
    async def told() -> tuple[Any, ...]:
        mailbox = Mailbox()
        waiting = asyncio.create_task(mailbox.order(7, 1))
        nothing = await mailbox.receive(0.01)
        await mailbox.send(GroupStarted(7))
        await mailbox.send(GroupDied("x"))
        both = await mailbox.receive(1.0)
        for number in range(2):
            await mailbox.post_order(7, number, Order(number, {}, 0))
        return nothing, both, await waiting, await mailbox.order(7, 0)

    nothing, both, second, first = asyncio.run(told())
    assert (nothing, both) == ([], [GroupStarted(7), GroupDied("x")])
    assert [first, second] == [Order(0, {}, 0), Order(1, {}, 0)]
