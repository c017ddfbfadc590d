"""What a run begins with: architectures that are tried first, and what other runs found."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import nas_tune
import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.ledger import Enqueued, Event, Known, Ledger
from nas_tune.session.warm_start import enqueued
from search_spaces import Architecture, Space, choice
from tests import toys
from tests.nas_tune.logs import EPOCHS, Log, opened, run
from tests.nas_tune.runs import epoch, table

NB201 = search_spaces.get("nb201")


def search(folder: Path, trained: Any = toys.climb, space: Any = "nb201", **more: Any) -> nas_tune.Run:
    keys = {"strategy": "random", "scheduler": "none", "max_trials": 6, "max_epochs": 3, **more}
    return nas_tune.search(space, trained, executor="inline", run_dir=folder, **keys)


def notes(found: nas_tune.Run) -> list[str]:
    return [text for _, text in found.state.notes]


def trees(found: nas_tune.Run) -> list[Any]:
    return [json.loads(text) for text in found.trials()["architecture"]]


# The queue


def test_what_is_enqueued_is_tried_first_in_its_order(tmp_path: Path) -> None:
    wanted = [NB201.sample(seed) for seed in (31, 32, 33)]
    row = {"trial": 7, "architecture": wanted[1].to_json()}
    found = search(tmp_path / "run", enqueue=[wanted[0], row, wanted[2].tree, wanted[0].tree], max_trials=4)
    assert trees(found)[:3] == [made.tree for made in wanted]
    assert notes(found) == ["enqueue[3] is not tried again: it is enqueue[0] too"]
    again = NB201.sample(34)
    more = nas_tune.resume(tmp_path / "run", max_trials=6, enqueue=[wanted[2], again])
    assert trees(more)[4] == again.tree
    assert notes(more)[1:] == ["enqueue[0] is not tried again: a trial has tried it already"]


def test_what_the_budget_has_no_room_for_is_said_and_waits(tmp_path: Path) -> None:
    wanted = [NB201.sample(seed) for seed in (31, 32, 33)]
    found = search(tmp_path / "run", enqueue=wanted, max_trials=2)
    assert notes(found) == ["max_trials = 2 has room for 2 of the 3 enqueued architectures"]
    assert trees(nas_tune.resume(tmp_path / "run", max_trials=3)) == [made.tree for made in wanted]


def test_what_is_no_member_is_refused_with_its_place_before_anything_starts(tmp_path: Path) -> None:
    bad = {**NB201.sample(1).tree, "edge_0_1": "nor_conv_9x9"}
    with pytest.raises(ConfigError, match=r"enqueue\[1\]: .*edge_0_1.*nor_conv_9x9"):
        search(tmp_path / "run", enqueue=[NB201.sample(2), bad])
    assert not (tmp_path / "run").exists()
    search(tmp_path / "run", max_trials=1)
    with pytest.raises(ConfigError, match=r"enqueue\[0\]: "):
        nas_tune.resume(tmp_path / "run", max_trials=2, enqueue=[bad])
    assert len(nas_tune.open_run(tmp_path / "run").trials()) == 1


def test_a_decision_may_be_called_architecture() -> None:
    space = Space({"architecture": choice("a", "b")})
    assert enqueued(space, [{"architecture": "b"}]) == [
        Enqueued({"architecture": "b"}, space.validate({"architecture": "b"}).id)
    ]
    with pytest.raises(ConfigError, match=r"enqueue\[0\]"):
        enqueued(NB201, [{"architecture": "{torn"}])


def first_events() -> list[Event]:
    """Twenty trials of another run, five of them to try first."""
    queue = [Enqueued((made := NB201.sample(seed)).tree, made.id) for seed in range(100, 106)]
    known = []
    for number in range(20):
        made = NB201.sample(100 + number)
        value = 3.0 + 2.0 * toys.quality(made)
        known.append(Known("other", number, made.tree, made.id, "complete", [[4, value - 1.0], [EPOCHS, value]]))
    return [*known, *queue]


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "scheduler", "batch"), [("tpe", "asha", None), ("evolution", "asha_promote", 4)])
def test_killed_after_any_transaction_it_ends_as_if_it_had_not_been(
    strategy: str, scheduler: str, batch: int | None
) -> None:
    whole = Log()
    whole.append(*first_events())
    expected = run(opened(whole, strategy, scheduler, batch=batch, trials=14), 1)
    assert [record.ask for record in expected.state.trials.values()][:6] == list(range(20, 26))
    assert not expected.state.queue
    for end in whole.ends[:-1:9]:
        again = run(opened(whole.cut(end), strategy, scheduler, batch=batch, trials=14), 1)
        assert table(again.state) == table(expected.state)


def test_many_workers_find_the_same_with_batches() -> None:
    one, four = (Log(), Log())
    for log in (one, four):
        log.append(*first_events())
    ran = [run(opened(log, "tpe", batch=8, trials=20), workers) for log, workers in ((one, 1), (four, 4))]
    assert table(ran[0].state) == table(ran[1].state)


# Warm starts


def stepwise(architecture: Architecture, max_epochs: int = 3) -> Iterator[dict[str, float]]:
    for number in range(1, max_epochs + 1):
        yield {"accuracy": toys.quality(architecture) * number / max_epochs, "loss": 1.0 / number}


def test_the_strategy_knows_the_trials_of_another_run_and_the_best_are_tried_first(tmp_path: Path) -> None:
    prior = search(tmp_path / "prior", stepwise, max_trials=12)
    found = search(tmp_path / "run", stepwise, warm_start=[prior], max_epochs=6, max_trials=7)
    best = [json.loads(text) for text in prior.best(4)["architecture"]]
    ranked = [json.loads(text) for text in prior.best(12)["architecture"]]
    assert trees(found)[:5] == [*best[:2], ranked[6], *best[2:4]]
    assert notes(found) == [f"the strategy knows 12 trials of {prior.path}"]
    assert (len(found.trials()), found.state.asked) == (7, 7)
    assert found.config.warm_start == (str(prior.path),)
    # The other run is not needed any more.
    prior.path.rename(tmp_path / "moved")
    assert len(nas_tune.resume(tmp_path / "run", max_trials=8).trials()) == 8


def test_what_is_known_counts_at_equal_shares_of_a_training_and_moves_to_the_scale_of_this_run() -> None:
    made = [NB201.sample(seed) for seed in range(5)]
    log = Log()
    curves = [[[3, 10.0 + place], [9, 20.0 + place]] for place in range(5)]
    log.append(*(Known("o", n, a.tree, a.id, "complete", c) for n, (a, c) in enumerate(zip(made, curves, strict=True))))
    log.append(*(Enqueued(one.tree, one.id) for one in made[:3]))
    coordinator = opened(log, scheduler="none", batch=None)

    def shown() -> list[float | None]:
        return [trial.value for trial in coordinator._proposer._study.get_trials()[:5]]

    assert shown() == [20.0, 21.0, 22.0, 23.0, 24.0]
    for place in range(3):
        begun = coordinator.ask()
        assert begun is not None
        assert begun.architecture.id == made[place].id
        coordinator.report(begun.trial, epoch(3, (10.0 + place) / 100))
    coordinator.ask()
    assert shown() == pytest.approx([0.20, 0.21, 0.22, 0.23, 0.24])
    for place in range(3):
        coordinator.report(place, epoch(9, 0.5 - place / 100))
    coordinator.ask()
    # The other way round: it says nothing of this task.
    assert {trial.state.name for trial in coordinator._proposer._study.get_trials()[:5]} == {"FAIL"}
    assert coordinator.state.counts["complete"] == 0


def test_what_teaches_nothing_is_refused_before_anything_starts(tmp_path: Path) -> None:
    prior = search(tmp_path / "prior", stepwise, max_trials=2)
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"metric": "acuracy", "mode": "max"}, ConfigError, r"no 'acuracy'; did you mean 'accuracy'\?.*accuracy, loss"),
        ({"space": toys.tiny_space()}, ConfigError, "none of its 2 finished trials is a member of this space"),
        ({"warm_start": [tmp_path / "nowhere"]}, ConfigError, "nowhere holds no run: there is no such folder"),
        ({"warm_start": tmp_path / "nowhere"}, ConfigError, "nowhere holds no run: there is no such folder"),
        ({"warm_start": [toys.tiny_space()]}, ConfigError, r"warm_start: got a Space; .*space.from_params"),
    ]
    for keys, error, said in cases:
        with pytest.raises(error, match=said):
            search(tmp_path / "run", stepwise, **{"warm_start": [prior], **keys})
    assert not (tmp_path / "run").exists()


def test_another_metric_of_the_other_run_may_be_the_one_and_strangers_are_counted(tmp_path: Path) -> None:
    small = Space({"op": choice("a", "b", "c", "d"), "wide": choice(True, False)}, name="tiny")
    prior = search(tmp_path / "prior", stepwise, small, max_trials=8)
    found = search(
        tmp_path / "run",
        stepwise,
        toys.tiny_space(),
        warm_start=[prior],
        warm_start_trials=0,
        metric="loss",
        mode="min",
        max_trials=1,
    )
    assert notes(found) == [
        f"the strategy knows 6 trials of {prior.path}; 2 others are not members of this space",
    ]
    with closing(Ledger.open(found.path, readonly=True)) as ledger:
        curves = [event.curve for event, _ in ledger.events() if isinstance(event, Known)]
    assert curves == [[[1, 1.0], [2, 0.5], [3, 1 / 3]]] * 6


def reached(prior: list[Event], sign: float, seed: int) -> float:
    """The best quality of 9 trials, on a task whose accuracy is the quality by another scale."""

    def training(architecture: Architecture) -> Iterator[dict[str, float]]:
        yield {"accuracy": 60 + sign * 20 * toys.quality(architecture), "cost_seconds": 1.0}

    log = Log()
    if prior:
        log.append(*prior)
    coordinator = opened(log, "tpe", "none", batch=None, trials=9, seed=seed)
    run(coordinator, 1, training)
    return max(sign * toys.quality(NB201.validate(trial.tree)) for trial in coordinator.state.trials.values())


def prior_of(seed: int) -> list[Event]:
    made = {one.id: one for one in (NB201.sample(1000 * seed + number) for number in range(40))}.values()
    known = [Known("o", n, a.tree, a.id, "complete", [[1, toys.quality(a)]]) for n, a in enumerate(made)]
    ranked = sorted(known, key=lambda one: -one.curve[-1][1])
    first = [*ranked[:2], ranked[20], *ranked[2:4]]
    return [*known, *(Enqueued(one.tree, one.id) for one in first)]


@pytest.mark.slow
def test_a_task_alike_is_searched_sooner_on_whatever_scale_and_one_unlike_is_not_ruined() -> None:
    seeds = range(12)
    for sign, better in ((1.0, 0.03), (-1.0, -0.1)):
        warm = statistics.mean(reached(prior_of(seed), sign, seed) for seed in seeds)
        cold = statistics.mean(reached([], sign, seed) for seed in seeds)
        assert warm > cold + better


def test_several_objectives_have_no_one_scale(tmp_path: Path) -> None:
    search(tmp_path / "prior", max_trials=2)
    with pytest.raises(ConfigError, match="2 objectives"):
        search(tmp_path / "run", warm_start=[tmp_path / "prior"], metric=["accuracy", "size"], mode=["max", "min"])
