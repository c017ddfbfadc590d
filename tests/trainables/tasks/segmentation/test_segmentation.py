"""The task `segmentation`: its metrics by hand, its loss, windows, remarks, and what a training learns."""

from __future__ import annotations

import math
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from trainables.data.volumes import VolumeSettings, load_volumes
from trainables.errors import TrainableError
from trainables.tasks.learner import Learner
from trainables.tasks.noticed import Noticed
from trainables.tasks.registry import guessed, make_task
from trainables.tasks.segmentation.losses import resampled, segmentation_loss
from trainables.tasks.segmentation.meter import SegmentationMeter, metrics_of_classes
from trainables.tasks.segmentation.surfaces import hd95
from trainables.tasks.segmentation.windows import in_windows
from trainables.training.parallel import Group

CPU = torch.device("cpu")
CLASSES = ("background", "body", "Tip, left")
SPACE = search_spaces.get("unet2d", widths=(8, 8), levels=(2, 2), blocks=(1, 1), operations=("conv_3x3",))


def logits(found: torch.Tensor) -> torch.Tensor:
    return 10 * torch.nn.functional.one_hot(found.long(), len(CLASSES)).movedim(-1, 1).float()


def meter(*names: str) -> SegmentationMeter:
    metrics = metrics_of_classes(CLASSES, "mm")
    return SegmentationMeter(CLASSES, metrics, names or [one.name for one in metrics], (1.0, 2.0), CPU)


def test_dice_is_the_mean_over_cases_then_classes() -> None:
    true = torch.zeros(3, 4, 4, dtype=torch.uint8)
    found = torch.zeros(3, 4, 4, dtype=torch.uint8)
    true[0, :2], found[0, :1] = 1, 1  # Dice 2 * 4 / (8 + 4)
    true[1, 0], found[1, 1] = 1, 1  # nothing in common
    true[0, 3], found[0, 3] = 2, 2  # in one case alone, and right
    one = meter()
    one.add(logits(found[:2]), true[:2])
    one.add(logits(found[2:]), true[2:])  # nothing there and nothing found: absent
    result = one.result()
    assert list(result) == ["dice", "loss", "dice_body", "dice_tip_left", "volume_error", "hd95"]
    assert result["dice_body"] == pytest.approx((8 / 12 + 0) / 2)
    assert result["dice_tip_left"] == 1
    assert result["dice"] == pytest.approx((result["dice_body"] + 1) / 2)
    assert result["volume_error"] == pytest.approx(((4 + 0) / 12 + 0) / 2)
    # One row of case 0 is not found: 1 away; case 1 is one row off; class 2 is right.
    assert result["hd95"] == pytest.approx((1 + 0) / 2, abs=0.3)
    assert not one.remarks()


def test_parts_of_processes_make_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(3, (6, 5, 5), generator=generator)
    outputs = torch.randn(6, 3, 5, 5, generator=generator)
    whole, parts = meter(), [meter(), meter()]
    whole.add(outputs, true)
    for part, rows in zip(parts, (slice(0, 2), slice(2, 6)), strict=True):
        part.add(outputs[rows], true[rows])

    class Both(Group):
        def sum_(self, tensors: Any) -> None:
            other = torch.cat((parts[1]._sums.flatten(), parts[1]._loss))
            for tensor in tensors:
                tensor += other

    parts[0].merge(Both(0, 2), CPU)
    assert parts[0].result() == pytest.approx(whole.result())


def test_a_class_that_is_never_predicted_is_told_once() -> None:
    one = meter("dice")
    true = torch.ones(1, 4, 4)
    one.add(logits(torch.zeros(1, 4, 4)), true)
    (remark,) = one.remarks()
    assert remark.startswith("class body is never predicted, although 16 positions have it; lower lr")
    noticed = Noticed()
    assert noticed.new([remark], is_last=False) == []
    assert noticed.new([remark], is_last=False) == [remark]
    assert noticed.new([remark], is_last=True) == []
    assert Noticed().new([remark], is_last=True) == [remark]


def test_the_distance_of_surfaces_is_in_millimetres() -> None:
    one, other = np.zeros((2, 20, 20), dtype=bool)
    one[5:10, 5:10], other[5:10, 8:13] = True, True
    assert hd95(one, other, (1.0, 1.0)) == pytest.approx(3)
    assert hd95(one, other, (1.0, 2.0)) == pytest.approx(6)
    assert hd95(one, one, (1.0, 1.0)) == 0
    assert hd95(one, np.zeros_like(one), (1.0, 1.0)) is None


