"""What a run with limits begins with: no architecture over a limit is tried first, and the user hears why."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import nas_tune
from nas_tune.ledger import Event, Known, Ledger, Measured
from nas_tune.session.start_limits import measured_there
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
    known = events(run, Known)
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


def built(architecture: Any) -> tuple[nn.Module, torch.Tensor]:
    return nn.Linear(1 + architecture["a"], 1 + architecture["b"]), torch.zeros(1, 1 + architecture["a"])


def fit(architecture: Any, seed: int = 0) -> Iterator[dict[str, float]]:
    """Heavier is better, as in `train`."""
    yield {"accuracy": weight(architecture) / 20}


fit.untrained = built  # type: ignore[attr-defined]


def board(folder: Path, name: str) -> dict[str, Any]:
    """A device that takes a byte for a microsecond, and writes down each call."""
    program = folder / f"{name}.sh"
    program.write_text(
        f'echo "$1" >> {folder}/{name}.calls\nwc -c < "$1" | awk \'{{ print $1 / 1000 }}\'\n', encoding="utf-8"
    )
    return {"engine": "command", "command": f"sh {program}"}


def timed(folder: Path, device: dict[str, Any], **more: Any) -> nas_tune.Run:
    config = {"strategy": "random", "scheduler": "none", "max_trials": 6, "max_epochs": 1, "executor": "inline"}
    return nas_tune.search(SPACE, fit, run_dir=folder, device=device, **{**config, **more})


def events(run: nas_tune.Run, kind: type[Event]) -> list[Any]:
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        return [event for event, _ in ledger.events() if isinstance(event, kind)]


def test_only_what_this_device_measured_in_full_holds_here() -> None:
    member, other = SPACE.sample(0), SPACE.sample(1)
    gate: Any = SimpleNamespace(meter=SimpleNamespace(device="this", names=("latency", "energy")))
    both = {"latency": 1.0, "energy": 2.0, "memory": 3.0}
    made: list[Event] = [
        Measured(member.id, member.tree, both, "this"),
        Measured(other.id, other.tree, both, "that"),
        Measured(other.id, other.tree, {"latency": 1.0}, "this"),
        Measured("x", {"a": 99, "b": 0}, both, "this"),
    ]
    kept = {"name": "fit", "settings": {}}
    found, text = measured_there(made, kept, kept, SPACE, gate)
    assert [(one.id, one.costs) for one in found] == [(member.id, {"latency": 1.0, "energy": 2.0})]
    assert text == "1 architecture was measured there on this device, and is not measured again"
    assert measured_there(made, kept, {**kept, "settings": {"width": 2}}, SPACE, gate)[0] == []
    assert measured_there(made[1:3], kept, kept, SPACE, gate) == ([], "")


@pytest.mark.slow
def test_what_the_same_device_measured_in_another_run_is_not_measured_again(tmp_path: Path) -> None:
    device = board(tmp_path, "one")
    first = timed(tmp_path / "first", device, limits={"latency": "1s"})
    values = {event.id: event.costs["latency"] for event in events(first, Measured)}
    calls = len((tmp_path / "one.calls").read_text().splitlines())
    middle = statistics.median(values.values())
    second = timed(tmp_path / "second", device, limits={"latency": middle}, warm_start=[first], max_trials=3)
    known = {event.id: event.costs for event in events(second, Known)}
    assert known
    assert all(costs == {"latency": values[id]} for id, costs in known.items())
    assert {event.id: event.costs["latency"] for event in events(second, Measured)}.items() >= values.items()
    new = len({event.id for event in events(second, Measured)}) - len(values)
    assert len((tmp_path / "one.calls").read_text().splitlines()) == calls + 22 * new, "with the reference"
    trials = first.trials()
    allowed = trials[trials["latency"] <= middle]
    assert weight(second.tree(0)) == 20 * allowed["accuracy"].max(), "the best that keeps the new limit"
    assert second.trials()["latency"].max() <= middle
    said = f"{len(values)} architectures were measured there on this device, and are not measured again"
    assert any(said in text for text in notes(second))


@pytest.mark.slow
def test_what_another_device_measured_is_measured_here_again(tmp_path: Path) -> None:
    first = timed(tmp_path / "first", board(tmp_path, "one"), limits={"latency": "1s"}, max_trials=3)
    second = timed(
        tmp_path / "second", board(tmp_path, "other"), limits={"latency": "2s"}, warm_start=[first], max_trials=3
    )
    assert all(event.costs == {} for event in events(second, Known))
    assert {event.device for event in events(second, Measured)} == {f"command sh {tmp_path}/other.sh, batch 1, float32"}
    assert set(second.trials()["latency_device"]) == {f"command sh {tmp_path}/other.sh, batch 1, float32"}
    assert not any("measured there" in text for text in notes(second))


@pytest.mark.slow
def test_values_of_other_networks_are_measured_again_though_the_device_is_the_same(tmp_path: Path) -> None:
    def other(architecture: Any, seed: int = 0) -> Iterator[dict[str, float]]:
        yield {"accuracy": weight(architecture) / 30}

    other.untrained = lambda architecture: (nn.Linear(64, 64), torch.zeros(1, 64))  # type: ignore[attr-defined]
    device = board(tmp_path, "one")
    first = timed(tmp_path / "first", device, limits={"latency": "1s"}, max_trials=3)
    keys = {"strategy": "random", "scheduler": "none", "max_trials": 2, "max_epochs": 1, "executor": "inline"}
    second = nas_tune.search(
        SPACE, other, run_dir=tmp_path / "second", device=device, limits={"latency": "1s"}, warm_start=[first], **keys
    )
    assert all(event.costs == {} for event in events(second, Known))
    assert any("measured there" in text and "other networks" in text for text in notes(second))


@pytest.mark.slow
def test_the_command_takes_the_trials_of_another_run_under_limits_of_its_own(tmp_path: Path) -> None:
    """As `nas-tune search new.toml --from runs/old` does for a module of the user's."""
    (tmp_path / "weights.py").write_text(
        "from search_spaces import Space, choice\n"
        "space = Space({'a': choice(*range(8)), 'b': choice(*range(8))}, name='sums')\n"
        "def weight(one):\n    return float(one['a'] + one['b'])\n"
        "def train(architecture, *, seed, max_epochs):\n    yield {'accuracy': weight(architecture) / 20}\n"
        "train.costs = {'weight': weight}\n",
        encoding="utf-8",
    )
    plain = (
        "space = 'weights:space'\ntrainable = 'weights:train'\nexecutor = 'inline'\nscheduler = 'none'\n"
        "max_epochs = 1\nstrategy = 'random'\n"
    )
    (tmp_path / "old.toml").write_text(plain + "name = 'old'\nmax_trials = 12\nlimits = { weight = '<= 12' }\n")
    (tmp_path / "new.toml").write_text(plain + "name = 'new'\nmax_trials = 4\nlimits = { weight = '<= 5' }\n")
    for words in (["old.toml"], ["new.toml", "--from", "runs/old"]):
        done = subprocess.run(
            [sys.executable, "-m", "nas_tune", "search", *words, "--quiet"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(Path.cwd())])},
            check=False,
        )
        assert done.returncode == 0, done.stderr
    old, new = nas_tune.open_run(tmp_path / "runs" / "old"), nas_tune.open_run(tmp_path / "runs" / "new")
    assert old.trials()["weight"].max() > 5
    assert new.trials()["weight"].max() <= 5
    assert len(events(new, Known)) == 12
    allowed = [one for one in old.trials()["weight"] if one <= 5]
    assert new.trials()["weight"].iloc[0] == max(allowed)
