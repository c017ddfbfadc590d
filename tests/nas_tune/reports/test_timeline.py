"""Lanes and bars from times that are written down here; clocks with breaks; causes of failures."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nas_tune.reports.elapsed import Elapsed
from nas_tune.reports.failures import FailureGroup, failures
from nas_tune.reports.timeline import timeline


def times(*seconds: float | None) -> pd.Series:  # type: ignore[type-arg]
    return pd.Series(pd.to_datetime([None if one is None else one * 1e9 for one in seconds], utc=True))


def laid(
    epochs: list[tuple[int, str | None, float, float | None]],
    trials: list[tuple[int, float | None, float | None]] = (),  # type: ignore[assignment]
    workers: int | None = None,
) -> dict[str, Any]:
    """Of epochs (trial, node, end, seconds) and trials (number, start, end)."""
    columns = [list(column) for column in zip(*epochs, strict=True)] or [[]] * 4
    frame = pd.DataFrame({"trial": columns[0], "node": pd.Series(columns[1], dtype=object)})
    frame["time"], frame["seconds"] = times(*columns[2]), pd.Series(columns[3], dtype=float)
    rows = [list(column) for column in zip(*trials, strict=True)] or [[]] * 3
    ended = pd.DataFrame({"trial": rows[0], "started": times(*rows[1]), "ended": times(*rows[2])})
    return timeline(ended, frame, Elapsed([0.0], []), workers)


def test_epochs_of_a_trial_are_one_bar_unless_a_gap_parts_them() -> None:
    """A gap of less than 0.35 of an epoch; an epoch without a length counts as 0.02 s."""
    assert laid([(0, "n", 2, 2), (0, "n", 4.69, 2)])["bars"] == [[0, 0, 0.0, 4.69]]
    assert laid([(0, "n", 2, 2), (0, "n", 4.71, 2)])["bars"] == [[0, 0, 0.0, 2.0], [0, 0, 2.71, 4.71]]
    assert laid([(0, "n", 4, 4), (0, "n", 6, 1), (0, "n", 8, 2)])["bars"] == [[0, 0, 0.0, 4.0], [0, 0, 5.0, 8.0]]
    assert laid([(0, "n", 2, 2), (0, "n", 2.006, None)])["bars"] == [[0, 0, 0.0, 2.006]]
    assert laid([(0, "n", 2, 2), (0, "n", 2.1, None)])["bars"] == [[0, 0, 0.0, 2.0], [0, 0, 2.1, 2.1]]
    assert laid([(0, "n", 2, 3)])["bars"] == [[0, 0, 0.0, 2.0]], "nothing begins before the run"
    assert laid([(0, "n", 2, 2), (0, "m", 4, 2)])["lanes"] == ["m", "n"]


def test_trials_at_the_same_time_have_lanes_with_numbers() -> None:
    found = laid([(0, "n", 2, 2), (1, "n", 3, 2), (2, "n", 4, 2), (3, "m", 1, 1), (4, None, 1, 1)])
    assert found["lanes"] == ["worker", "m", "n #1", "n #2"]
    assert found["bars"] == [
        [4, 0, 0.0, 1.0],
        [3, 1, 0.0, 1.0],
        [0, 2, 0.0, 2.0],
        [1, 3, 1.0, 3.0],
        [2, 2, 2.0, 4.0],
    ]


def test_there_are_no_more_lanes_than_workers() -> None:
    three = [(0, "n", 4.0, 4.0), (1, "n", 3.0, 2.0), (2, "n", 5.0, 3.0)]
    assert laid(three)["lanes"] == ["n #1", "n #2", "n #3"]  # type: ignore[arg-type]
    found = laid(three, workers=2)  # type: ignore[arg-type]
    assert found["lanes"] == ["n #1", "n #2"]
    assert found["bars"] == [[0, 0, 0.0, 4.0], [1, 1, 1.0, 3.0], [2, 1, 3.0, 5.0]], "the lane that is free first"
    assert [bar[2:] for bar in laid(three, workers=1)["bars"]] == [[0.0, 4.0], [3.0, 3.0], [3.0, 5.0]]  # type: ignore[arg-type]


@pytest.mark.parametrize(("begins", "lanes"), [(1.981, 1), (1.95, 2)])
def test_a_lane_is_free_a_moment_before_its_bar_ends(begins: float, lanes: int) -> None:
    """By 0.02 s, or by a fiftieth of the next bar."""
    assert len(laid([(0, "n", 2, 2), (1, "n", begins + 0.5, 0.5)])["lanes"]) == lanes
    assert len(laid([(0, "n", 2, 2), (1, "n", begins + 100, 100)])["lanes"]) == 1


def test_trials_without_an_epoch_end_where_their_lane_is_free() -> None:
    found = laid([(0, "n", 2, 2)], [(0, 0, 2), (1, 0, 2.5), (2, 1, None), (3, None, 3)])
    assert found == {"lanes": ["n"], "bars": [[0, 0, 0.0, 2.0], [1, 0, 2.0, 2.5], [3, 0, 2.5, 3.0]]}
    two = laid([(0, "n", 2, 2), (1, "m", 2, 2)], [(2, 0, 1)])
    assert two["lanes"] == ["worker", "m", "n"], "of two nodes it is not known which"
    assert laid([], [(0, 0, 1)]) == {"lanes": ["worker"], "bars": [[0, 0, 0.0, 1.0]]}
    assert laid([]) == {"lanes": [], "bars": []}


def test_a_clock_leaves_out_every_break_and_never_runs_backwards() -> None:
    elapsed = Elapsed([100.0, 1120.0, 5000.0], [1130.0, 110.0, 120.0, 5010.0])
    asked = [90.0, 100.0, 110.0, 120.0, 1120.0, 1130.0, 5000.0, 5010.0]
    assert [elapsed.at(moment) for moment in asked] == [0.0, 0.0, 10.0, 20.0, 20.0, 30.0, 30.0, 40.0]
    assert Elapsed([100.0], [90.0]).at(100.0) == 10.0
    assert Elapsed([100.0, 200.0], []).at(200.0) == 100.0, "nothing is known before the second start"
    assert elapsed.column(times(110.0, None, 1130.00049)) == [10.0, None, 30.0]


def test_failures_are_grouped_by_their_kind_and_their_words() -> None:
    rows = [
        ("failed", "oom", "ran out after 1.5e-3 MiB", "T1"),
        ("complete", None, None, None),
        ("failed", "oom", "ran out after 22 MiB", "T2"),
        ("failed", "error", "ran out after 22 MiB", "T3"),
        ("failed", None, None, None),
    ]
    frame = pd.DataFrame(rows, columns=["state", "failure", "message", "traceback"]).assign(trial=range(5))
    assert failures(frame) == [
        FailureGroup("oom", "ran out after 1.5e-3 MiB", "T1", (0, 2)),
        FailureGroup("error", "ran out after 22 MiB", "T3", (3,)),
        FailureGroup("error", "", "", (4,)),
    ]
    assert failures(frame[frame["state"] == "complete"]) == []
