"""What the command line says of a search with several objectives."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from nas_tune.cli.app import app
from nas_tune.cli.lines import LineProgress
from nas_tune.cli.progress import LiveProgress
from nas_tune.config import SearchConfig
from nas_tune.ledger import Event, Ledger, RunState
from tests.nas_tune.results.made import begun, make
from tests.nas_tune.results.test_pareto import TWO, two

TOML = """
name = "toy"
space = "tests.nas_tune.results.made:mixed"
trainable = "tests.nas_tune.results.made:train"
executor = "inline"
scheduler = "asha"
strategy = "random"
metric = ["accuracy", "loss"]
mode = ["max", "min"]
max_trials = 6
max_epochs = 3
"""
EVENTS = [begun(), *two(0, [(0.9, 90)]), *two(1, [(0.4, 50)]), *two(2, [(0.5, 10)]), *two(3, [(0.3, 60)])]
CONFIG = SearchConfig(space="nb201", max_trials=8, metric=["accuracy", "parameters"], mode=["max", "min"])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_search_ends_with_every_objective_and_the_size_of_the_front() -> None:
    Path("toy.toml").write_text(TOML, encoding="utf-8")
    result = call("search", "toy.toml")
    assert result.exit_code == 0, result.output
    title, header, *rows = result.stdout.splitlines()
    assert title == "best 5 of 6 architectures; 1 on the Pareto front of accuracy (max) and loss (min)"
    assert header.split() == ["#", "trial", "front", "accuracy", "loss", "epochs", "seconds", "state"]
    assert rows[0].split()[2] == "yes"
    assert "accuracy 0." in result.stderr
    assert "front 1" in result.stderr


def test_best_shows_who_is_on_the_front_and_front_shows_no_others() -> None:
    Path("runs/toy").mkdir(parents=True)
    make(Path("runs/toy"), *EVENTS, meta=TWO).close()
    title, header, *rows = call("best", "toy", "-k", "3").stdout.splitlines()
    assert title == "best 3 of 4 architectures; 2 on the Pareto front of accuracy (max) and parameters (min)"
    assert header.split() == ["#", "trial", "front", "accuracy", "parameters", "epochs", "seconds"]
    assert [row.split()[:6] for row in rows[:3]] == [
        ["1", "0", "yes", "0.9000", "90", "1"],
        ["2", "2", "yes", "0.5000", "10", "1"],
        ["3", "1", "0.4000", "50", "1", "0.5"],
    ]
    front = json.loads(call("best", "toy", "--front", "--format", "json").stdout)
    assert [(row["trial"], row["accuracy"], row["parameters"]) for row in front] == [(0, 0.9, 90), (2, 0.5, 10)]
    assert "best 2 of 4" in call("best", "toy", "--front").stdout
    assert call("results", "toy").stdout.split()[:4] == ["trial", "state", "accuracy", "parameters"]
    assert call("results", "toy", "--table", "epochs").stdout.split()[:4] == [
        "trial",
        "epoch",
        "accuracy",
        "parameters",
    ]


def test_the_displays_tell_every_objective_and_count_the_front() -> None:
    out, state = io.StringIO(), RunState()
    lines, live = LineProgress(Console(file=out, width=200), CONFIG, interval=0.0), LiveProgress(Console(), CONFIG, str)
    with lines:
        for event in [*EVENTS, *two(4, [(0.7, 70)], None)]:
            state.apply(event, 0.0)
            lines.on_event(event, state)
            live.on_event(event, state)
    assert "trial 2 complete  accuracy 0.5000  parameters 10  1 epoch   (3/8, best 0.9000, front 2," in out.getvalue()
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(live.picture())
    text = console.export_text()
    assert "best  accuracy 0.9000  parameters 90  trial 0, 1 epochs  front 2" in text
    assert "trial  epoch  accuracy  parameters  s/epoch" in " ".join(text.split("\n")).replace("   ", "  ")


def test_what_cannot_handle_several_is_refused_with_those_that_can() -> None:
    Path("toy.toml").write_text(TOML, encoding="utf-8")
    result = call("search", "toy.toml", "--set", "strategy=cmaes")
    assert result.exit_code == 2
    assert "strategy: 'cmaes' optimizes one metric, and there are 2 (accuracy, loss)" in " ".join(result.stderr.split())


def test_best_draws_the_best_one_and_the_front() -> None:
    ledger_in("two", *EVENTS, meta=TWO).close()
    result = call("best", "two", "--draw", "best.svg", "--plot", "pictures/front.svg")
    assert result.exit_code == 0, result.output
    assert "<svg" in Path("best.svg").read_text(encoding="utf-8")
    plotted = Path("pictures/front.svg").read_text(encoding="utf-8")
    assert "<!-- accuracy (more is better) -->" in plotted
    assert "<!-- parameters (less is better) -->" in plotted


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--plot", "front.gif"], "--plot front.gif: the name must end with .png, .svg, .pdf"),
        (["--draw", "best.gif"], "--draw best.gif: the name must end with .svg, .mmd, .dot"),
    ],
)
def test_a_picture_of_a_format_that_there_is_not_is_refused(asked: list[str], said: str) -> None:
    ledger_in("two", *EVENTS, meta=TWO).close()
    result = call("best", "two", *asked)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert sorted(path.name for path in Path().iterdir()) == ["two"]


def test_one_objective_has_no_front_to_draw() -> None:
    ledger_in("one", begun()).close()
    result = call("best", "one", "--plot", "front.png")
    assert result.exit_code == 2
    assert "one has one objective" in " ".join(result.stderr.split())


def test_nothing_is_drawn_of_a_run_without_trials() -> None:
    ledger_in("one", begun()).close()
    result = call("best", "one", "--draw", "best.svg")
    assert result.exit_code == 2
    assert "nothing to draw" in " ".join(result.stderr.split())


def ledger_in(name: str, *events: Event, meta: Mapping[str, Any] | None = None) -> Ledger:
    Path(name).mkdir()
    return make(Path(name), *events, meta=meta)
