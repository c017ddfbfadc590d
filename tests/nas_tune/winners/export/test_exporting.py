from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError, RunFolderError
from nas_tune.winners.export import CARD
from nas_tune.winners.export.card import OLDER_CARD
from nas_tune.winners.export.sources import source_of as _sourced
from tests.toys import Climber, tiny_space
from trainables.errors import NotTheSameError, TrainableError
from trainables.export import rebuilt
from trainables.export.check import compared
from trainables.tasks.image_classifier import ImageClassifier

SETTINGS = {"channels": 4, "cells": 1, "batch_size": 256, "data": "digits"}
SEARCH: dict[str, Any] = {"executor": "inline", "strategy": "random", "scheduler": "none", "max_epochs": 1}


class Fragile(ImageClassifier):
    """Fails in its second trial."""

    trials = 0

    def step(self) -> dict[str, float | int]:
        type(self).trials += 1
        if type(self).trials == 2:
            raise ValueError("no")
        return super().step()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    return nas_tune.search(
        "nb201", Fragile, settings=SETTINGS, max_trials=3, run_dir=folder, keep_checkpoints=1, **SEARCH
    )


def lone(run: nas_tune.Run) -> int:
    """The only trial whose checkpoint was kept."""
    return int(run.best(1)["trial"].iloc[0])


