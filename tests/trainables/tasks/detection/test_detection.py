"""The task detection: its losses, its meter, its predictions, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import search_spaces
from tests.trainables.data.boxes.files import drawn, parquet
from trainables.data.boxes import BoxSettings, load_boxes
from trainables.errors import TrainableError
from trainables.tasks.detection.assigning import NOTHING, by_points
from trainables.tasks.detection.average_precision import THRESHOLDS
from trainables.tasks.detection.losses import detection_loss, learned_from
from trainables.tasks.detection.meter import class_metrics
from trainables.tasks.learner import Learner
from trainables.tasks.predictor import learner_predictor
from trainables.tasks.registry import guessed, make_task

PICTURES, BOXES, LABELS = drawn(20)
TOWERS = {"depth": 1, "convolution": "separable_3x3", "shared": True}
ANCHORS = {"scales": 1, "ratios": 1, "size": 2}
HEADS: dict[str, dict[str, Any]] = {
    "anchor_free": {"centerness": True, "towers": TOWERS},
    "anchors": {**ANCHORS, "towers": TOWERS},
    "two_stage": {**ANCHORS, "roi": "align", "roi_size": 5, "features": 64},
}


def tree(head: str) -> dict[str, Any]:
    stage = {"blocks": 1, "width": 16, "block": "mb3_3x3"}
    return {
        "backbone": {"stem": 8, "stages": [stage, stage]},
        "pyramid": {"width": 32, "merging": {"fpn": {}}},
        "head": {head: HEADS[head]},
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(parquet(tmp_path_factory.mktemp("data") / "data.parquet", BOXES, LABELS, PICTURES))


@pytest.fixture(scope="module", params=HEADS)
def trained(request: pytest.FixtureRequest, data: str) -> Learner:
    learner = Learner(task="detection", space=search_spaces.get("detector"), data=data, device="cpu", lr=0.01)
    learner.setup(search_spaces.get("detector").validate(tree(request.param)), seed=0, max_epochs=3)
    losses = [learner.step()["train_loss"] for _ in range(3)]
    assert losses[-1] < losses[0]
    return learner


def perfect(learner: Learner, part: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Outputs that find every box of a part."""
    _, targets = learner.data.split(part).rows(torch.arange(len(learner.data.split(part))))
    boxes, labels = targets["boxes"], targets["labels"]
    scores = torch.full((*labels.shape, 3), -9.0)
    scores.scatter_(2, labels.clamp(min=0)[..., None], torch.where(labels >= 0, 9.0, -9.0)[..., None])
    points = torch.cat(((boxes[..., :2] + boxes[..., 2:]) / 2, torch.full((*labels.shape, 1), 8.0)), 2)
    return {"scores": scores, "boxes": boxes, "points": points}, targets


def test_finding_all_boxes_is_an_average_precision_of_one(trained: Learner) -> None:
    outputs, targets = perfect(trained, "train")
    meter = trained.task.meter(trained.data, [metric.name for metric in trained.task.metrics])
    meter.add(outputs, targets)
    values = meter.result()
    assert values["map50"] == values["map"] == values["ap50_circle"] == 1


def test_a_report_has_the_average_precision_of_each_class(trained: Learner) -> None:
    names = [metric.name for metric in trained.task.metrics]
    assert names == ["map50", "map", "ap50_circle", "ap50_square", "ap50_triangle", "loss"]
    assert set(trained.evaluate("train")) == set(names)
    assert len(THRESHOLDS) == 10


def test_a_loss_is_the_mean_over_the_images(trained: Learner) -> None:
    inputs, targets = trained.data.train.rows(torch.arange(4))
    with torch.no_grad():
        outputs = trained.network(trained.normalize(inputs))
    alone = []
    for row in range(4):
        one = {name: value[row : row + 1] for name, value in outputs.items()}
        alone.append(detection_loss(one, {name: value[row : row + 1] for name, value in targets.items()}))
    torch.testing.assert_close(torch.stack(alone).mean(), detection_loss(outputs, targets))


