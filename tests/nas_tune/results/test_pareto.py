"""What a run of several objectives found: the front, the order behind it, and what other calls make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_tune.ledger import Asked, Ended, Event, Reported
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, make, mixed, trial

TWO = {"objectives": [["accuracy", "max"], ["parameters", "min"]]}


def two(number: int, epochs: list[tuple[float, float]], state: str | None = "complete") -> list[Event]:
    """A trial that reported these pairs of accuracy and parameters."""
    events: list[Event] = [Asked(number, number, mixed().sample(number).tree, f"{number:016x}", 0)]
    for epoch, (accuracy, parameters) in enumerate(epochs, 1):
        events.append(Reported(number, epoch, {"accuracy": accuracy, "parameters": parameters, "loss": 1.0}, 0.5))
    if state is not None:
        events.append(Ended(number, state, None if state == "failed" else epochs[-1][0]))
    return events


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The front is 0, 2, 3, 7 and the equal 8; 1 and 4 are behind it, 5 was stopped, 6 failed, 9 runs."""
    events = [
        *two(0, [(0.9, 90)] * 2),
        *two(1, [(0.4, 50)] * 2),
        *two(2, [(0.1, 0.4), (0.5, 10)]),
        *two(3, [(0.8, 20)] * 2),
        *two(4, [(0.3, 60)] * 2),
        *two(5, [(0.99, 1)], "pruned"),
        *two(6, [(0.99, 1)], "failed"),
        *two(7, [(0.6, 12)] * 2),
        *two(8, [(0.8, 20)] * 2),
        *two(9, [(0.99, 1)], None),
    ]
    make(tmp_path, begun(), *events, meta=TWO).close()
    return Run(tmp_path)


def test_the_front_is_every_complete_trial_that_none_beats_everywhere(run: Run) -> None:
    front = run.pareto()
    assert front["trial"].tolist() == [0, 3, 8, 7, 2]
    assert front["accuracy"].tolist() == [0.9, 0.8, 0.8, 0.6, 0.5]
    assert front["parameters"].tolist() == [90, 20, 20, 12, 10]


def test_the_best_are_the_front_its_ends_first_then_the_next_front_then_the_stopped(run: Run) -> None:
    # By crowding: 3 and 8 have (0.9 - 0.6) / 0.4 + (90 - 12) / 80, 7 has (0.8 - 0.5) / 0.4 + (20 - 10) / 80.
    assert run.best(99)["trial"].tolist() == [0, 2, 3, 8, 7, 1, 4, 5]
    assert [run.best(k)["trial"].tolist() for k in (1, 3)] == [[0], [0, 2, 3]]


def test_the_value_is_the_first_objective_and_each_has_its_column(run: Run) -> None:
    trials = run.trials().set_index("trial")
    assert (run.metric, run.mode) == ("accuracy", "max")
    assert [one.metric for one in run.objectives] == ["accuracy", "parameters"]
    assert [trials[name][2] for name in ("value", "accuracy", "parameters")] == [0.5, 0.5, 10]
    assert "best accuracy 0.9; 5 on the Pareto front" in repr(run)


def test_stopped_trials_are_ranked_among_those_that_trained_as_long(tmp_path: Path) -> None:
    events = [*two(0, [(0.1, 9)] * 2, "pruned"), *two(1, [(0.9, 1)], "pruned"), *two(2, [(0.2, 8)] * 2, "pruned")]
    make(tmp_path, begun(), *events, meta=TWO).close()
    run = Run(tmp_path)
    assert run.best(9)["trial"].tolist() == [2, 0, 1]
    assert run.pareto().empty


def test_of_one_objective_the_front_is_the_best_alone(tmp_path: Path) -> None:
    whole = [*trial(0, [0.6, 0.7]), *trial(1, [0.8, 0.9]), *trial(2, [0.8, 0.9])]
    make(tmp_path, begun(), *whole, *trial(3, [1.0], "pruned")).close()
    assert Run(tmp_path).pareto()["trial"].tolist() == [1]


def test_one_that_was_stopped_after_as_many_epochs_as_any_complete_one_is_on_the_front(tmp_path: Path) -> None:
    events = [*two(0, [(0.9, 90)]), *two(1, [(0.5, 50)]), *two(2, [(0.8, 40)], "pruned"), *two(3, [(0.1, 1)], "pruned")]
    make(tmp_path, begun(), *events, meta=TWO).close()
    run = Run(tmp_path)
    assert run.pareto()["trial"].tolist() == [0, 2, 3]
    assert run.best(9)["trial"].tolist() == [0, 3, 2, 1]


def test_columns_of_all_objectives_are_there_before_the_first_report(tmp_path: Path) -> None:
    make(tmp_path, begun(), meta=TWO).close()
    assert {"accuracy", "parameters"} <= set(Run(tmp_path).trials()) & set(Run(tmp_path).epochs())
    assert Run(tmp_path).pareto().empty
