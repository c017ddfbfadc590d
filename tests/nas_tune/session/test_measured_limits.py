"""Limits that only a device can tell are looked at before the first trial, from the cheapest members."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nas_tune
from nas_tune.errors import ConfigError, NoUsableTrialError
from nas_tune.ledger import Event, Ledger, Measured
from search_spaces import Space, choice
from trainables.errors import TrainableError

SPACE = Space({f"width_{place}": choice(*range(1, 65)) for place in range(6)}, name="widths")
"""Random members are never the cheapest one."""


def built(architecture: Any) -> tuple[nn.Module, torch.Tensor]:
    widths = [1, *(architecture[f"width_{place}"] for place in range(6))]
    pairs = pairwise(widths)
    return nn.Sequential(*(nn.Linear(one, other, bias=False) for one, other in pairs)), torch.zeros(1, 1)


def train(architecture: Any) -> Iterator[dict[str, float]]:
    yield {"accuracy": architecture["width_0"] / 64}


train.untrained = built  # type: ignore[attr-defined]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Milliseconds are numbers of weights; of the members that were measured."""
    asked: list[Any] = []

    def measured(self: Any, architectures: Any) -> list[dict[str, float]]:
        asked.extend(one.tree for one in architectures)
        return [{"latency": float(sum(w.numel() for w in built(one)[0].parameters()))} for one in architectures]

    monkeypatch.setattr("nas_tune.session.device_meter.DeviceMeter.measured", measured)
    return asked


def searched(folder: Path, **more: Any) -> nas_tune.Run:
    config = {"strategy": "random", "scheduler": "none", "max_trials": 2, "max_epochs": 1, "executor": "inline"}
    return nas_tune.search(more.pop("space", SPACE), train, run_dir=folder, **{**config, **more})


def notes(run: nas_tune.Run) -> list[str]:
    return [text for _, text in run.state.notes]


def events(folder: Path, kind: type[Event]) -> list[Any]:
    with closing(Ledger.open(folder, readonly=True)) as ledger:
        return [event for event, _ in ledger.events() if isinstance(event, kind)]


@pytest.mark.slow
def test_a_limit_that_the_cheapest_members_break_is_refused_with_the_least_before_anything_is_written(
    tmp_path: Path, device: list[Any]
) -> None:
    said = (
        r"limits.latency: the least that was measured is (\d+) ms, and the limit is latency <= 2 ms "
        r"\(of the . cheapest ones that were found; \d+ architectures were counted in"
    )
    with pytest.raises(ConfigError, match=said) as caught:
        searched(tmp_path / "run", limits={"latency": "2ms"})
    assert not (tmp_path / "run").exists()
    least = float(str(caught.value).split("measured is ")[1].split()[0])
    assert 6 <= least < 2_000, "random members have 6,000; the cheapest one has 6"
    assert len(device) <= 4


@pytest.mark.slow
def test_a_limit_that_random_members_break_and_cheap_ones_keep_is_searched(tmp_path: Path, device: list[Any]) -> None:
    run = searched(tmp_path / "run", limits={"latency": "400ms"}, max_trials=1)
    assert any("random architectures break a measured one, cheap ones keep all" in text for text in notes(run))
    assert device.count(events(tmp_path / "run", Measured)[0].tree) == 1, "what was measured is not measured again"


def test_a_wide_limit_costs_one_measurement(tmp_path: Path, device: list[Any]) -> None:
    searched(tmp_path / "run", limits={"latency": "100s"})
    first, *others = events(tmp_path / "run", Measured)
    assert device[0] == first.tree
    assert len(device) == 1 + len(others)


def test_a_limit_a_little_below_the_least_is_noted_and_tried(tmp_path: Path, device: list[Any]) -> None:
    few = Space({f"width_{place}": choice(2, 3) for place in range(6)}, name="few")
    with pytest.raises(NoUsableTrialError):
        searched(tmp_path / "run", space=few, limits={"latency": "20ms"}, max_trials=1)
    told = notes(nas_tune.open_run(tmp_path / "run"))
    assert any("the least that was measured is 22 ms" in text and "may end without a trial" in text for text in told)
    ended = "the least latency that was measured is 22 ms, and the limit is latency <= 20 ms"
    assert any(text.startswith("ended after 0 of 1 trials") and ended in text for text in told)


@pytest.mark.slow
def test_a_resume_under_another_limit_is_looked_at_too(tmp_path: Path, device: list[Any]) -> None:
    searched(tmp_path / "run", limits={"latency": "100s"})
    before = len(device)
    with pytest.raises(ConfigError, match=r"the least that was measured"):
        nas_tune.resume(tmp_path / "run", trainable=train, max_trials=3, limits={"latency": "2ms"})
    assert nas_tune.open_run(tmp_path / "run").config.limits == {"latency": "100s"}
    asked = len(device)
    assert asked > before
    nas_tune.resume(tmp_path / "run", trainable=train, max_trials=3, limits={"latency": "99s"})
    assert len(device) == asked + 1, "a measured member is known to keep it, and one trial is new"


@pytest.mark.slow
def test_what_no_member_can_be_measured_for_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(self: Any, architectures: Any) -> Any:
        raise TrainableError("the board is off")

    monkeypatch.setattr("nas_tune.session.device_meter.DeviceMeter.measured", measured)
    with pytest.raises(ConfigError, match="latency cannot be measured here: the board is off"):
        searched(tmp_path / "run", limits={"latency": "5ms"})


def test_an_enqueued_architecture_over_a_measured_limit_is_noted(tmp_path: Path, device: list[Any]) -> None:
    big = SPACE.validate({f"width_{place}": 64 for place in range(6)})
    run = searched(tmp_path / "run", limits={"latency": "20s"}, enqueue=[big])
    said = rf"the enqueued architecture {big.id} is refused: latency is 2.05\de\+04 ms \(.*ed\); the limit is 2e\+04 ms"
    assert any(re.fullmatch(said, text) for text in notes(run))
    assert big.tree not in [run.tree(trial) for trial in (0, 1)]


@pytest.mark.slow
def test_what_there_was_no_time_to_look_for_is_not_refused(
    tmp_path: Path, device: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas_tune.session.measured_limits._SECONDS", 0.0)
    run = searched(tmp_path / "run", limits={"latency": "400ms"}, max_trials=1)
    assert any("there was no time to look further" in text for text in notes(run))
    assert run.trials()["latency"].max() <= 400, "the strategy finds what this look did not"
