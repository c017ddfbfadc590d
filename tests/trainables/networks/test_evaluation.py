"""What is handed out evaluates: outputs do not depend on the batch, and looking changes nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import search_spaces
from trainables.networks.evaluation import set_evaluating
from trainables.tasks.image_classifier import ImageClassifier

CELL = search_spaces.get("nb201").from_string(  # type: ignore[attr-defined]
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
)


def begun(**settings: Any) -> ImageClassifier:
    classifier = ImageClassifier(channels=2, cells=1, batch_size=512, device="cpu", **settings)
    classifier.setup(CELL, seed=0, max_epochs=3)
    return classifier


def looked_at(network: nn.Module, images: torch.Tensor) -> None:
    """Outputs of an example by itself are those that it has beside others, and the state stays as it is."""
    assert not any(module.training for module in network.modules())
    before = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        alone, together = network(images[:1]), network(images)
    torch.testing.assert_close(alone[0], together[0])
    assert not torch.equal(together[0], together[1])
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("settings", [pytest.param({}, marks=pytest.mark.slow), {"ema": 0.9, "whole": True}])
def test_a_classifier_evaluates_whenever_it_is_looked_at_and_trains_on_as_if_nobody_had(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    watched, alone = begun(**settings), begun(**settings)
    images = watched.normalize(torch.randint(17, (6, 1, 8, 8)))
    for _ in range(2):
        looked_at(watched.network, images)
        looked_at(watched.deployed().network, images)
        assert watched.step() == alone.step()
    watched.save(tmp_path)
    again = begun(**settings)
    again.load(tmp_path)
    looked_at(again.network, images)
    assert again.step() == alone.step()
    assert again.evaluate("test") == alone.evaluate("test")


def test_a_training_that_breaks_off_leaves_a_network_that_evaluates(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = begun()
    monkeypatch.setattr("trainables.training.optimization.Optimizer.descend", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        classifier.step()
    assert not classifier.network.training


@dataclass(slots=True)
class Begun:
    network: nn.Module
    never: nn.Module


class Own:
    """A trainable as somebody may write it."""

    def __init__(self) -> None:
        self.network = nn.Sequential(nn.BatchNorm1d(2))
        self.parts = {"heads": [nn.Dropout(), None]}
        self.begun = object.__new__(Begun)
        self.begun.network = nn.Dropout()
        self.images = [torch.zeros(1)] * 2000
        self.me = self

    @property
    def costly(self) -> object:
        raise AssertionError("no code of the class runs")


def test_modules_that_a_trainable_of_somebody_else_holds_evaluate() -> None:
    own = Own()
    set_evaluating(own)
    held = [own.network, own.network[0], own.parts["heads"][0], own.begun.network]
    assert [module.training for module in held] == [False] * 4  # type: ignore[union-attr]
    set_evaluating(object())
