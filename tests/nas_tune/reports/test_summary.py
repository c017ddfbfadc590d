"""The headline and the large numbers of a page, word by word."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.ledger import Asked, Ended, Event, Noted, Reported, SessionEnded
from nas_tune.reports.data import facts
from nas_tune.reports.summary import Tile, headline, number_text, span, tiles
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, eventful, make, mixed, trial

DASH = "\N{EN DASH}"


def run_of(folder: Path, *events: Event, **meta: Any) -> Run:
    make(folder, *events, meta=meta).close()
    return nas_tune.open_run(folder)


def large(run: Run) -> dict[str, tuple[str, str]]:
    return {tile.label: (tile.number, tile.below) for tile in tiles(run, facts(run))}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.123, "0.12 s"),
        (9.94, "9.9 s"),
        (9.95, "10 s"),
        (99.4, "99 s"),
        (99.5, "2 min"),
        (120, "2 min"),
        (5969, "99 min"),
        (6000, "1 h 40 min"),
        (7200, "2 h"),
        (172_740, "47 h 59 min"),
        (172_800, "2 d"),
        (176_400, "2 d 1 h"),
    ],
)
def test_spans_change_their_unit_where_two_digits_end(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, DASH),
        (math.nan, DASH),
        (-math.inf, DASH),
        (3.0, "3 m"),
        (-1234.0, "-1,234 m"),
        (1e12, "1e+12 m"),
        (999_999_999_999.0, "999,999,999,999 m"),
        (0.01, "0.0100 m"),
        (-0.0099, "-0.0099 m"),
        (0.00994321, "0.009943 m"),
        (9.99994, "9.9999 m"),
        (9.99996, "10.000 m"),
        (999.94, "999.94 m"),
        (-999.999, "-1,000.0 m"),
        (1000.5, "1,000.5 m"),
        (99_999.4, "99,999 m"),
        (123456.7, "1.235e+05 m"),
    ],
)
def test_values_have_at_most_five_digits_and_their_unit(value: float | None, said: str) -> None:
    assert number_text(value, "m") == said
    assert number_text(value) == said.removesuffix(" m")


@pytest.mark.parametrize(
    ("events", "fate", "colour"),
    [
        ([begun()], "no trial yet", "open"),
        ([begun(), *trial(0, [0.5])], "not over", "open"),
        ([begun(), *trial(0, [0.5], None), *trial(1, [0.5], None)], "not over: 2 running", "open"),
        ([begun(), SessionEnded("done")], "finished", "over"),
        ([begun(), SessionEnded("exhausted")], "finished: the space had nothing new", "over"),
        ([begun(), SessionEnded("time")], "stopped: its time was up", "open"),
        ([begun(), SessionEnded("interrupted")], "interrupted; it can be resumed", "open"),
        ([begun(), SessionEnded("failed")], "failed", "bad"),
    ],
)
def test_the_headline_says_how_it_ended(tmp_path: Path, events: list[Event], fate: str, colour: str) -> None:
    run = run_of(tmp_path, *events)
    found, config = headline(run), run.config
    assert (found.fate, found.colour) == (fate, colour)
    names = (config.space.name, config.strategy.name, config.scheduler.name, config.trainable.name)
    assert (found.space, found.strategy, found.scheduler, found.trainable) == names


def test_the_large_numbers_of_a_run_with_every_state(tmp_path: Path) -> None:
    run = run_of(tmp_path, *eventful())
    assert large(run) == {
        "Best accuracy": ("0.9000", "trial 0"),
        "Trials": ("6", "1 running, 1 lost, 1 complete, 1 pruned, 2 failed"),
        "Time": (span(run.state.seconds), "wall clock"),
        "Epochs trained": ("9", f"of {6 * run.config.max_epochs}, had all trained in full"),
        "Training time": ("4.5 s", "of all trials together"),
    }
    assert tiles(run, facts(run))[0] == Tile("Best accuracy", "0.9000", "trial 0")


def test_a_run_without_trials_has_dashes(tmp_path: Path) -> None:
    found = large(run_of(tmp_path, begun()))
    assert found["Best accuracy"] == (DASH, "no trial with a value yet")
    assert found["Trials"] == ("0", "none yet")
    assert found["Epochs trained"] == ("0", "none yet")
    assert found["Training time"] == ("0 s", "of all trials together")


def test_a_best_trial_that_was_stopped_says_where(tmp_path: Path) -> None:
    found = large(run_of(tmp_path, begun(), *trial(0, [0.5, 0.6], "pruned"), SessionEnded("time"), begun()))
    assert found["Best accuracy"] == ("0.6000", "trial 0 (pruned after epoch 2)")
    assert found["Time"][1] == "wall clock of 2 sessions"


def test_trials_that_trained_in_full_saved_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, begun(), *trial(0, [0.5] * 9))
    assert run.config.max_epochs == 9
    assert large(run)["Epochs trained"] == ("9", "every trial in full")
    assert large(run_of(tmp_path / "less", begun(), *trial(0, [0.5] * 8)))["Epochs trained"] == (
        "8",
        "of 9, had all trained in full",
    )


def test_several_objectives_have_a_number_each_from_the_front(tmp_path: Path) -> None:
    events: list[Event] = [begun()]
    for number, (accuracy, loss) in enumerate([(0.9, 5.0), (0.8, 2.0), (0.7, 3.0)]):
        events += [Asked(number, number, mixed().sample(number).tree, f"{number:016x}", number)]
        metrics = {"accuracy": accuracy, "accuracy_spread": 0.025, "loss": loss}
        events += [Reported(number, 1, metrics, 1.0), Ended(number, "complete", accuracy)]
    found = large(run_of(tmp_path, *events, Noted(-1, "x"), objectives=[["accuracy", "max"], ["loss", "min"]]))
    assert found["Highest accuracy"] == ("0.9000", "trial 0; 2 on the Pareto front; spread 0.0250")
    assert found["Lowest loss"] == ("2", "trial 1")
