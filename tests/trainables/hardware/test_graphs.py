"""The quick ONNX file of a measurement."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from trainables.hardware import graphs
from trainables.hardware.graphs import write_graph
from trainables.hardware.sessions import session


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 2)).eval()


def test_it_computes_what_the_network_does_and_leaves_its_mode_alone(network, tmp_path):
    images = torch.randn(3, 3, 8, 8)
    write_graph(network, images, tmp_path / "one.onnx")
    found = session(tmp_path / "one.onnx", 1, 3).run(None, {"input": images.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(found), network(images))
    assert not any(module.training for module in network.modules())


def test_what_the_older_exporter_refuses_is_written_by_the_newer_one(network, tmp_path, monkeypatch):
    written = []

    def refused(*args, **kwargs):
        raise RuntimeError("an operation that it does not know")

    monkeypatch.setattr(graphs.torch.onnx, "export", refused)
    monkeypatch.setattr(graphs, "write_onnx", lambda network, inputs, path: written.append((len(inputs), path)))
    write_graph(network, torch.randn(1, 3, 8, 8), tmp_path / "one.onnx")
    assert written == [(2, tmp_path / "one.onnx")]


def test_what_the_older_exporter_cannot_write_is_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fallen: list[Path] = []
    monkeypatch.setattr("trainables.hardware.graphs.write_onnx", lambda network, inputs, path: fallen.append(path))
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d((3, 4))).eval()
    write_graph(network, torch.randn(1, 3, 16, 15), tmp_path / "one.onnx")
    assert fallen == [tmp_path / "one.onnx"]
    sys.stdout.write("afterwards\n")
    assert capfd.readouterr() == ("afterwards\n", "")
