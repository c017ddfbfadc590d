"""Which checkpoints stay where trials are equal: those of the best by `Run.best`, in whatever order they end."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from nas_tune.executors.job import trial_folder
from nas_tune.ledger import Asked, Ended, Reported, RunState
from nas_tune.objectives.objective import Objective
from nas_tune.results.ranking import ranked
from nas_tune.session.driver import CheckpointKeeper

ONE = (Objective("accuracy", "max"),)
TWO = (*ONE, Objective("loss", "min"))
Trial = tuple[str, dict[str, float], int]
"""How a trial ends, its metrics in every epoch, and how many it trains."""


def kept(folder: Path, trials: dict[int, Trial], keep: int, objectives: tuple[Objective, ...]) -> set[int]:
    """The trials whose checkpoints are there when all have ended in the order of `trials`, and the state's best."""
    keeper, state = CheckpointKeeper(folder, keep, objectives), RunState()
    for number in sorted(trials):
        state.apply(Asked(number, number, {}, f"id{number}", 0), 0.0)
        trial_folder(folder, number).mkdir(parents=True)
    for number, (end, metrics, epochs) in trials.items():
        for epoch in range(1, epochs + 1):
            state.apply(Reported(number, epoch, metrics, 1.0), 1.0)
        event = Ended(number, end, metrics["accuracy"])
        state.apply(event, 2.0)
        keeper.on_event(event, state)
    found = {number for number in trials if trial_folder(folder, number).exists()}
    assert found == set(ranked(state.trials.values(), objectives, keep))
    return found


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("objectives", [ONE, TWO], ids=["one objective", "two"])
def test_of_equal_trials_the_older_ones_stay(
    order: tuple[int, ...], objectives: tuple[Objective, ...], tmp_path: Path
) -> None:
    values: dict[int, Trial] = {
        number: ("complete", {"accuracy": 0.4 if number == 0 else 0.5, "loss": 0.7 if number == 0 else 0.5}, 1)
        for number in order
    }
    assert kept(tmp_path, values, 2, objectives) == {1, 2}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_equal_values_after_equal_epochs_the_complete_one_stays(order: tuple[int, ...], tmp_path: Path) -> None:
    ends = ("pruned", "complete", "complete")
    assert kept(tmp_path, {number: (ends[number], {"accuracy": 0.5}, 2) for number in order}, 1, ONE) == {1}


def test_none_stays_of_a_trial_without_a_value(tmp_path: Path) -> None:
    folder = trial_folder(tmp_path, 0)
    folder.mkdir(parents=True)
    state = RunState()
    event = Ended(0, "failed", None, "error", "no")
    state.apply(Asked(0, 0, {}, "id0", 0), 0.0)
    state.apply(event, 1.0)
    CheckpointKeeper(tmp_path, 5, ONE).on_event(event, state)
    assert not folder.exists()
