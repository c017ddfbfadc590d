"""A trial on Ray, driven by hand: what its actor is told, without a Ray that runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_tune.executors.job import Job
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_trial import OUTCOME, RayTrial
from search_spaces import Architecture
from tests.toys import tiny_space
from trainables import check_time


def looking(architecture: Architecture) -> Iterator[dict[str, float]]:
    """An epoch that looks at the time."""
    check_time()
    yield {"accuracy": 0.5}


@pytest.mark.parametrize(("seconds", "in_time"), [(-5.0, False), (1000.0, True), (None, True)])
def test_a_trial_has_the_time_until_the_run_ends(
    seconds: float | None, in_time: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas_tune.executors.ray_trial.node_name", lambda: "here")  # it would start Ray
    trial = RayTrial.__new__(RayTrial)  # without what Tune sets up beside it
    tree, ends = tiny_space().sample(0).tree, None if seconds is None else time.time() + seconds
    config = {"trial": 0, "architecture": tree, "seed": 1, "ends": ends}
    trial.setup(config, Parcel.of(Job(looking, {}, tmp_path, 3), tiny_space()))
    outcome = trial.step()[OUTCOME]
    assert (outcome.out_of_time, dict(outcome.metrics)) == (not in_time, {"accuracy": 0.5} if in_time else {})
