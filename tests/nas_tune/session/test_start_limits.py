"""What a run with limits begins with: no architecture over a limit is tried first, and the user hears why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nas_tune
from nas_tune.ledger import Known, Ledger
from search_spaces import Space, choice

SPACE = Space({"a": choice(*range(8)), "b": choice(*range(8))}, name="sums")


def weight(architecture: Any) -> float:
    return float(architecture["a"] + architecture["b"])


def train(architecture: Any, seed: int = 0) -> Iterator[dict[str, float]]:
    """Heavier is better."""
    yield {"accuracy": weight(architecture) / 20, "recall": 1 - architecture["a"] / 10}


train.costs = {"weight": weight}  # type: ignore[attr-defined]


def search(folder: Path, **more: Any) -> nas_tune.Run:
    config = {"strategy": "random", "scheduler": "none", "max_trials": 8, "max_epochs": 1, "executor": "inline"}
    return nas_tune.search(SPACE, train, run_dir=folder, **{**config, **more})


def notes(run: nas_tune.Run) -> list[str]:
    return [text for _, text in run.state.notes if "random architectures" not in text]


def test_an_enqueued_architecture_over_a_limit_is_refused_with_value_and_limit(tmp_path: Path) -> None:
    wanted = [{"a": 7, "b": 6}, {"a": 1, "b": 0}]
    run = search(tmp_path / "run", limits={"weight": "<= 4"}, enqueue=wanted)
    assert run.tree(0) == {"a": 1, "b": 0}
    assert "enqueue[0] is refused: weight is 13; the limit is weight <= 4" in notes(run)
    refused = run.refused()
    assert refused[["rung", "quantity", "value", "bound"]].iloc[0].tolist() == ["counted", "weight", 13.0, 4.0]


def test_a_resume_refuses_what_its_new_limit_excludes(tmp_path: Path) -> None:
    search(tmp_path / "run", max_trials=2, limits={"weight": "<= 12"})
    more = nas_tune.resume(
        tmp_path / "run", trainable=train, max_trials=4, limits={"weight": "<= 3"}, enqueue=[{"a": 4, "b": 4}]
    )
    assert "enqueue[0] is refused: weight is 8; the limit is weight <= 3" in notes(more)
    assert {"a": 4, "b": 4} not in [more.tree(trial) for trial in (2, 3)]


def test_trials_of_another_run_that_break_a_limit_are_known_and_not_tried_first(tmp_path: Path) -> None:
    search(tmp_path / "free", max_trials=30)
    run = search(tmp_path / "bound", limits={"weight": "<= 5"}, warm_start=[str(tmp_path / "free")], max_trials=4)
    assert max(weight(run.tree(trial)) for trial in range(4)) <= 5
    with closing(Ledger.open(tmp_path / "bound", readonly=True)) as ledger:
        known = [event for event, _ in ledger.events() if isinstance(event, Known)]
    assert len(known) == 30
    assert all(event.costs == {"weight": weight(event.tree)} for event in known)
    over = sum(weight(event.tree) > 5 for event in known)
    assert any(f"{over} of them break a limit and are not tried first" in text for text in notes(run))
    assert weight(run.tree(0)) == max(w for event in known if (w := weight(event.tree)) <= 5), (
        "the best that is allowed"
    )


def test_a_limit_on_a_metric_holds_for_the_reports_of_another_run(tmp_path: Path) -> None:
    search(tmp_path / "free", max_trials=30)
    run = search(tmp_path / "bound", limits={"recall": ">= 0.7"}, warm_start=[str(tmp_path / "free")], max_trials=2)
    assert run.tree(0)["a"] <= 3


def test_a_strategy_that_learns_from_another_run_stays_within_the_limit(tmp_path: Path) -> None:
    search(tmp_path / "free", max_trials=30)
    run = search(
        tmp_path / "bound",
        strategy={"name": "tpe", "startup": 4},
        limits={"weight": "<= 5"},
        warm_start=[str(tmp_path / "free")],
        max_trials=12,
    )
    trials = run.trials()
    assert trials["weight"].max() <= 5
    assert trials["weight"].tail(6).mean() > 3, "it knows that heavier is better"


def test_a_function_that_counts_a_usual_cost_may_report_any_metric(tmp_path: Path) -> None:
    def counting(architecture: Any, seed: int = 0) -> Iterator[dict[str, float]]:
        yield from train(architecture, seed)

    counting.costs = {"parameters": weight}  # type: ignore[attr-defined]
    limits = {"parameters": 9, "recall": ">= 0.5"}
    run = nas_tune.search(
        SPACE, counting, limits=limits, max_trials=4, max_epochs=1, executor="inline", run_dir=tmp_path
    )
    assert run.best()["recall"].iloc[0] >= 0.5
    assert run.trials()["parameters"].max() <= 9
