"""What is told of a compression, and what cannot be compressed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import nas_tune
from nas_tune.errors import ConfigError, RunFolderError
from nas_tune.winners.compress.compression import CompressedTrial, Compression
from tests.nas_tune.winners.compress.examples import Bare
from tests.toys import Climber, climb, tiny_space
from trainables.compression import Compressed, CompressionSettings, CompressionStage
from trainables.errors import TrainableError
from trainables.export import Deployed
from trainables.tasks.image_classifier import ImageClassifier

SEARCH: dict[str, Any] = {"executor": "inline", "strategy": "random", "scheduler": "none", "max_epochs": 1}
SETTINGS = {"channels": 2, "cells": 1, "batch_size": 256, "augment": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    keys = {**SEARCH, "keep_checkpoints": 1}
    return nas_tune.search("nb201", ImageClassifier, settings=SETTINGS, max_trials=2, run_dir=folder, **keys)


@pytest.mark.slow
def test_the_seed_decides_the_training_and_no_test_image_does(run: nas_tune.Run) -> None:
    held = nas_tune.trained(run, trainable=ImageClassifier)
    assert isinstance(held, ImageClassifier)
    tuning = held.tuning()
    train = tuning.data.normalize(tuning.data.train.images)
    examples = tuning.examples(50)
    assert all(bool((train == one).flatten(1).all(1).any()) for one in examples)
    assert torch.equal(examples, tuning.examples(50))
    network = held.deployed().network
    begun = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    without_test = replace(tuning, data=replace(tuning.data, test=tuning.data.test.take(torch.arange(1), _CPU)))

    def after(one: Any, seed: int) -> dict[str, torch.Tensor]:
        network.load_state_dict(begun)
        list(one.train(network, seed=seed, epochs=1))
        return {name: tensor.clone() for name, tensor in network.state_dict().items()}

    first = after(tuning, 1)
    torch.testing.assert_close(after(without_test, 1), first, rtol=0, atol=0)
    assert not torch.equal(after(tuning, 2)["classifier.weight"], first["classifier.weight"])


_CPU = torch.device("cpu")


def test_what_cannot_be_compressed_is_said_with_what_can(run: nas_tune.Run) -> None:
    best = int(run.best(1)["trial"].iloc[0])
    for message, more in [
        (
            rf"is complete and no checkpoint is kept, so it cannot be compressed; these can: {best} ",
            {"trial": 1 - best},
        ),
        ("was not retrained; do it first: nas-tune retrain", {"retrained": True}),
        ("exists already and is not overwritten; name a new folder", {"folder": run.path}),
        ("epochs is 5, and only a pruned network is trained further", {"epochs": 5}),
        ("there is no trial 9", {"trial": 9}),
    ]:
        with pytest.raises(ConfigError, match=message):
            nas_tune.compress(run, quantize="int8", trainable=ImageClassifier, **more)  # type: ignore[arg-type]


def test_a_trainable_of_somebody_else_is_told_what_it_lacks(tmp_path: Path) -> None:
    for target, message in (
        (Climber, r"Climber does not say .* method deployed\(\)"),
        (Bare, r"Bare does not say how a changed network of it is trained and judged; .* method tuning\(\)"),
        (climb, r"keeps no checkpoints, so no trained network is left; write the trainable as a class with save\(\)"),
    ):
        found = nas_tune.search(tiny_space(), target, max_trials=1, run_dir=tmp_path / target.__name__, **SEARCH)
        with pytest.raises(ConfigError, match=message):
            nas_tune.compress(found, quantize="int8", trainable=target)


def test_a_full_disk_leaves_nothing(run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(deployed: object, tuning: object, folder: Path, *_: object, **more: object) -> None:
        (folder / "model.onnx").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nas_tune.winners.compress.compressing.compress_network", full)
    with pytest.raises(RunFolderError, match="No space left on device; name a place that can be written"):
        nas_tune.compress(run, quantize="int8", folder=tmp_path / "new", trainable=ImageClassifier)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (CompressionSettings(), "nothing to do: give a share to prune"),
        (CompressionSettings(prune=1.5), r"prune is 1.5; it must be a number above 0 and at most 0.99"),
        (CompressionSettings(quantize="int4"), "quantize is 'int4'.* known: int8"),
        (CompressionSettings(prune=0.5, method="structural"), "did you mean 'structured'"),
        (CompressionSettings(quantize="int8", calibration=0), "calibration is 0; it must be a whole number at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_rule(plan: CompressionSettings, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        plan.check()


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None if name == "torch_pruning" else object())
    with pytest.raises(TrainableError, match=r"needs torch-pruning, .* pip install 'nas-tune\[compress\]'; or take"):
        CompressionSettings(prune=0.5).check()
    CompressionSettings(prune=0.5, method="magnitude").check()


def told() -> Compression:
    """Of numbers that are easy to follow."""
    seconds = {1: 0.002, 32: 0.02}
    stages = (
        CompressionStage("before", {"accuracy": 0.9, "loss": 0.4}, 1000, 1000, 8000, seconds, None),
        CompressionStage("pruned", {"accuracy": 0.2, "loss": 2.4}, 250, 250, None, None, None),
        CompressionStage(
            "fine-tuned", {"accuracy": 0.85, "loss": 0.5}, 250, 250, 2000, {1: 0.001, 32: 0.005}, "model.onnx"
        ),
    )
    network = Deployed(torch.nn.Identity(), torch.zeros(3, 1), "nb201", {}, splits={"test": 200})
    result = Compressed(stages, (Path("out/model.onnx"),), {"model.onnx": 1e-6}, ({"train_loss": 1.0},), 0, ("so",))
    made = CompressedTrial("digits", 3, "trained from scratch", True, network, "abc")
    return Compression(Path("out"), made, CompressionSettings(prune=0.5, epochs=1), result, "a machine", {"torch": "2"})


def test_the_table_says_before_and_after_and_what_was_not_measured() -> None:
    headers, rows = told().table()
    assert headers == ["", "test accuracy", "test loss", "parameters", "non-zero", "file", "batch 1", "batch 32"]
    assert rows[0] == ["before", "0.9000", "0.4000", "1,000", "1,000", "8 kB", "2.000 ms", "20.000 ms"]
    assert rows[1] == ["pruned", "0.2000", "2.4000", "250", "250", "-", "-", "-"]
    said = "fine-tuned against before: accuracy -0.0500, loss +0.1000, file 25%, time 50% (batch 1), 25% (batch 32)"
    assert told().summary() == said
    text = told().text()
    for words in (
        "# nb201, trial 3 of digits, compressed",
        "Weights: trained from scratch.",
        "- pruned 0.5 of the channels of each layer (structured)",
        "200 test examples: one of them is 0.0050 of accuracy.",
        "1 thread, median of 100 runs, the networks taking turns; a machine.",
        "its size and speed are those of the fine-tuned network",
        "They take float32 of shape (n, 1), as the network expects them.",
        "- `model.onnx`: loaded in a fresh interpreter, it differs by 1e-06",
        "## Notes\n\n- so",
        said,
    ):
        assert words in text
    assert "supernet" not in text
    found = replace(told(), made=replace(told().made, supernet_parameters=12345)).text()
    assert "- 12,345 parameters in the tables of the run: those of the supernet in which" in found
    rows = replace(told(), made=replace(told().made, deployed=replace(told().made.deployed, splits={})))
    assert rows.doubt == "the number of test examples is not recorded"
    assert "image" not in text
    document = json.loads(json.dumps(told().to_dict()))
    assert document["stages"][1]["latency_seconds"] is None
    assert document["stages"][0]["latency_seconds"] == {"1": 0.002, "32": 0.02}


def test_what_was_not_measured_is_not_compared() -> None:
    """Neither the size nor the time of a network whose file nobody timed, on whichever side it stands."""
    before, pruned, tuned = told().stages
    for stages, name, accuracy, loss in (
        ((before, pruned), "pruned", -0.7, 2),
        ((pruned, tuned), "fine-tuned", 0.65, -1.9),
    ):
        made = replace(told(), result=replace(told().result, stages=stages))
        assert made.summary() == f"{name} against before: accuracy {accuracy:+.4f}, loss {loss:+.4f}"


def test_what_a_killed_compression_left_is_removed_by_the_next_of_any_trial(
    run: nas_tune.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, gone = run.path / "compress", subprocess.Popen(["true"])
    gone.wait()
    for name in (f".trial-000000.{gone.pid}", f".trial-000007-2.{gone.pid}", f".trial-000000.{os.getpid()}"):
        (folder / name / ".aside.1").mkdir(parents=True)
        (folder / name / "model.onnx").write_bytes(b"half")

    def stopped(deployed: object, tuning: object, draft: Path, *_: object, **more: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("nas_tune.winners.compress.compressing.compress_network", stopped)
    with pytest.raises(SystemExit) as ended:
        nas_tune.compress(run, quantize="int8", trainable=ImageClassifier)
    assert ended.value.code == 143
    assert [one.name for one in folder.iterdir()] == [f".trial-000000.{os.getpid()}"], "of a process that lives"
    shutil.rmtree(folder)
