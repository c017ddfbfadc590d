"""`report`, `explain` and `compare` on the command line: data on stdout, narrow terminals, clear refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from nas_tune.cli.app import app
from tests.nas_tune.analysis.made_runs import run_of
from tests.nas_tune.results.made import begun, make


def test_report_prints_the_path_of_its_file(tmp_path: Path) -> None:
    make(tmp_path, begun()).close()
    found = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert Path(found.stdout.strip()).read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_explain_answers_in_json_and_in_lines(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [0.1 * (n % 7) for n in range(10)])
    found = CliRunner().invoke(app, ["explain", str(run.path), "--json"])
    assert json.loads(found.stdout)["winner"] == 6
    lines = CliRunner().invoke(app, ["explain", str(run.path), "--evaluator", "mdi"]).stdout
    assert "one change to the winner, trial 6" in lines
    assert CliRunner().invoke(app, ["explain", str(run.path), "--evaluator", "no"]).exit_code == 2


def test_explain_counts_the_neighbours_that_it_cannot_judge(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [0.1, 0.2])
    count = len(run.space.neighbors(run.architecture(1)))
    assert f" of {count} neighbours were tried" in CliRunner().invoke(app, ["explain", str(run.path)]).stdout


def test_the_report_overwrites_nothing_but_a_page(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [0.1])
    (tmp_path / "mine.toml").write_text("mine")
    found = CliRunner().invoke(app, ["report", str(run.path), "--out", str(tmp_path / "mine.toml")])
    assert found.exit_code == 2
    assert (tmp_path / "mine.toml").read_text() == "mine"


def test_compare_sets_runs_side_by_side(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / f"r{seed}", [0.1 * seed + 0.3], seed=seed) for seed in range(2)]
    found = CliRunner().invoke(app, ["compare", *(str(run.path) for run in runs)])
    assert found.exit_code == 0, found.output
    assert "fewer than two groups have complete trials" in found.stdout
    assert CliRunner().invoke(app, ["compare", str(runs[0].path)]).exit_code == 2


def test_compare_says_that_equal_runs_do_not_differ(tmp_path: Path) -> None:
    equal = [run_of(tmp_path / name, [0.5] * 3, strategy=name, scheduler="none") for name in ("random", "grid")]
    said = CliRunner().invoke(app, ["compare", *(str(run.path) for run in equal)]).stdout
    assert "random + none - grid + none: no difference, n = 3 and 3, p = 1" in said
    assert "better in" not in said
    better = run_of(tmp_path / "better", [0.7] * 3, strategy="grid", scheduler="none")
    said = CliRunner().invoke(app, ["compare", str(equal[0].path), str(better.path)]).stdout
    assert "+0.2, better in 100% of pairs" in said


def test_an_exact_tie_with_the_winner_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [0.5, 0.7, 0.7, 0.7])
    assert CliRunner().invoke(app, ["explain", str(run.path)]).stdout.count("a tie with the winner") == 2
    assert "trials 1, 2 and 3 have the same value: the older trial comes first" in (
        CliRunner().invoke(app, ["best", str(run.path)]).stdout
    )
    apart = run_of(tmp_path / "apart", [0.5, 0.7])
    assert "have the same value" not in CliRunner().invoke(app, ["best", str(apart.path)]).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "words"),
    [("report", "reading the run, asking which decisions mattered"), ("explain", "asking which decisions mattered")],
)
def test_a_terminal_is_told_what_takes_its_time(
    command: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, begun()).close()
    for terminal in (True, False):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=terminal, width=100)
        monkeypatch.setattr(f"nas_tune.cli.{command}.stderr", lambda console=console: console)
        assert CliRunner().invoke(app, [command, str(tmp_path)]).exit_code == 0
        assert (words in stream.getvalue()) is terminal
