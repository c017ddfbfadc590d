"""timm's models as a space: with a stand-in of the same functions, and with timm itself where it is installed."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nas_tune
from nas_tune.errors import ConfigError
from search_spaces import real
from tests.registries import kept
from trainables import networks
from trainables.errors import TrainableError
from trainables.networks import NETWORKS

MODELS = ("tiny_a", "tiny_b", "sized")


@pytest.fixture(autouse=True)
def _own_registries() -> Iterator[None]:
    with kept(NETWORKS):
        yield


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The calls of `create_model` of a module that stands in for timm."""
    calls: list[dict[str, Any]] = []

    def create_model(name: str, *, num_classes: int, in_chans: int, **more: Any) -> torch.nn.Module:
        calls.append({"name": name, **more})
        if "heads" in more:
            raise TypeError("unexpected keyword argument 'heads'")
        head = torch.nn.Linear(in_chans, num_classes)
        return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)

    def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
        return fnmatch.filter(MODELS[1:] if pretrained else MODELS, pattern)

    def get_pretrained_cfg(name: str) -> Any:
        return types.SimpleNamespace(fixed_input_size=name == "sized")

    module = types.ModuleType("timm")
    for function in (create_model, list_models, get_pretrained_cfg):
        setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, "timm", module)
    return calls


def test_the_models_of_a_pattern_are_searched(stand_in: list[dict[str, Any]], tmp_path: Path) -> None:
    space = nas_tune.spaces.timm("tiny_*", drop_rate=real(0.0, 0.3))
    assert space.name == "timm"
    assert space.parameters[0].choices == ("tiny_a", "tiny_b")
    options: dict[str, Any] = {"max_trials": 2, "max_epochs": 1, "executor": "inline", "run_dir": tmp_path / "run"}
    run = nas_tune.search(space, {"batch_size": 256}, task="classification", data="digits", **options)
    assert run.trials()["state"].tolist() == ["complete", "complete"]
    assert all(0 <= call["drop_rate"] <= 0.3 for call in stand_in)
    NETWORKS.forget("timm")
    assert "accuracy" in nas_tune.evaluate(run)


def test_a_model_of_one_size_gets_that_of_the_images_and_weights_on_wish(stand_in: list[dict[str, Any]]) -> None:
    space = nas_tune.spaces.timm(["tiny_b", "sized"], pretrained=True)
    tree = {**space.sample(0).tree, "model": "sized"}
    networks.build(space, tree, num_classes=3, in_channels=1, image_size=(8, 9))
    assert stand_in == [{"name": "sized", "pretrained": True, "img_size": (8, 9)}]


def test_what_timm_refuses_is_said_with_its_reason(stand_in: list[dict[str, Any]]) -> None:
    nas_tune.spaces.timm("tiny_a")
    with pytest.raises(TrainableError, match=r"timm's model 'tiny_a' refuses heads=3: unexpected keyword argument"):
        networks.build("timm", {"model": "tiny_a", "heads": 3})


def test_a_name_that_no_model_has_is_refused(stand_in: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match="timm has no model whose name matches 'tiny_c'; did you mean 'tiny_"):
        nas_tune.spaces.timm("tiny_c")
    with pytest.raises(ConfigError, match="timm has no model with weights whose name matches 'tiny_a'"):
        nas_tune.spaces.timm("tiny_a", pretrained=True)


def test_without_timm_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"timm cannot be imported .*; pip install timm"):
        nas_tune.spaces.timm("resnet*")


@pytest.mark.slow
def test_models_of_timm_itself_are_built() -> None:
    pytest.importorskip("timm")
    space = nas_tune.spaces.timm(["resnet10t", "vit_tiny_patch16_224"])
    for name in ("resnet10t", "vit_tiny_patch16_224"):
        network = networks.build(space, {"model": name}, num_classes=3, in_channels=1, image_size=32)
        assert network.eval()(torch.rand(2, 1, 32, 32)).shape == (2, 3)


def test_the_door_stays_light() -> None:
    code = "import sys, nas_tune.spaces; assert not {'torch', 'timm', 'ray'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
