"""`nas-tune measure`: a table for people, every column for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from nas_tune.cli.app import app
from trainables.hardware.graphs import write_graph


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    paths = [folder / "a.onnx", folder / "b.onnx"]
    for width, path in zip((2, 64), paths, strict=True):
        write_graph(nn.Sequential(nn.Linear(8, width), nn.Linear(width, 2)).eval(), torch.zeros(1, 8), path)
    return paths


def called(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["measure", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_table_has_the_value_with_its_unit_and_interval(files: list[Path]) -> None:
    code, said = called(*files, "--rounds", 2, "--runs", 1, "--quantity", "latency, throughput")
    assert code == 0, said
    assert "on " in said
    assert " ms" in said
    assert "/s" in said
    assert all(str(file) in said for file in files)


@pytest.mark.slow
def test_json_has_every_column(files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.hardware.measuring.meter_of", lambda device: None)
    out = tmp_path / "found.json"
    code, said = called(*files, "--rounds", 2, "--threads", 2, "--watts", 5, "--quantity", "energy", "--out", out)
    assert code == 0, said
    rows = json.loads(out.read_text())
    assert [row["name"] for row in rows] == list(map(str, files))
    assert all(row["energy_by"] == "estimated from 5 W" and "2 threads" in row["device"] for row in rows)


@pytest.mark.slow
def test_a_command_needs_no_engine(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "phone.py").write_text("print(12.5)")
    code, said = called(files[0], "--command", f"{sys.executable} {tmp_path / 'phone.py'}", "--rounds", 2)
    assert code == 0, said
    assert "12.5 ms" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.onnx"], "there is no file none.onnx"),
        (["a.onnx", "--engine", "onnx-runtime"], "did you mean 'onnxruntime'"),
        (["a.onnx", "--quantity", "speed"], "peak_memory, flash, sram, latency, energy, throughput"),
        (["a.onnx", "--engine", "torch"], "runs networks of torch and no ONNX file"),
    ],
)
def test_what_cannot_be_is_a_message_and_exit_code_2(
    arguments: list[str], said: str, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[0].parent)
    code, output = called(*arguments)
    assert code == 2
    assert said in output
