"""What two runs are compared by: everything in their tables but when, where and how often something happened."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import nas_tune

WHEN_AND_WHERE = ["started", "ended", "seconds", "time", "node", "lost"]


Tables = tuple[pd.DataFrame, pd.DataFrame]


def tables(folder: Path) -> Tables:
    """The trials and the epochs of a run, less what no two runs share."""
    run = nas_tune.open_run(folder)
    return tuple(
        frame.drop(columns=WHEN_AND_WHERE, errors="ignore").sort_values(keys).reset_index(drop=True)
        for frame, keys in ((run.trials(), ["trial"]), (run.epochs(), ["trial", "epoch"]))
    )


def assert_same(one: Path, other: Path) -> None:
    """Both runs found the same, to the last bit."""
    assert_equal(tables(one), tables(other))


def assert_equal(one: Tables, other: Tables) -> None:
    """Both tables are the same, to the last bit."""
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