def test_learning_from_itself_beats_learning_from_another(trained: Learner) -> None:
    inputs, _ = trained.data.train.rows(torch.arange(4))
    with torch.no_grad():
        outputs = trained.network(trained.normalize(inputs))
    if "proposals" in outputs:
        return  # the regions of two networks are not the same places
    other = {**outputs, "scores": outputs["scores"] + torch.randn(outputs["scores"].shape) * 3}
    assert learned_from(outputs, outputs) < learned_from(outputs, other)


def test_images_without_a_box_have_a_loss(trained: Learner) -> None:
    inputs, targets = trained.data.train.rows(torch.arange(2))
    empty = {"boxes": torch.zeros_like(targets["boxes"]), "labels": torch.full_like(targets["labels"], -1)}
    outputs = trained.network(trained.normalize(inputs))
    loss = detection_loss(outputs, empty)
    loss.backward()
    assert torch.isfinite(loss)
    assert loss > 0


def test_predictions_are_in_the_pixels_of_the_pictures(trained: Learner, tmp_path: Path) -> None:
    predictor = learner_predictor(trained)
    object.__setattr__(trained.task, "shown_score", 0.0)
    try:
        large = np.zeros((100, 200, 3), np.uint8)
        (found,) = predictor.predict([large])
        assert found
        assert all(0 <= one["box"][0] <= one["box"][2] <= 200 and one["box"][3] <= 100 for one in found)
        assert max(one["box"][2] for one in found) > 32
        file = tmp_path / "picture.png"
        Image.fromarray(large).save(file)
        assert predictor.predict(str(file)) == [found]
        assert predictor.draw(str(file), tmp_path / "drawn.png") == [tmp_path / "drawn.png"]
        assert np.asarray(Image.open(tmp_path / "drawn.png")).any()
    finally:
        object.__setattr__(trained.task, "shown_score", 0.3)


def test_a_place_learns_the_smallest_box_around_it() -> None:
    points = torch.tensor([[20.0, 20, 8], [4, 4, 8], [60, 60, 8]])
    boxes = torch.tensor([[[0.0, 0, 40, 40], [10, 10, 30, 30], [0, 0, 0, 0]]])
    chosen = by_points(points, boxes, torch.tensor([[0, 1, -1]]))
    assert chosen.tolist() == [[1, NOTHING, NOTHING]]


def test_classes_that_are_called_the_same_in_reports_have_numbers() -> None:
    assert [one.name for one in class_metrics(["cell phone", "Cell-phone", "RBC"])] == [
        "ap50_cell_phone_0",
        "ap50_cell_phone_1",
        "ap50_rbc",
    ]


def test_a_network_of_another_kind_is_refused(data: str) -> None:
    with pytest.raises(TrainableError, match=r"the networks of nb201 find no boxes; give .* detector, detnas"):
        Learner(task="detection", space="nb201", data=data)
    with pytest.raises(TrainableError, match="take images in which they find boxes"):
        Learner(task="classification", space="detector")
    task = make_task("detection", {"data": data})
    loaded = load_boxes(BoxSettings(data=data), torch.device("cpu"))
    with pytest.raises(TrainableError, match="the network returned a Tensor; for detection it returns a dict"):
        task.loss(torch.zeros((2, 3)), {}, loaded)


def test_the_task_is_guessed_from_boxes(data: str) -> None:
    assert guessed({"data": data})[0] == "detection"
    assert guessed({"data": "shapes"})[0] == "detection"


def test_a_size_may_be_decided(data: str) -> None:
    task = make_task("detection", {"data": data, "resize": [24, 40]})
    assert task.load(torch.device("cpu")).image_size == (24, 40)


def test_pictures_show_the_truth_beside_what_is_found(trained: Learner) -> None:
    found = trained.pictures("validation", 2)
    assert list(found) == ["image 0: truth, prediction", "image 1: truth, prediction"]
    picture = Image.open(io.BytesIO(found["image 0: truth, prediction"]))
    assert picture.width > 2 * picture.height * 0.9
