"""Deterministic searches: with any number of workers, and killed anywhere, they find the same."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.proposer import Proposer
from nas_tune.ledger import Asked, Promoted, Reported
from nas_tune.schedulers import make as make_scheduler
from nas_tune.strategies import make as make_strategy
from tests import toys
from tests.nas_tune.logs import EPOCHS, Log, opened, run
from tests.nas_tune.runs import epoch, failure, table


def begun(log: Log) -> list[list[int]]:
    """The trials of each batch, in the order in which they were asked for."""
    batches: list[list[int]] = []
    closed = True
    for event, _ in log.events():
        if isinstance(event, Asked | Promoted):
            batches += [[]] if closed else []
            batches[-1].append(event.trial)
            closed = False
        closed = closed or isinstance(event, Reported)
    return batches


@pytest.mark.parametrize(
    ("strategy", "scheduler"),
    [
        ("random", "asha"),
        ("evolution", "hyperband"),
        ("tpe", "asha_promote"),
        ("tpe", "median"),
    ],
)
def test_one_worker_and_four_find_the_same(strategy: str, scheduler: str) -> None:
    logs = Log(), Log()
    one, four = (run(opened(log, strategy, scheduler), workers) for log, workers in zip(logs, (1, 4), strict=True))
    assert table(one.state) == table(four.state)
    assert one.stopping == four.stopping == "done"
    assert begun(logs[0]) == begun(logs[1])
    assert [len(batch) for batch in begun(logs[0])][:2] == [8, 8]
    # Not because there was nothing to decide, nor because the trials came in the same order.
    assert one.state.counts["pruned"]
    came = [[event for event, _ in log.events() if isinstance(event, Reported)] for log in logs]
    assert came[0] != came[1]


@pytest.mark.parametrize(("strategy", "scheduler"), [("evolution", "asha"), ("random", "asha_promote")])
def test_killed_after_any_transaction_it_ends_as_if_it_had_not_been(strategy: str, scheduler: str) -> None:
    whole = Log()
    expected = table(run(opened(whole, strategy, scheduler), 4).state)
    batches = begun(whole)
    ends = whole.ends[:-1]
    # All that happens while batches are formed, and every eighth of the many reports.
    kinds = [type(whole._events[end - 1][0]) for end in ends]
    chosen = [end for place, (end, kind) in enumerate(zip(ends, kinds, strict=True)) if kind is Asked or place % 8 == 0]
    assert sum(kind is Promoted for kind in kinds) > 0 or scheduler != "asha_promote"
    for end in chosen:
        log = whole.cut(end)
        assert table(run(opened(log, strategy, scheduler), 2).state) == expected
        assert begun(log) == batches


def test_a_batch_is_asked_for_at_once_and_the_next_after_its_last_trial() -> None:
    log = Log()
    coordinator = opened(log, scheduler="none", batch=3, trials=5)
    first = coordinator.ask()
    assert first is not None
    assert sum(isinstance(event, Asked) for event, _ in log.events()) == 3
    rest = [coordinator.ask(), coordinator.ask()]
    assert [made.trial for made in (first, *rest) if made] == [0, 1, 2]
    for trial in (2, 0):
        assert coordinator.ask() is None
        assert coordinator.stopping is None
        coordinator.report(trial, epoch(EPOCHS, finished=True))
    coordinator.report(1, epoch(EPOCHS, finished=True))
    last = [coordinator.ask() for _ in range(3)]
    assert [made and made.trial for made in last] == [3, 4, None]
    assert coordinator.stopping is None
    for trial in (3, 4):
        coordinator.report(trial, epoch(EPOCHS, finished=True))
    assert coordinator.ask() is None
    assert coordinator.stopping == "done"


def test_within_a_batch_nobody_is_stopped_by_another_and_in_the_next_all_that_came_before_counts() -> None:
    coordinator = opened(Log(), scheduler="asha", batch=3)
    for _ in range(3):
        coordinator.ask()
    assert all(coordinator.report(trial, epoch(1, value)) for trial, value in ((1, 0.9), (0, 0.2), (2, 0.1)))
    for trial in range(3):
        coordinator.report(trial, epoch(EPOCHS, 0.5, finished=True))
    for _ in range(3):
        coordinator.ask()
    assert [coordinator.report(trial, epoch(1, value)) for trial, value in ((3, 0.8), (5, 0.95), (4, 0.91))] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("order", [range(8), reversed(range(8))])
def test_a_search_that_fails_from_the_start_ends_after_its_batch(order: Any) -> None:
    coordinator = opened(Log())
    for _ in range(8):
        coordinator.ask()
    for trial in order:
        assert coordinator.stopping is None
        coordinator.report(trial, failure() if trial < 7 else epoch(EPOCHS, finished=True))
    assert coordinator.ask() is not None
    hopeless = opened(Log())
    for trial in range(8):
        hopeless.ask()
        hopeless.report(trial, failure())
    assert hopeless.ask() is None
    assert hopeless.stopping == "failed"


def test_a_small_space_is_searched_whole() -> None:
    space = toys.tiny_space()
    coordinator = Coordinator(
        Log(),
        space=space,
        proposer=Proposer(
            space, lambda seed: make_strategy("random", space, seed), seed=0, mode="max", metric="accuracy"
        ),
        scheduler=make_scheduler("asha", EPOCHS),
        objective=Objective("accuracy", "max"),
        budget=Budget(50, None, EPOCHS),
        seed=0,
        batch=4,
    )
    run(coordinator, 3)
    assert (len(coordinator.state.trials), coordinator.stopping) == (6, "exhausted")
