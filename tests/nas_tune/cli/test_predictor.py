"""`nas-tune predictor`: errors of a cost predictor on a file of measured architectures."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import search_spaces
from nas_tune.cli.app import app

NETWORK = ("--network", "channels=4", "--network", "cells=1", "--network", "image_size=8")
COSTS = {"nor_conv_3x3": 0.9, "nor_conv_1x1": 0.3, "avg_pool_3x3": 0.5}


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predictor", *map(str, arguments)])


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Cells with a cost for each operation."""
    space, rng = search_spaces.get("nb201"), random.Random(0)
    cells = [space.sample(rng) for _ in range(40)]
    costs = [1 + sum(COSTS.get(str(operation), 0.0) for operation in cell.values()) for cell in cells]
    texts = [space.to_string(cell) for cell in cells]
    return pd.DataFrame({"arch_str": texts, "latency_ms": costs, "there_ms": [3 * cost for cost in costs]})


@pytest.fixture
def file(tmp_path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(tmp_path / "cells.csv", index=False)
    return tmp_path / "cells.csv"


@pytest.mark.slow
def test_errors_and_gates_are_printed(file: Path) -> None:
    found = call(file, "--space", "nb201", "--column", "latency_ms", "--architecture", "arch_str", *NETWORK)
    assert found.exit_code == 0, found.output
    assert "latency_ms in nb201: fitted to 25 architectures, 15 others predicted" in found.stdout
    assert "operations that count: all, dead ones included" in found.stdout
    assert "Kendall's tau 0.9" in found.stdout or "Kendall's tau 1.0" in found.stdout
    assert "by the low end" in found.stdout


@pytest.mark.slow
def test_a_saved_predictor_is_used_again(file: Path, tmp_path: Path, frame: pd.DataFrame) -> None:
    saved = tmp_path / "saved" / "predictor.json"
    options = ("--column", "latency_ms", "--architecture", "arch_str", "--json")
    found = call(file, "--space", "nb201", *options, "--seeds", 20, "--held-out", 5, *NETWORK, "--save", saved)
    told = json.loads(found.stdout)
    assert (told["predictor"]["measured"], told["score"]["members"]) == (20, 5)
    assert told["score"]["gate_with_margin"]["refused"] == 0
    frame.to_parquet(tmp_path / "again.parquet")
    again = call(tmp_path / "again.parquet", "--load", saved, *options)
    told = json.loads(again.stdout)
    assert (told["predictor"]["measured"], told["score"]["members"]) == (25, 15)


@pytest.mark.slow
def test_another_device_is_told(file: Path) -> None:
    options = ("--architecture", "arch_str", "--column", "latency_ms", "--other", "there_ms", "--seeds", 10)
    found = call(file, "--space", "nb201", *options, *NETWORK)
    assert "values of the other device help" in found.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--column", "latency_ms", "--architecture", "arch_str"), "--space is missing"),
        (("--space", "nb201"), "say which one has the values"),
        (("--space", "nb201", "--column", "joules"), "no column 'joules'"),
        (("--space", "nb202"), "did you mean"),
        (("--load", "nothing.json", "--save", "a.json"), "leave out --save"),
        (("--load", "nothing.json"), "cannot be read"),
        (("--space", "nb201", "--column", "latency_ms", "--seeds", "40"), "some must be held out"),
        (
            ("--space", "nb201", "--column", "latency_ms", "--held-out", "30", *NETWORK),
            "only 15 architectures are left",
        ),
    ],
)
def test_what_cannot_be(file: Path, options: tuple[str, ...], said: str) -> None:
    found = call(file, *options)
    assert found.exit_code == 2
    assert said in " ".join(found.stderr.split())


def test_files_of_other_formats(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    for name, said in (
        ("a.txt", "neither in .csv nor in .parquet"),
        ("b.csv", "cannot be read"),
        ("empty.csv", "cannot"),
    ):
        found = call(tmp_path / name, "--space", "nb201")
        assert found.exit_code == 2
        assert said in found.stderr
