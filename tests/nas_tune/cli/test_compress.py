"""`nas-tune compress` of a real, tiny run: what is told is what the files compute."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

import nas_tune
import search_spaces
from nas_tune.cli.app import app
from trainables.compression.measuring import as_function, session
from trainables.export import rebuilt

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
OTHER = "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def call(run: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["compress", str(run), *arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    cells = [search_spaces.get("nb201").from_string(text) for text in (CELL, OTHER)]  # type: ignore[attr-defined]
    settings = {"channels": 8, "cells": 1, "batch_size": 32, "augment": False}
    nas_tune.search(
        "nb201",
        {"name": "tests.nas_tune.winners.compress.examples:Fragile", **settings},
        max_trials=2,
        max_epochs=1,
        enqueue=cells,
        run_dir=folder,
        executor="inline",
        strategy="random",
        scheduler="none",
    )
    return folder


@pytest.fixture(scope="module")
def done(run: Path) -> tuple[dict[str, Any], Result]:
    options = ["--prune", "0.25", "--quantize", "int8", "--epochs", "1", "--calibration", "40", "--json"]

    with pytest.MonkeyPatch.context() as patch:
        # A test below loads these files itself, a fresh interpreter those in int8: each takes seconds.
        patch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
        result = call(run, *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result


@pytest.mark.slow
def test_each_step_is_judged_and_timed(run: Path, done: tuple[dict[str, Any], Result]) -> None:
    stages = done[0]["stages"]
    before, pruned, tuned, small = stages
    assert [one["name"] for one in stages] == ["before", "pruned", "fine-tuned", "int8"]
    opened = nas_tune.open_run(run)
    reported, again = opened.trials()["loss"].iloc[0], opened.evaluate(split="validation")["loss"]
    assert again == pytest.approx(reported, rel=1e-6), "the weights are those that were judged"
    evaluated = opened.evaluate()
    assert before["metrics"] == pytest.approx(evaluated, abs=1e-6), "ONNX computes what the trainable does"
    assert tuned["metrics"]["accuracy"] > pruned["metrics"]["accuracy"]
    assert small["metrics"]["accuracy"] == pytest.approx(tuned["metrics"]["accuracy"], abs=0.03)
    assert small["metrics"] != tuned["metrics"], "it is quantized"
    assert pruned["parameters"] == tuned["parameters"] == tuned["nonzero_parameters"] < 0.6 * before["parameters"]
    assert pruned["latency_seconds"] is None
    assert tuned["bytes"] < before["bytes"]
    for one in (before, tuned, small):
        assert 0 < one["latency_seconds"]["1"] < one["latency_seconds"]["32"]


@pytest.mark.slow
def test_the_files_alone_compute_what_the_table_says(run: Path, done: tuple[dict[str, Any], Result]) -> None:
    folder = run / "compress" / "trial-000000"
    assert done[0]["folder"] == str(folder)
    told = {"compression.json", "compression.md"}
    models = {"model.int8.onnx", "model.onnx", "model.py", "weights.safetensors"}
    assert {file.name for file in folder.iterdir()} == {*told, *models, "architecture.json", "task.json"}
    assert list(folder.parent.iterdir()) == [folder], "no drafts are left"
    assert set(done[0]["greatest_differences"]) == models
    held: Any = nas_tune.trained(nas_tune.open_run(run))
    x = torch.randint(0, 17, (4, 1, 8, 8)).float()  # as the data set has them: the files standardize themselves
    with torch.no_grad():
        from_json = rebuilt(folder)(held.normalize(x))
        torch.testing.assert_close(from_json, _source(folder / "model.py")(x))
    torch.testing.assert_close(from_json, as_function(session(folder / "model.onnx", 1))(x), rtol=1e-4, atol=1e-4)
    for name in ("model.onnx", "model.int8.onnx"):
        said = session(folder / name, 1).get_modelmeta().custom_metadata_map
        assert said["normalization"] == "inside: give raw inputs"
        assert json.loads(said["classes"]) == list("0123456789")
    real = held.tuning().data.train.images[:64].float()
    exact, small = (as_function(session(folder / name, 1))(real) for name in ("model.onnx", "model.int8.onnx"))
    assert 0 < float((small - exact).abs().max()) < 0.1 * float(exact.abs().max())
    assert (folder / "model.int8.onnx").read_bytes().count(b"DequantizeLinear") > 0
    assert b"/" + Path(__file__).parts[1].encode() not in (folder / "model.onnx").read_bytes(), "no paths of here"


def _source(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("compressed_model", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


@pytest.mark.slow
def test_what_was_done_is_told(run: Path, done: tuple[dict[str, Any], Result]) -> None:
    document, result = done
    assert json.loads((run / "compress" / "trial-000000" / "compression.json").read_text("utf-8")) == document
    assert document["plan"]["seed"] == int(nas_tune.open_run(run).trials()["seed"].iloc[0])
    assert document["calibration_examples"] == 40
    assert len(document["tuning"]) == 1
    assert document["weights"] == "the weights of the search, from its last checkpoint"
    assert document["architecture_id"] == search_spaces.get("nb201").from_string(CELL).id  # type: ignore[attr-defined]
    steps = (
        "pruning 0.25 (structured)",
        "fine-tuning, epoch 1/1",
        "exporting before",
        "exporting fine-tuned, and loading it in a fresh interpreter",
        "quantizing to int8",
        "evaluating on the test split",
        "measuring latency",
        "loading int8 in a fresh interpreter",
    )
    lines = result.stderr.splitlines()
    assert lines == [f"{place}/{len(steps)}  {step}" for place, step in enumerate(steps, 1)]


@pytest.mark.slow
def test_what_cannot_be_ends_with_a_message_and_its_code(run: Path) -> None:
    before = sorted(run.rglob("*"))
    for arguments, message in [
        ((), "nothing to do: give a share to prune (--prune 0.5), --quantize int8, or both"),
        (("--prune", "1.5"), "prune is 1.5; it must be a number above 0 and at most 0.99"),
        (("--quantize", "int4"), "known: int8"),
        (("--prune", "0.5", "--method", "magnitud"), "did you mean 'magnitude'"),
        (("--quantize", "int8", "--trial", "1"), "trial 1 failed (error), so it cannot be compressed; these can: 0 "),
        (("--quantize", "int8", "--out", str(run)), "exists already and is not overwritten"),
    ]:
        result = call(run, *arguments)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
        assert result.stdout == ""
    assert sorted(run.rglob("*")) == before, "nothing is left of what was refused"
