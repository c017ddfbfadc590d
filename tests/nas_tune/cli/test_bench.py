"""`nas-tune bench`: what it prints, in words and JSON, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from nas_tune.cli.app import app


def call(file: Path, *arguments: str) -> Result:
    table = ("--table", str(file), "--space", "nb201", "--arch", "cell", "--processes", "1")
    fidelity = ("--fidelity", "3:value_3:seconds_3")
    judge = () if "--test" in arguments else ("--test", "test")
    return CliRunner().invoke(app, ["bench", *table, *fidelity, *judge, *arguments])


@pytest.mark.slow
def test_strategies_are_compared(table_of_cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "courses.parquet"
    ran = call(table_of_cells, "--strategy", "random,evolution", "--seeds", "3", "--budget", "10m", "--out", str(out))
    assert ran.exit_code == 0, ran.stderr
    assert "strategy   seeds" in ran.stdout
    rows = [line.split() for line in ran.stdout.splitlines() if re.match(r"(random|evolution) ", line)]
    better, worse = (row[0] for row in rows[:2])
    assert {better, worse} == {"random", "evolution"}
    difference = float(rows[0][2]) - float(rows[1][2])
    told = re.search(rf"^{better} - {worse}: ([+-]\S+), p = (\S+)", ran.stdout, re.MULTILINE)
    assert told is not None, "the better one first"
    assert float(told[1]) == pytest.approx(difference, abs=2e-3)
    assert 0 < float(told[2]) <= 1
    assert out.is_file()
    assert "test and validation: accuracy, more is better" in ran.stdout
    said = json.loads(call(table_of_cells, "--seeds", "2", "--budget", "10m", "--strategy", "random", "--json").stdout)
    assert said["judged_by"] == "test"
    (row,) = said["strategies"]
    assert row["strategy"] == "random"
    assert row["val_mean"] == pytest.approx(row["test_mean"] * 7 / 6)
    assert len(row["regret"]) == len(said["seconds"])


def test_the_unit_of_the_metric_is_shown(table_of_cells: Path) -> None:
    arguments = ("--metric", "latency", "--mode", "min", "--unit", "ms", "--seeds", "2", "--budget", "10m")
    shown = call(table_of_cells, "--strategy", "random,evolution", *arguments).stdout
    assert "test and validation: latency (ms), less is better" in shown
    assert re.search(r"from the best of the table, [0-9.]+ ms:", shown)
    assert re.search(r"random - evolution: [-+0-9.e]+ ms, p = ", shown)
    ran = call(table_of_cells, *arguments[:3], "sideways")
    assert ran.exit_code == 2
    ran = CliRunner().invoke(app, ["bench", "--unit", "%"])
    assert (ran.exit_code, "our own table are shares from 0 to 1" in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--strategy", "evolutoin"), "did you mean 'evolution'"),
        (("--budget", "soon"), "--budget soon: expected a time above 0"),
        (("--set", "population=3"), "expected name.key=value"),
        (("--set", "evolution.populaton=3"), "did you mean 'population'"),
        (("--mode", "best"), "not one of 'max', 'min'"),
        (("--test", "tests"), "did you mean 'test'"),
        (("--metric", "error"), "say whether more of 'error' is better"),
    ],
)
def test_bad_input_is_a_message_and_exit_code_2(table_of_cells: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = call(table_of_cells, *arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr


def test_after_a_ctrl_c_the_races_of_whole_seeds_are_kept(
    table_of_cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nas_tune.benchmarks.races import Contest, Contestant, Race
    from nas_tune.benchmarks.races.contest import run_race

    out = tmp_path / "courses.parquet"
    allowed = 3

    def cut(contest: Contest, contestant: Contestant, seed: int) -> Race:
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            raise KeyboardInterrupt
        return run_race(contest, contestant, seed)

    monkeypatch.setattr("nas_tune.benchmarks.races.processes.run_race", cut)
    few = ("--strategy", "random,evolution", "--seeds", "2", "--budget", "3m", "--out", str(out))
    ended = call(table_of_cells, *few)
    assert ended.exit_code == 130
    assert "interrupted after 3 of 4 races: the scores are of 2, with equal seeds" in ended.stderr
    assert "regret by test score, from the best of the table, 0.857:" in ended.stdout
    assert parquet.read_table(out)["seed"].unique().to_pylist() == [0]
    allowed = 1
    ended = call(table_of_cells, *few)
    assert (ended.exit_code, ended.stdout) == (130, "")
    assert "no seed was finished by every strategy" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_table_needs_its_columns_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["bench", "--table", "somewhere.parquet"])
    assert ran.exit_code == 2
    assert "--space and --arch and --fidelity" in ran.stderr
    assert (
        "missing, and --space and --test describe a table"
        in CliRunner().invoke(app, ["bench", "--space", "nb201", "--test", "t"]).stderr
    )


@pytest.mark.slow
def test_without_a_table_the_one_in_the_package_is_raced_on() -> None:
    ran = CliRunner().invoke(app, ["bench", "--strategy", "random,asha", "--seeds", "2", "--processes", "1", "--json"])
    assert ran.exit_code == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["judged_by"] == "test"
    assert said["seconds"][-1] == 120
    assert {row["strategy"] for row in said["strategies"]} == {"random", "asha"}
    assert all(0.9 < row["test_mean"] < 1 for row in said["strategies"])


@pytest.mark.slow
def test_races_that_had_nothing_more_to_try_are_told_with_the_reason_and_no_others() -> None:
    def told(budget: str) -> str:
        arguments = ("--strategy", "grid", "--seeds", "2", "--processes", "1", "--budget", budget)
        ran = CliRunner().invoke(app, ["bench", *arguments])
        assert ran.exit_code == 0, ran.stderr
        return " ".join(ran.stderr.split())

    said = "grid: 2 of 2 races had nothing more to try before their budget was spent; seed 0 ended after"
    assert re.search(rf"{said} \d+ trials: every member of the grid was proposed", told("100d"))
    assert "nothing more to try" not in told("5s")
