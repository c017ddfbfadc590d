"""What is warned of, and what is refused, before a network is trained on odd signals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.errors import DataError
from trainables.tasks.registry import make_task

COUNT = 30
WAVES = np.random.default_rng(0).normal(size=(COUNT, 2, 40)).astype(np.float32)
CLASSES = np.arange(COUNT) % 3


def said(folder: Path, **arrays: Any) -> list[str]:
    np.savez(folder / "a.npz", **{"x": WAVES, "y": CLASSES, **arrays})
    task = make_task("signal", {"data": str(folder / "a.npz")})
    task.check()
    return [line for line in task.about() if line.startswith("warning")]


def test_copies_of_signals_between_parts_are_counted(tmp_path: Path) -> None:
    assert said(tmp_path) == []
    given = {"x_val": np.r_[WAVES[:2], WAVES[:4] + 1], "y_val": np.arange(6) % 3}
    assert said(tmp_path, **given) == [
        "warning: 2 of 6 validation signals equal a training signal; remove the copies, which flatter the score"
    ]


def test_a_channel_of_one_value_is_named(tmp_path: Path) -> None:
    flat = WAVES.copy()
    flat[:, 1] = 3
    (line,) = said(tmp_path, x=flat)
    assert line.startswith("warning: channel 1 of 2 (from 0) has one value in all training signals; leave it out")
    flat[:, 1] = np.arange(COUNT)[:, None]
    assert said(tmp_path, x=flat) == [], "its value differs from signal to signal"


def test_numbers_that_do_not_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"every target of training is 1\.5; a regression needs targets that differ"):
        said(tmp_path, y=np.full(COUNT, 1.5))
    assert said(tmp_path, y=np.stack((np.arange(COUNT) / 7, np.full(COUNT, 2.5)), 1)) == [
        "warning: number 1 of the targets (from 0) is 2.5 in all of training; leave it out"
    ]


def test_silence_in_two_parts_is_no_copy(tmp_path: Path) -> None:
    silent = WAVES.copy()
    silent[::2] = 0
    assert not [line for line in said(tmp_path, x=silent) if "equal a training signal" in line]
