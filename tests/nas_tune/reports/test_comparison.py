"""The page of compared runs: its facts, and strangers' names as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import RunFolderError
from nas_tune.reports import write_comparison
from nas_tune.reports.comparison import comparison_facts
from tests.nas_tune.analysis.made_runs import run_of


def _seeds(folder: Path, strategy: str, base: float, count: int) -> list[nas_tune.Run]:
    return [
        run_of(folder / f"{strategy}{seed}", [base, base + seed / 100, base], strategy=strategy, seed=seed)
        for seed in range(count)
    ]


@pytest.mark.slow
def test_a_group_has_its_middle_its_range_and_what_was_compared(tmp_path: Path) -> None:
    found = comparison_facts(nas_tune.compare([*_seeds(tmp_path, "random", 0.2, 3), *_seeds(tmp_path, "tpe", 0.6, 3)]))
    first, second = found["groups"]
    assert (first["name"], found["about"], found["trials"]) == ("tpe + asha", "seeds", 3)
    assert first["band"] == [[1, 0.6, 0.6, 0.6], [2, 0.61, 0.6, 0.62], [3, 0.61, 0.6, 0.62]]
    assert second["sample"] == [[0.2, "random0"], [0.21, "random1"], [0.22, "random2"]]
    (run,) = [run for run in found["runs"] if run["name"] == "random2"]
    assert [step[::2] for step in run["steps"]] == [[1, 0.2], [2, 0.22], [3, 0.22]]


def test_of_single_runs_all_complete_trials_are_shown(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", [0.5, 0.6, 0.7], strategy="random")
    other = run_of(tmp_path / "other", [], strategy="tpe")
    found = comparison_facts(nas_tune.compare([one, other]))
    assert found["about"] == "trials"
    assert [len(group["sample"]) for group in found["groups"]] == [3, 0]
    assert [group["band"] for group in found["groups"]] == [[], []]
    assert [run["steps"] for run in found["runs"] if run["name"] == "other"] == [[]]


@pytest.mark.slow
def test_the_command_writes_a_page_or_a_picture_and_refuses_the_rest(tmp_path: Path) -> None:
    runs = [str(run.path) for run in _seeds(tmp_path, "random", 0.2, 2)]
    for name, start in {"c.html": b"<!doctype html>", "c.png": b"\x89PNG"}.items():
        done = CliRunner().invoke(app, ["compare", *runs, "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_bytes().startswith(start)
    assert b"over 2 runs" in (tmp_path / "c.html").read_bytes()
    refused = CliRunner().invoke(app, ["compare", *runs, "--out", "c.txt"])
    assert (refused.exit_code, ".html, .png" in refused.stderr) == (2, True)


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    found = nas_tune.compare(_seeds(tmp_path, "random", 0.2, 2))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="name a place"):
        write_comparison(found, tmp_path / "file" / "c.html")
