"""Classification where an image may have several classes: what data show it, what is measured, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score
from torch.nn import functional

from trainables.data.multi_label import stratified_labels
from trainables.data.objects import keep
from trainables.errors import DataError, TrainableError
from trainables.tasks import multi_label
from trainables.tasks.registry import guessed, make_task

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (60, 6, 6), dtype=np.uint8)
LABELS = (RNG.random((60, 3)) < (0.6, 0.3, 0.15)).astype(np.int64)


def written(path: Path, **arrays: Any) -> str:
    np.savez(path / "several.npz", **{"x": IMAGES, "y": LABELS, **arrays})
    return str(path / "several.npz")


def encoded(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"image": [encoded(one) for one in IMAGES], **columns})


# Metrics


def test_metrics_are_those_of_scikit_learn() -> None:
    outputs = torch.from_numpy(np.round(RNG.normal(size=(60, 3)), 1)).float()  # with ties
    targets = torch.from_numpy(LABELS).to(torch.uint8)
    meter = multi_label.meter([one.name for one in multi_label.METRICS])
    for rows in (slice(0, 25), slice(25, 60)):
        meter.add(outputs[rows], targets[rows])
    found, chances, answers = meter.result(), outputs.sigmoid().double().numpy(), (outputs > 0).numpy()
    assert found["map"] == pytest.approx(average_precision_score(LABELS, outputs.numpy(), average="macro"))
    assert found["auc"] == pytest.approx(roc_auc_score(LABELS, chances, average="macro"))
    assert found["f1"] == pytest.approx(f1_score(LABELS, answers, average="macro"))
    assert found["accuracy"] == pytest.approx(accuracy_score(LABELS, answers))
    wanted = functional.binary_cross_entropy_with_logits(outputs, targets.float())
    assert found["loss"] == pytest.approx(float(wanted))


def test_a_class_that_a_part_lacks_is_left_out_of_the_means() -> None:
    outputs, targets = torch.randn(8, 3), torch.zeros(8, 3, dtype=torch.uint8)
    assert multi_label.mean_average_precision(outputs, targets) is None
    assert multi_label.auc(outputs, targets) is None
    targets[:4, 1] = 1
    alone = outputs[:, 1:2], targets[:, 1:2]
    assert multi_label.mean_average_precision(outputs, targets) == multi_label.mean_average_precision(*alone)
    assert multi_label.auc(outputs, targets) == multi_label.auc(*alone)
    assert multi_label.f1(-torch.ones(8, 3), torch.zeros(8, 3)) == 0


def test_weights_count_in_the_training_loss_only(tmp_path: Path) -> None:
    path, outputs, targets = written(tmp_path), torch.randn(6, 3), torch.from_numpy(LABELS[:6]).to(torch.uint8)
    made = make_task("classification", {"data": path, "class_weights": [1.0, 2.0, 3.0], "label_smoothing": 0.0})
    wanted = functional.binary_cross_entropy_with_logits(outputs, targets.float(), weight=torch.tensor([1.0, 2.0, 3.0]))
    data = made.load(CPU)
    assert torch.equal(made.loss(outputs, targets, data), wanted)
    balanced = make_task("classification", {"data": path, "class_weights": "balanced", "label_smoothing": 0.0})
    often = data.train.labels.float().sum(0)
    wanted = functional.binary_cross_entropy_with_logits(
        outputs, targets.float(), pos_weight=(len(data.train) - often) / often
    )
    assert torch.allclose(balanced.loss(outputs, targets, data), wanted)


# Forms of data


def test_the_data_show_it(tmp_path: Path) -> None:
    path = written(tmp_path, classes=np.array(["round", "red", "rare"]))
    assert guessed({"data": path})[0] == "classification"
    made = make_task("classification", {"data": path})
    assert (made.primary, [one.name for one in made.metrics]) == ("map", ["map", "f1", "auc", "accuracy", "loss"])
    data = made.load(CPU)
    assert (data.classes, data.multi_label, data.arguments()["num_classes"]) == (("round", "red", "rare"), True, 3)
    assert "3 classes, 0.92 for an image on average" in made.about()[0]
    assert made.decode(torch.tensor([[1.0, -1.0, 2.0], [-1.0, -1.0, -1.0]]), data) == [["round", "rare"], []]
    assert torch.allclose(made.probabilities(torch.zeros(1, 3), data), torch.full((1, 3), 0.5))
    single = make_task("classification", {"data": path, "labels": "single"})
    assert single.primary == "accuracy"
    with pytest.raises(DataError, match=r"labels are integers of shape \(n,\)"):
        single.check()


@pytest.mark.parametrize(
    ("columns", "target", "classes"),
    [
        ({"tags": [[name for name, one in zip("abc", row, strict=True) if one] for row in LABELS]}, None, "abc"),
        ({"tags": LABELS.tolist()}, "tags", "012"),
        (dict(zip("cab", LABELS.T, strict=True)), ["c", "a", "b"], "cab"),
        ({name: column.astype(bool) for name, column in zip("cab", LABELS.T, strict=True)}, ["c", "a", "b"], "cab"),
    ],
)
def test_parquet_files_and_frames_have_lists_or_columns(
    tmp_path: Path, columns: dict[str, Any], target: Any, classes: str
) -> None:
    made_frame = frame(**columns)
    made_frame.to_parquet(tmp_path / "several.parquet")
    for data in (str(tmp_path / "several.parquet"), keep(made_frame).data):
        made = make_task("classification", {"data": data, "target": target})
        raw = made.raw()
        assert raw.classes == tuple(classes)
        assert torch.equal(raw.train.labels, torch.from_numpy(LABELS).to(torch.uint8))
        assert made.primary == "map"


def test_pairs_and_data_sets_have_vectors() -> None:
    pairs = [
        (torch.from_numpy(image), torch.from_numpy(row).float()) for image, row in zip(IMAGES, LABELS, strict=True)
    ]
    for data in ((IMAGES, LABELS), (torch.from_numpy(IMAGES), torch.from_numpy(LABELS).bool()), _Pairs(pairs)):
        made = make_task("classification", {"data": data})
        assert made.primary == "map"
        assert torch.equal(made.raw().train.labels, torch.from_numpy(LABELS).to(torch.uint8))


class _Pairs(torch.utils.data.Dataset):
    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, place: int) -> Any:
        return self.pairs[place]


def test_each_part_has_its_share_of_each_class() -> None:
    labels = (RNG.random((1000, 5)) < (0.5, 0.3, 0.2, 0.05, 0.01)).astype(np.uint8)
    labels[:3, 4] = 1
    held = torch.from_numpy(labels)
    rest, drawn = stratified_labels(held, torch.arange(1000), 0.2, 0, "test")
    assert sorted([*rest.tolist(), *drawn.tolist()]) == list(range(1000))
    assert len(drawn) == pytest.approx(200, abs=4)
    share = held[drawn].float().sum(0) / held.float().sum(0)
    assert (share[:4] - 0.2).abs().max() < 0.05
    assert 0 < share[4] < 1
    assert torch.equal(drawn, stratified_labels(held, torch.arange(1000), 0.2, 0, "test")[1])
    assert not torch.equal(drawn, stratified_labels(held, torch.arange(1000), 0.2, 1, "test")[1])


def test_folds_share_the_classes(tmp_path: Path) -> None:
    path, seen = written(tmp_path), []
    for fold in range(3):
        data = make_task("classification", {"data": path, "folds": 3, "fold": fold}).load(CPU)
        assert bool((data.validation.labels.sum(0) > 0).all())
        assert len(data.train) + len(data.validation) == 48
        seen.append(len(data.validation))
    assert seen == [16, 16, 16]


# What is refused


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": LABELS * 2}, "y, row .*: the label of class .* is 2; it must be 1 where an example has the class"),
        ({"y": LABELS * (1, 1, 0)}, "no training image has the class 2; add images of it, or leave the class out"),
        (
            {"x_test": IMAGES[:5], "y_test": LABELS[:5, :2]},
            "training labels have 3 classes, test labels 2; give all parts the same classes",
        ),
        ({"classes": np.array(["a", "b"])}, "2 classes have names, and labels have 3; give a name for each"),
        ({"y": np.eye(3, dtype=int)[[0, 1] * 29 + [2, 0]]}, "class 2 has 1 example.* left and each split needs one"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_task("classification", {"data": written(tmp_path, **arrays)}).check()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1, 0]] * 59 + [[1, 0, 1]], "row 59 has 3 labels and row 0 has 2; give 0 or 1 for each class, or lists"),
        ([["a", "b"]] * 30 + [None] * 30, "row 30: there is no label; give a list, which may be empty"),
    ],
)
def test_lists_that_cannot_be_are_refused(tmp_path: Path, column: list[Any], message: str) -> None:
    frame(tags=column).to_parquet(tmp_path / "several.parquet")
    with pytest.raises(DataError, match=message):
        make_task("classification", {"data": str(tmp_path / "several.parquet")}).check()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"balanced": True}, "balanced draws each class alike, .*class_weights = 'balanced'"),
        ({"extra_metrics": ["top_2"]}, "extra_metrics has 'top_2', which is for one class an image"),
        ({"class_weights": [1.0]}, "class_weights has 1 number"),
        ({"labels": "many"}, "labels is 'many'"),
        ({"labels": "single", "target": ["a", "b"]}, "labels is 'single', and target names 2 columns"),
        ({"target": ["a"]}, "a list names a column for each class, two or more"),
        ({"target": ["a", "b"]}, "has no columns a, b: give an .npz file"),
        ({"data": "digits", "labels": "multi"}, "digits has no labels of several classes"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, TrainableError), match=message):
        make_task("classification", {"data": written(tmp_path), **settings}).check()