def loaded(folder: Path) -> Any:
    """The `model.py` of an export, as a module."""
    spec = importlib.util.spec_from_file_location("exported_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    return model


def compared_here(network: nn.Module, kind: str, folder: Path, batches: dict[str, Tensor], *_: object) -> float:
    """The check without a fresh interpreter, which takes three seconds to start torch."""
    assert kind in ("py", "safetensors")
    again = loaded(folder).load() if kind == "py" else rebuilt(folder)
    with torch.no_grad():
        return max(float((again(inputs) - network(inputs)).abs().max()) for inputs in batches.values())


@pytest.mark.slow
def test_weights_and_source_are_the_network_and_the_card_says_what_is_not_measured(
    run: nas_tune.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(network: nn.Module, kind: str, *rest: Any) -> float:
        # A fresh interpreter rebuilds from the weights in the slow test below.
        return (compared if kind == "py" else compared_here)(network, kind, *rest)

    monkeypatch.setattr("trainables.export.exporting.compared", checked)
    said: list[str] = []
    made = nas_tune.export(
        run, formats=["py", "safetensors"], trainable=Fragile, progress=lambda what, *_: said.append(what)
    )
    assert made.complete
    assert made.trial == lone(run)
    assert made.folder == run.path / "export" / f"trial-{made.trial:06d}"
    assert [one.difference for one in made.formats] == [0, 0]
    names = {CARD, "architecture.json", "model.py", "task.json", "weights.safetensors"}
    assert {file.name for file in made.folder.iterdir()} == names, "no drafts are left"
    assert len(said) == 4
    document = json.loads((made.folder / "architecture.json").read_text())
    assert document["architecture"] == run.tree(made.trial)
    assert document["input"]["shape"] == ["batch", 1, 8, 8]
    text = (made.folder / CARD).read_text()
    evaluated = nas_tune.evaluate(run, trainable=Fragile)["accuracy"]
    assert f"| test | accuracy | {evaluated:.4f} | not measured |" in text
    reported = run.trials().set_index("trial").loc[made.trial]
    again = nas_tune.evaluate(run, split="validation", trainable=Fragile)
    assert again["loss"] == pytest.approx(reported["loss"], rel=1e-6), "the weights are those that were judged"
    assert "1 failed" in text
    model = loaded(made.folder)
    held = nas_tune.trained(run, trainable=Fragile)
    assert isinstance(held, ImageClassifier)
    raw = torch.randint(0, 17, (2, 1, 8, 8), dtype=torch.uint8)
    torch.testing.assert_close(model.normalize(raw), held.normalize(raw))
    assert not any(module.training for module in held.network.modules())
    assert tuple("0123456789") == model.CLASSES


@pytest.mark.slow
def test_the_files_take_raw_images_or_standardized_ones_and_the_card_says_which(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", compared_here)
    held: Any = nas_tune.trained(run, trainable=Fragile)
    raw = held.tuning().data.test.images
    with torch.no_grad():
        wanted = held.network(held.normalize(raw))
        assert wanted.std(0).min() > 1e-3
        for normalization, given in ((True, raw), (False, held.normalize(raw))):
            folder = tmp_path / str(normalization)
            made = nas_tune.export(run, trainable=Fragile, folder=folder, formats=["py"], normalization=normalization)
            torch.testing.assert_close(loaded(folder).load()(given), wanted)
            card = made.card.read_text(encoding="utf-8")
            assert (
                "raw: with the values that the data set has (uint8 in the data, 0 to 16 in" in card
            ) == normalization
            assert ("- py: float32 of shape (n, 1, 8, 8), standardized: (raw - mean) / std." in card) != normalization


def test_what_cannot_be_exported_is_said_with_what_can(run: nas_tune.Run) -> None:
    with pytest.raises(ConfigError, match=rf"trial 1 failed \(error\), so it cannot .* these can: {lone(run)} "):
        nas_tune.export(run, 1)
    other = next(n for n in (0, 2) if n != lone(run))
    with pytest.raises(ConfigError, match=f"trial {other} is complete and no checkpoint is kept"):
        nas_tune.export(run, other)
    with pytest.raises(ConfigError, match="there is no trial 9; the run has 0 to 2"):
        nas_tune.export(run, 9)
    with pytest.raises(ConfigError, match=r"there is no trial 'out'; .* a folder to write is given as folder="):
        nas_tune.export(run, "out")  # type: ignore[arg-type]
    with pytest.raises(TrainableError, match="format 'onx' is unknown; did you mean 'onnx'"):
        nas_tune.export(run, formats=["onx"])


def test_a_package_that_is_missing_is_named_before_any_work(run: nas_tune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None if name == "onnxscript" else object())
    with pytest.raises(TrainableError, match=r"onnx needs onnxscript, .* pip install 'nas-tune\[export\]'"):
        nas_tune.export(run, formats=["py", "onnx"], trainable=Fragile)


def test_an_export_that_was_stopped_is_made_again(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", compared_here)

    def stop(what: str, step: int, steps: int) -> None:
        if step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path, formats=["safetensors"], progress=stop)
    assert "Not finished" in (tmp_path / CARD).read_text(encoding="utf-8")
    made = nas_tune.export(run, trainable=Fragile, folder=tmp_path, formats=["safetensors"])
    assert made.complete
    assert "Not finished" not in made.card.read_text(encoding="utf-8")
    assert made.origin == "the weights of the search, from its last checkpoint"


@pytest.mark.slow
def test_the_card_of_an_earlier_version_is_replaced(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", compared_here)
    (tmp_path / "weights.safetensors").write_bytes(b"older")
    older = tmp_path / OLDER_CARD
    older.write_text(f"# nb201, trial {lone(run) + 1} of digits\n\nWeights: others.\n")
    with pytest.raises(ConfigError, match=r"another network \(see its MODEL_CARD.md\)"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path, formats=["safetensors"])
    origin = "the weights of the search, from its last checkpoint"
    older.write_text(f"# nb201, trial {lone(run)} of digits\n\nWeights: {origin}.\n\n## Architecture\n")
    made = nas_tune.export(run, trainable=Fragile, folder=tmp_path, formats=["safetensors"])
    assert made.card.name == CARD
    assert not older.exists()


@pytest.mark.slow
def test_a_folder_of_something_else_is_left_alone(run: nas_tune.Run, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds model.py, and no README.md"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path)
    assert (tmp_path / "model.py").read_text() == "mine"
    (tmp_path / CARD).write_text("# My project\n")
    with pytest.raises(ConfigError, match=r"README.md was not written by an export, so it is not replaced"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path)
    (tmp_path / CARD).write_text("---\nlibrary_name: nas-tune\n---\n\n# nb201, trial 77 of digits\n")
    with pytest.raises(ConfigError, match="holds the export of another network"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path)
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path / "model.py")


def test_a_full_disk_leaves_nothing_that_looks_whole(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(network: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainables.export.standalone.write_weights", full)
    with pytest.raises(RunFolderError, match="No space left on device; name a place"):
        nas_tune.export(run, trainable=Fragile, folder=tmp_path / "new", formats=["py"])
    (left,) = (tmp_path / "new").iterdir()
    assert left.name == CARD
    assert "Not finished" in left.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_file_that_computes_something_else_is_not_kept(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "trainables.export.check._outputs",
        lambda kind, folder, batches, *_: {f"{name}/output": torch.zeros(int(name), 10) for name in batches},
    )
    made = nas_tune.export(run, trainable=Fragile, folder=tmp_path, formats=["py"])
    assert not made.complete
    assert "differ by" in made.formats[0].problem
    assert [file.name for file in tmp_path.iterdir()] == [CARD]


class Held(Climber):
    """Holds a module, and never thinks of its mode."""

    def setup(self, *args: Any, **keys: Any) -> None:
        super().setup(*args, **keys)
        self.network = nn.Dropout(0.5)


def test_a_network_of_somebody_elses_trainable_evaluates_too(tmp_path: Path) -> None:
    run = nas_tune.search(tiny_space(), Held, max_trials=1, run_dir=tmp_path / "run", **SEARCH)
    held: Any = nas_tune.trained(run, trainable=Held)
    assert torch.equal(held.network(torch.ones(9)), torch.ones(9))


def test_a_trainable_without_a_network_says_so(tmp_path: Path) -> None:
    climbed = nas_tune.search(tiny_space(), Climber, max_trials=1, run_dir=tmp_path / "a", **SEARCH)
    with pytest.raises(ConfigError, match=r"Climber does not say .* method deployed\(\)"):
        nas_tune.export(climbed, trainable=Climber)


@pytest.mark.slow
def test_what_was_found_in_a_supernet_is_exported_once_it_is_trained_from_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", compared_here)
    small = {"channels": 1, "cells": 1, "batch_size": 512, "augment": False}
    keys = {**SEARCH, "strategy": {"name": "gdas", **small}}
    trainable = {"name": "image_classifier", **SETTINGS}
    found = nas_tune.search("nb201", trainable, max_trials=1, run_dir=tmp_path / "run", **keys)
    with pytest.raises(
        ConfigError, match=r"searches by gdas; the weights of a supernet are shared .* nas-tune retrain"
    ):
        nas_tune.export(found)
    with pytest.raises(ConfigError, match="trial 0 was not retrained"):
        nas_tune.export(found, retrained=True)
    again = nas_tune.retrain(found, seeds=2, epochs=1, baselines=0, executor="inline")
    made = nas_tune.export(found, formats=["py"])
    assert [one.difference for one in made.formats] == [0]
    card, tests = made.card.read_text(encoding="utf-8"), again.run.trials()["test_accuracy"]
    assert "trained from scratch (nas-tune retrain), the first of its seeds; 1 epochs, in retrain" in card
    assert f"| test | accuracy | {tests.iloc[0]:.4f} | {tests.mean():.4f} +- {tests.std():.4f} (2 seeds) |" in card
    assert "| validation |" not in card
    assert "| parameters | 0 |" not in card
    of_supernet = int(found.trials()["supernet_parameters"].iloc[0])
    assert f"| parameters of the supernet in which it was found | {of_supernet:,} |" in card
    assert f"| parameters | {again.candidates[0].parameters:,} |" in card
    assert f"| seed of this training | {again.run.trials()['seed'].iloc[0]} |" in card
    with pytest.raises(ConfigError, match="weights of a supernet are shared"):
        nas_tune.export(found, retrained=False)


@pytest.mark.slow
def test_the_command_says_in_words_what_it_wrote_and_what_it_could_not(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(network: nn.Module, kind: str, folder: Path, batches: dict[str, Tensor]) -> float:
        if kind == "py":
            raise NotTheSameError("the outputs differ by 1")
        return 2e-6

    monkeypatch.setattr("trainables.export.exporting.compared", checked)
    monkeypatch.setattr(
        "nas_tune.winners.export.exporting.source_of",
        lambda run, n, target, *rest, **more: _sourced(run, n, Fragile, *rest, **more),
    )
    done = CliRunner().invoke(
        app, ["export", str(run.path), "--format", "safetensors,py", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 1, "a format is missing"
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["format", "files", "inputs", "bytes", "difference", "tolerance"]
    size = sum((tmp_path / "out" / name).stat().st_size for name in ("weights.safetensors", "architecture.json"))
    assert lines[1][:4] == ["safetensors", "weights.safetensors,", "architecture.json", "standardized"]
    assert lines[1][-2:] == ["2.0e-06", "1e-05"]
    assert lines[1][4] in (f"{size / 1000:.0f}", str(size))
    assert lines[2] == ["py", "-", "-", "-", "-", "1e-05"]
    assert f"trial {lone(run)}, the weights of the search, from its last checkpoint" in done.stdout
    assert "with a model card, in " in done.stdout
    assert "py: the outputs differ by 1" in done.stderr
    assert [line.split()[0] for line in done.stderr.splitlines() if line[0].isdigit()] == ["1/4", "2/4", "3/4", "4/4"]


@pytest.mark.slow
def test_the_command_writes_programs_for_any_batch_and_says_json(tmp_path: Path) -> None:
    made = nas_tune.search(
        "nb201", {"name": "image_classifier", **SETTINGS}, max_trials=1, run_dir=tmp_path / "run", **SEARCH
    )
    arguments = [
        "export",
        str(made.path),
        "--format",
        "safetensors,py,pt2,onnx",
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert [one["format"] for one in said["formats"]] == ["safetensors", "py", "pt2", "onnx"]
    assert all(one["difference"] <= 1e-5 for one in said["formats"])
    names = [CARD, "architecture.json", "model.onnx", "model.py", "program.pt2", "task.json", "weights.safetensors"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
