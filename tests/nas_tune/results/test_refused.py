"""What limits refused, as a table: also from an empty run, in SQL and in the shell; predicted costs beside measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas_tune.cli.app import app
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, make, mixed, refusing
from tests.nas_tune.results.test_tables import types

TYPES = {
    "proposal": "Int64",
    "rung": "string",
    "quantity": "string",
    "value": "Float64",
    "bound": "Float64",
    "more": "Int64",
    "architecture_id": "string",
    "architecture": "string",
}


def test_a_run_without_refusals_has_a_typed_empty_table(tmp_path: Path) -> None:
    make(tmp_path, begun()).close()
    found = Run(tmp_path).refused()
    assert types(found) == TYPES
    assert found.empty


def test_a_row_says_what_refused_an_architecture_and_by_how_much(tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    found = Run(tmp_path).refused()
    assert types(found) == TYPES
    assert found["rung"].tolist() == ["counted", "connected", "predicted", "measured"]
    assert found["quantity"].fillna("none").tolist() == ["macs", "none", "latency", "latency"]
    assert found["value"].isna().tolist() == [False, True, False, False]
    assert found["proposal"].isna().tolist() == [True, False, False, False]
    assert found["more"].sum() == 30
    assert json.loads(found["architecture"][0]) == mixed().sample(10).tree


def test_sql_counts_refusals(tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    found = Run(tmp_path).query("select rung, sum(1 + more) as n from refused group by rung order by n desc, rung")
    assert found["n"].tolist() == [31, 1, 1, 1]


def test_a_trial_has_its_predicted_cost_beside_the_measured_one_and_the_device(tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    trials = Run(tmp_path).trials()
    assert trials["latency"].tolist() == [5.0, 6.0]
    assert trials["latency_predicted"].tolist() == [4.0, 6.0]
    assert trials["latency_device"].fillna("none").tolist() == ["cpu-1", "none"]


def test_the_shell_prints_and_exports_refusals(tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    printed = CliRunner().invoke(app, ["results", str(tmp_path), "--table", "refused"], env={"COLUMNS": "160"})
    assert printed.exit_code == 0
    assert "60 M" in printed.output
    assert "50 M" in printed.output
    assert "5.5 ms" in printed.output
    exported = CliRunner().invoke(app, ["results", str(tmp_path), "--table", "refused", "--format", "csv"])
    assert exported.stdout.splitlines()[0] == ",".join(TYPES)


@pytest.mark.parametrize("table", ["trials", "epochs"])
def test_a_refusal_is_no_row_of_the_other_tables(table: str, tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    assert set(getattr(Run(tmp_path), table)()["trial"]) == {0, 1}