def test_the_loss_falls_with_what_is_right() -> None:
    true = torch.randint(3, (2, 6, 6), generator=torch.Generator().manual_seed(0))
    right, wrong = logits(true), logits((true + 1) % 3)
    even = torch.zeros(2, 3, 6, 6)
    losses = [float(segmentation_loss(one, true, 1.0)) for one in (right, even, wrong)]
    assert all(a < b for a, b in pairwise(losses))
    assert losses[0] < 0.01
    assert float(segmentation_loss(even, true, 0.0)) == pytest.approx(math.log(3))
    assert resampled(true, torch.Size((3, 2))).shape == (2, 3, 2)
    assert float(segmentation_loss(even[..., :3, :3], true, 1.0)) > 0


def test_windows_cover_a_scan_and_average() -> None:
    scan = torch.randn(2, 1, 10, 7, generator=torch.Generator().manual_seed(0))
    seen: list[tuple[int, ...]] = []

    def run(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(inputs.shape))
        return torch.cat((inputs, -inputs), 1)

    found = in_windows(run, scan, (4, 4))
    assert torch.allclose(found, torch.cat((scan, -scan), 1), atol=1e-5)
    assert {*seen} == {(2, 1, 4, 4)}
    assert len(seen) == 4 * 3
    assert torch.allclose(in_windows(run, scan, (12, 4))[:, :1], scan, atol=1e-5)
    assert torch.equal(in_windows(run, scan, (10, 7))[:, :1], scan)


def test_the_answers_of_windows_are_not_kept() -> None:
    scan = torch.zeros(1, 1, 64, 64)
    alive: list[weakref.ref[torch.Tensor]] = []

    def run(inputs: torch.Tensor) -> torch.Tensor:
        assert sum(one() is not None for one in alive) <= 1
        answer = torch.cat((inputs, inputs), 1)
        alive.append(weakref.ref(answer))
        return answer

    in_windows(run, scan, (8, 8))
    assert len(alive) == 15 * 15


def test_the_unit_of_distances_is_said(tmp_path: Any) -> None:
    for dimensions, name in ((2, "pixels"), (3, "voxels")):
        task = make_task("segmentation", {"data": f"blobs{dimensions}d"})
        assert task.metrics[-1].unit == name
        assert task.about()[-1] == f"distances of surfaces (hd95) are in {name}, since the spacing is not known"
    x = np.random.default_rng(0).integers(0, 9, (8, 1, 8, 8))
    np.savez(tmp_path / "scans.npz", x=x, y=x[:, 0] > 4, spacing_mm=[1.0, 2.0])
    task = make_task("segmentation", {"data": str(tmp_path / "scans.npz"), "classes": ["nothing", "lung"]})
    assert task.metrics[-1].unit == "mm"
    assert task.about()[-1] == "distances of surfaces (hd95) are in mm"


@pytest.mark.slow
def test_a_training_learns_the_classes_and_hd95_is_for_evaluations() -> None:
    settings: dict[str, Any] = {"task": "segmentation", "data": "blobs2d", "space": SPACE, "device": "cpu"}
    learner = Learner(**settings, patch=32)
    tree = {**SPACE.sample(0).tree, "stem_stride": 2, "norm": "instance"}
    learner.setup(SPACE.validate(tree), seed=0, max_epochs=2)
    reports = [learner.step() for _ in range(2)]
    assert "hd95" not in reports[1]
    assert learner.evaluate("validation")["hd95"] > 0
    assert reports[1]["dice"] > 0.4
    assert reports[1]["dice_body"] > 0.5
    order = learner.task.order(learner.data, torch.Generator().manual_seed(0))
    assert len({*order.tolist()}) == len(order) <= len(learner.data.train)


def test_the_data_suggest_the_task_and_a_space_must_fit(tmp_path: Any) -> None:
    assert guessed({"data": "blobs2d"})[0] == "segmentation"
    np.savez(tmp_path / "scans.npz", x=np.zeros((4, 8, 8)), y=np.zeros((4, 8, 8), dtype=int))
    assert guessed({"data": str(tmp_path / "scans.npz")})[0] == "segmentation"
    with pytest.raises(TrainableError, match=r"the networks of nb201 give no class to each position; .*unet2d, unet3d"):
        Learner(task="segmentation", data="blobs2d", space="nb201")
    with pytest.raises(TrainableError, match=r"the networks of unet2d take images or volumes with a class for each"):
        Learner(task="classification", data="digits", space="unet2d")
    with pytest.raises(TrainableError, match=r"resize is 32: scans are not scaled"):
        make_task("segmentation", {"data": "blobs2d", "resize": 32})
    task = make_task("segmentation", {"data": "nowhere.npz", "classes": ["nothing", "lung"]})
    assert [metric.name for metric in task.metrics] == ["dice", "loss", "dice_lung", "volume_error", "hd95"]
    absent = make_task("segmentation", {"data": "nowhere.npz"})
    assert [metric.name for metric in absent.metrics] == ["dice", "loss", "volume_error", "hd95"]
    data = load_volumes(VolumeSettings(data="blobs2d"), CPU)
    assert task.most_at_once(data) == 2**18 // 1600
