"""The files of every family: no larger than their weights allow, nothing of this machine in them, and equal outputs."""

from __future__ import annotations

import copy
import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from tests.registries import kept
from tests.trainables.export.networks import SETTINGS, inputs, member, spread
from trainables.errors import TrainableError
from trainables.export import Deployed, check_deployed, export_network
from trainables.export.onnx import write_onnx
from trainables.export.program import write_program
from trainables.export.standalone import write_model
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.networks.vit import RelativeSelfAttention

ROOM = 200_000


def weights(network: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def by_onnx(file: Path, x: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"input": x.numpy()})[0])


def attention() -> nn.Module:
    """A vision transformer's layer that knows how far any two of 12 x 16 patches lie apart."""
    torch.manual_seed(0)
    layer = RelativeSelfAttention(8, 2, 16, (12, 16)).eval()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


@pytest.mark.slow
def test_relative_positions_stay_computed_in_onnx(tmp_path: Path) -> None:
    layer, x = attention(), torch.randn(2, 193, 8)
    write_onnx(layer, x, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size < 1.5 * weights(layer) + ROOM
    with torch.no_grad():
        torch.testing.assert_close(by_onnx(tmp_path / "model.onnx", x), layer(x), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_program_holds_no_examples_and_nothing_of_this_machine(tmp_path: Path) -> None:
    network, x = nn.Sequential(nn.Linear(5, 4), nn.ReLU()).eval(), torch.full((2, 5), 0.123)
    write_program(network, x, tmp_path / "program.pt2")
    with zipfile.ZipFile(tmp_path / "program.pt2") as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert str(Path(__file__).parents[3]).encode() not in whole
    assert b"site-packages" not in whole
    assert x.numpy().tobytes() not in whole
    made: Any = torch.export.load(tmp_path / "program.pt2").module()
    y = torch.randn(7, 5)
    torch.testing.assert_close(made(y), network(y))


class Tiny(nn.Module):
    """Two channels of 4 x 3 pixels to three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layer(x.flatten(1))
        return logits


def tiny(**known: Any) -> Deployed:
    torch.manual_seed(0)
    data: dict[str, Any] = {"mean": (100.0, 3.0), "std": (50.0, 0.5), "classes": ("cat", "dog", "dær"), "data": "pets"}
    data |= {"raw_dtype": "uint8", "raw_range": (0.0, 255.0)}
    return Deployed(Tiny().eval(), torch.randn(3, 2, 4, 3), "tiny", {}, **{**data, **known})


@pytest.mark.parametrize("raw", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_files_take_raw_inputs_or_standardized_ones_and_say_which(
    raw: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed, given = tiny(), {}

    def remembered(network: nn.Module, kind: str, folder: Path, batches: dict[str, Tensor], *_: object) -> float:
        given[kind] = network, batches["5"]
        return 0.0

    monkeypatch.setattr("trainables.export.exporting.compared", remembered)
    made = export_network(deployed, tmp_path, ["py", "pt2", "onnx"], identifier="abc", normalization=raw)
    assert [one.inputs for one in made] == ["raw" if raw else "standardized"] * 3
    images = torch.randint(256, (5, 2, 4, 3), dtype=torch.uint8)
    mean, std = (torch.tensor(one).view(1, 2, 1, 1) for one in (deployed.mean, deployed.std))
    z = (images.float() - mean) / std
    wanted = deployed.network(z).detach()
    assert spread(wanted) > 0.1
    x = images.float() if raw else z
    said: dict[str, Any] = {"metadata.json": ""}
    program: Any = torch.export.load(tmp_path / "program.pt2", extra_files=said).module()
    names: dict[str, Any] = {"__name__": "model", "__file__": str(tmp_path / "model.py")}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), names)
    for run in (program, names["load"](), names["load"](raw=raw), given["onnx"][0]):
        torch.testing.assert_close(run(x), wanted)
    for run in (names["load"](raw=True), lambda images: names["load"](raw=False)(names["normalize"](images))):
        torch.testing.assert_close(run(images), wanted)
    torch.testing.assert_close(by_onnx(tmp_path / "model.onnx", x), wanted, rtol=1e-4, atol=1e-5)
    # The check in the fresh interpreter gives the files what they take.
    centre = mean.flatten() if raw else torch.zeros(2)
    assert bool(((given["onnx"][1].mean((0, 2, 3)) - centre).abs() < (std.flatten() if raw else 1)).all())
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    found = session.get_modelmeta().custom_metadata_map
    assert found == json.loads(said["metadata.json"])
    assert json.loads(found["classes"]) == ["cat", "dog", "dær"]
    assert (json.loads(found["mean"]), json.loads(found["std"])) == ([100, 3], [50, 0.5])
    assert found["normalization"].startswith("inside" if raw else "outside")
    assert ("uint8 in the data, 0 to 255" in found["input"]) == raw
    assert found["architecture_id"] == "abc"


def test_a_network_without_statistics_is_exported_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    deployed = tiny(mean=(), std=())
    made = export_network(deployed, tmp_path, ["py"])
    assert made[0].inputs == ""
    text = (tmp_path / "model.py").read_text(encoding="utf-8")
    assert "normalize" not in text
    assert "raw" not in text
    with pytest.raises(TrainableError, match="mean has 1 numbers and std 0; both have one for each channel"):
        check_deployed(tiny(mean=(1.0,), std=()), object())


@pytest.mark.slow
@pytest.mark.parametrize("family", SETTINGS)
def test_every_format_of_every_family_is_small_and_equal(family: str, tmp_path: Path) -> None:
    size: dict[str, Any] = {"channels": 3, "size": (9, 14)} if family in ("vit", "nb201", "pnas", "resnet") else {}
    exact = member(family, 5, **size)
    network = copy.deepcopy(exact).float()
    x, more = (inputs(family, count, **size) for count in (2, 5))
    with torch.no_grad():
        truth = exact(more)
    x, more = (one.float() if one.is_floating_point() else one for one in (x, more))
    write_onnx(network, x, tmp_path / "model.onnx")
    write_program(network, x, tmp_path / "program.pt2")
    write_model(Deployed(network, x, family, {}), (x, inputs(family, 3, **size).to(x.dtype)), [], tmp_path / "model.py")
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert max(sizes.values()) < 1.5 * weights(network) + ROOM, sizes
    made: Any = torch.export.load(tmp_path / "program.pt2").module()
    with torch.no_grad():
        wanted = network(more)
        assert spread(wanted) > 0.01
        # Deep networks lose digits in float32: a file may round otherwise than the network, and no worse.
        greatest = float(wanted.abs().max())
        allowed = max(1e-4 * greatest, min(10 * float((wanted - truth).abs().max()), 1e-3 * greatest))
        torch.testing.assert_close(made(more), wanted, rtol=0, atol=allowed)
        found = by_onnx(tmp_path / "model.onnx", more)
        torch.testing.assert_close(found, wanted, rtol=0, atol=allowed)
        without = copy.deepcopy(network)
        for layer in without.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                layer.weight.zero_()
        assert (without(more) - found).abs().max() > 1e-2 * wanted.abs().max()


def test_weights_of_a_network_that_no_fresh_interpreter_finds_are_compared_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(architecture: Any, *, num_classes: int = 2) -> nn.Module:  # a local function has no name to import
        return nn.Sequential(nn.Flatten(), nn.Linear(12, architecture["width"]), nn.Linear(architecture["width"], 2))

    with kept(NETWORKS):
        NETWORKS.register("local_one", Family(build))
        network = build({"width": 3})
        own = Deployed(network, torch.randn(4, 3, 2, 2), "local_one", {"width": 3}, settings={})
        (done,) = export_network(own, tmp_path, ["safetensors"])
        assert done.difference == 0
        assert done.problem.startswith("compared in the exporting process only: the network of 'local_one'")
        assert {file.name for file in done.files} == {"weights.safetensors", "architecture.json"}
        monkeypatch.setattr("trainables.export.weights.write_weights", wrong_weights)
        (refused,) = export_network(own, tmp_path / "wrong", ["safetensors"])
        assert not refused.files
        assert "the outputs differ by" in refused.problem
        (unbuilt,) = export_network(dataclasses.replace(own, settings=None), tmp_path / "other", ["safetensors"])
        assert unbuilt.difference is None
        assert unbuilt.problem.startswith("not rebuilt: trainables.build cannot")


def wrong_weights(network: nn.Module, path: Path) -> None:
    safetensors.torch.save_file({name: tensor + 1 for name, tensor in network.state_dict().items()}, path)
