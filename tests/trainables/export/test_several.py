"""Networks with several inputs and outputs, by place and by name, and what a task does to raw inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from trainables.compression import CompressionSettings, compress_network
from trainables.errors import TrainableError
from trainables.export import Deployed, check, check_deployed, export_network
from trainables.export.check import random_batches
from trainables.training.batches import Batch, called, mapped


class Pair(nn.Module):
    """Numbers (n, 3) and codes (n, 2) below 5 to a score (n, 4) and a rest (n, 1)."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.vectors, self.layer, self.rest = nn.Embedding(5, 2), nn.Linear(7, 4), nn.Linear(7, 1)
        self.form = form

    def forward(self, numbers: Tensor, codes: Tensor) -> Any:
        row = torch.cat([numbers, self.vectors(codes).flatten(1)], dim=1)
        if self.form == "dict":
            return {"score": self.layer(row), "rest": self.rest(row)}
        return (self.layer(row), self.rest(row)) if self.form == "tuple" else self.layer(row)


CODES = torch.tensor([[0, 4], [3, 1], [2, 2]])
INPUTS = {"numbers": torch.tensor([[1.0, 2, 3], [-1, 0, 1], [0.5, 0, 0]]), "codes": CODES}
NAMES = {"dict": ["score", "rest"], "tuple": ["output_0", "output_1"], "tensor": ["output"]}


def pair(form: str = "tensor", **more: Any) -> Deployed:
    torch.manual_seed(0)
    inputs: Batch = tuple(INPUTS.values()) if form == "tuple" else INPUTS
    return Deployed(Pair(form).eval(), inputs, "pair", {}, **more)


def ran(file: Path, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [one.shape[0] for one in (*session.get_inputs(), *session.get_outputs())] == ["batch"] * (
        len(session.get_inputs()) + len(session.get_outputs())
    )
    found = session.run(None, {name: one.numpy() for name, one in inputs.items()})
    return {one.name: torch.from_numpy(value) for one, value in zip(session.get_outputs(), found, strict=True)}


@pytest.mark.parametrize("form", [one if one == "dict" else pytest.param(one, marks=pytest.mark.slow) for one in NAMES])
def test_inputs_and_outputs_have_names_and_any_batch_size(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    deployed = pair(form)
    made = export_network(check_deployed(deployed, object()), tmp_path, ["py", "pt2", "onnx"])
    assert [(one.problem, one.inputs) for one in made] == [("", "")] * 3
    more = {name: one.repeat(3, 1)[:7] for name, one in INPUTS.items()}
    given: Batch = tuple(more.values()) if form == "tuple" else more
    wanted = called(deployed.network, given)
    program: Any = torch.export.load(tmp_path / "program.pt2").module()
    names: dict[str, Any] = {"__name__": "model", "__file__": str(tmp_path / "model.py")}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), names)
    for run in (program, names["load"]()):
        torch.testing.assert_close(called(run, given), wanted)
    found = ran(tmp_path / "model.onnx", more)
    assert list(found) == NAMES[form]
    values = wanted.values() if isinstance(wanted, dict) else wanted if isinstance(wanted, tuple) else [wanted]
    torch.testing.assert_close(list(found.values()), list(values), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_check_in_a_fresh_interpreter_compares_every_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = export_network(pair("dict"), tmp_path / "right", ["onnx"])
    assert made[0].problem == ""
    assert 0 <= (made[0].difference or 0) < 1e-4
    by_network = check._by_network

    def other(network: nn.Module, batches: dict[str, Batch]) -> dict[str, Tensor]:
        return {name: one + (0.01 if "rest" in name else 0) for name, one in by_network(network, batches).items()}

    monkeypatch.setattr(check, "_by_network", other)
    wrong = export_network(pair("dict"), tmp_path / "wrong", ["onnx"])
    assert "outputs differ by" in wrong[0].problem


def prepared(raw: dict[str, Tensor]) -> dict[str, Tensor]:
    """NaN is 0, and the rest is scaled; codes are counted from 1."""
    numbers = raw["cells"]
    numbers = torch.where(torch.isnan(numbers), torch.zeros_like(numbers), (numbers - CENTRE) / 10)
    return {"numbers": numbers, "codes": raw["choices"] - 1}


CENTRE = torch.tensor([5.0, 0.0, -5.0])
RAW = {"cells": torch.tensor([[1.0, float("nan"), 3], [9, 8, 7], [4, 4, 4]]), "choices": CODES + 1}


@pytest.mark.slow
def test_a_task_prepares_raw_inputs_and_finishes_outputs_inside_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    own = {"prepare": prepared, "raw": RAW, "finish": torch.exp, "meanings": {"cells": "NaN where one is missing"}}
    deployed = pair(output_mean=(1.0, 2.0, 3.0, 4.0), output_std=(0.5,) * 4, **own)
    made = export_network(check_deployed(deployed, object()), tmp_path, ["py", "pt2", "onnx"])
    assert [(one.problem, one.inputs) for one in made] == [("", "raw")] * 3
    scaled = called(deployed.network, prepared(RAW)) * 0.5 + torch.arange(1.0, 5.0)
    wanted = scaled.exp().detach()
    said: dict[str, Any] = {"metadata.json": ""}
    program: Any = torch.export.load(tmp_path / "program.pt2", extra_files=said).module()
    names: dict[str, Any] = {"__name__": "model", "__file__": str(tmp_path / "model.py")}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), names)
    for run in (program, names["load"]()):
        torch.testing.assert_close(run(**RAW), wanted)
    torch.testing.assert_close(names["load"](raw=False)(**prepared(RAW)), scaled)
    found = ran(tmp_path / "model.onnx", RAW)["output"]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert "cells: float32 of shape (n, 3) (NaN where one is missing); choices: int64" in said["metadata.json"]


