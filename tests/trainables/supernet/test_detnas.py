"""Supernets of detectors: backbones of DetNAS with the loss of detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import search_spaces
from tests.trainables.data.boxes.files import drawn, parquet
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.detection import Detection

DEPTHS = [1, 1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spos", "ofa"])
def test_a_backbone_is_found_by_the_average_precision(method: str, tmp_path: Path) -> None:
    pictures, boxes, labels = drawn(24)
    data = str(parquet(tmp_path / "data.parquet", boxes, labels, pictures))
    space = search_spaces.get("detnas", depths=DEPTHS, blocks=["shuffle_3x3", "shuffle_5x5"])
    choices = {"depths": DEPTHS, "blocks": ["shuffle_3x3", "shuffle_5x5"]}
    settings: dict[str, Any] = {"scale": 0.1, "width": 16, "depth": 1, "choices": choices}
    search = DartsTrainable(
        task="detection",
        data=data,
        space=space,
        network=settings,
        method=method,
        method_settings={"population": 2, "generations": 1},
        batch_size=6,
        device="cpu",
    )
    search.setup(search_spaces.Architecture({}), seed=0, max_epochs=2)
    reports = [search.step() for _ in range(2)]
    assert 0 <= reports[-1]["discrete_map50"] <= 1
    assert reports[-1]["train_loss"] < reports[0]["train_loss"] * 2
    assert reports[-1]["parameters"] < reports[-1]["supernet_parameters"]


def test_supernets_take_as_many_examples_a_step_as_the_task_recommends() -> None:
    def batch(**given: Any) -> int:
        return SearchBuilder(given).settings.batch_size

    boxes: dict[str, Any] = {"task": "detection", "data": "shapes", "space": "detnas"}
    assert batch(**boxes, method="spos") == batch(**boxes, method="gdas") == Detection().recipe()["batch_size"]
    assert batch(**boxes, method="spos", batch_size=12) == 12
    images: dict[str, Any] = {"task": "classification", "data": "digits", "space": "nb201"}
    assert (batch(**images, method="spos"), batch(**images, method="pdarts")) == (64, 96)