@pytest.mark.parametrize("drawn", [True, False])
def test_integers_are_drawn_from_the_examples(drawn: bool) -> None:
    for batch in random_batches(INPUTS, drawn=drawn).values():
        rows = {tuple(row) for row in CODES.tolist()}
        assert all(tuple(row) in rows for row in batch["codes"].tolist())
        numbers = {tuple(row) for row in INPUTS["numbers"].tolist()}
        assert all(tuple(row) in numbers for row in batch["numbers"].tolist()) == drawn


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([torch.zeros(3, 1)], "must be a tensor of at least three examples"),
        ({}, "must be a tensor of at least three examples"),
        ({"a": torch.zeros(2, 1)}, "must be a tensor of at least three examples"),
        ({"a": torch.zeros(3, 1), "b": torch.zeros(4, 1)}, "have 3 and 4 examples; give as many of each"),
        ({"my age": torch.zeros(3, 1)}, "has the name 'my age'; each name must be one of an argument"),
    ],
)
def test_examples_that_no_network_takes_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        check_deployed(Deployed(nn.Identity(), inputs, "any", {}), object())


class Rows:
    """The data of a compression."""

    def examples(self, count: int) -> dict[str, Tensor]:
        return mapped(lambda one: one.repeat(20, 1)[:count], INPUTS)

    def judge(self, run: Any, split: str) -> dict[str, float]:
        return {"loss": float(called(run, self.examples(9))["score"].square().mean())}

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Any:
        raise AssertionError("no epoch was asked for")


@pytest.mark.slow
def test_a_network_with_several_inputs_and_outputs_is_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    monkeypatch.setattr("trainables.compression.compressing.compared_onnx", lambda *_: 0.0)
    plan = CompressionSettings(prune=0.5, method="magnitude", epochs=0, quantize="int8")
    done = compress_network(pair("dict"), Rows(), tmp_path, plan)
    before, pruned, small = done.stages
    assert pruned.nonzero < before.nonzero
    assert small.metrics["loss"] == pytest.approx(pruned.metrics["loss"], rel=0.2)
    assert list(ran(tmp_path / "model.int8.onnx", INPUTS)) == ["score", "rest"]


class Numbers(Rows):
    """Judges standardized outputs, as the network gives them."""

    def judge(self, run: Any, split: str) -> dict[str, float]:
        return {"mean": float(called(run, self.examples(9)).mean())}


@pytest.mark.slow
def test_a_kept_file_in_units_of_the_targets_is_judged_as_the_network_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    monkeypatch.setattr("trainables.compression.compressing.compared_onnx", lambda *_: 0.0)
    deployed = pair(output_mean=(100.0,) * 4, output_std=(5.0,) * 4)
    done = compress_network(deployed, Numbers(), tmp_path, CompressionSettings(quantize="int8"))
    before, small = done.stages
    wanted = called(deployed.network, Numbers().examples(9)).mean().item()
    assert before.metrics["mean"] == pytest.approx(wanted, rel=1e-3)
    assert small.metrics["mean"] == pytest.approx(wanted, abs=0.1)
    found = ran(tmp_path / "model.onnx", Numbers().examples(9))["output"]
    assert float(found.mean()) == pytest.approx(wanted * 5 + 100, rel=1e-4)
