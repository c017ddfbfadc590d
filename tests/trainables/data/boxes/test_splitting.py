"""Groups of images with boxes are never on two sides, and folds share the memory of the images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.trainables.data.boxes.files import coco, drawn, parquet, voc, yolo
from trainables.data.boxes import BoxData, BoxSettings, load_boxes
from trainables.data.chosen import ChosenRows
from trainables.errors import DataError
from trainables.tasks.detection import Detection

CPU = torch.device("cpu")
PICTURES, BOXES, LABELS = drawn(12)
PATIENTS = [f"p{row // 2}" for row in range(12)]
"""Two images of each of six patients."""
NAMES = ("train", "validation", "test")


def loaded(path: Path, **settings: Any) -> BoxData:
    return load_boxes(BoxSettings(data=str(path), **settings), CPU)


def in_parquet(folder: Path) -> Path:
    path = parquet(folder / "all.parquet", BOXES, LABELS, PICTURES)
    table = pq.read_table(path)
    pq.write_table(table.append_column("patient", pa.array(PATIENTS)), path)
    return path


def in_coco(folder: Path) -> Path:
    path = coco(folder, {"train": range(12)}, PICTURES, BOXES, LABELS)
    file = path / "instances_train.json"
    held = json.loads(file.read_text())
    for one, patient in zip(held["images"], PATIENTS, strict=True):
        one["patient"] = patient
    file.write_text(json.dumps(held))
    return path


def in_folders(folder: Path) -> Path:
    """YOLO, with a folder of images for each patient."""
    path = yolo(folder, {"all": range(12)}, PICTURES, BOXES, LABELS)
    for row, patient in enumerate(PATIENTS):
        for name, ending in (("images", "png"), ("labels", "txt")):
            file = path / name / "all" / f"{row}.{ending}"
            if file.exists():
                (path / name / patient).mkdir(exist_ok=True)
                shutil.move(file, path / name / patient / file.name)
    return path


GROUPED = {"parquet": (in_parquet, "patient"), "coco": (in_coco, "patient"), "folders": (in_folders, "{group}/*")}


@pytest.mark.parametrize("form", GROUPED)
def test_images_of_a_group_are_in_one_part(form: str, tmp_path: Path) -> None:
    make, groups = GROUPED[form]
    path = make(tmp_path / "data")
    for seed in range(4):
        data = loaded(path, validation_groups=groups, seed=seed)
        codes = [set(data.groups[name].tolist()) for name in NAMES]
        assert all(codes)
        assert sum(map(len, codes)) == len(set.union(*codes)) == 6
        assert [len(data.groups[name]) for name in NAMES] == [len(data.split(name)) for name in NAMES]
    whole = loaded(path, validation_groups=groups, whole=True)
    assert (len(whole.groups["train"]), len(whole.groups["validation"])) == (len(whole.train), 0)


def test_the_images_themselves_are_parted_by_their_groups(tmp_path: Path) -> None:
    data = loaded(in_parquet(tmp_path), validation_groups="patient")
    known = [torch.tensor(one.tolist(), dtype=torch.uint8).permute(2, 0, 1) for one in PICTURES]
    patients = []
    for name in NAMES:
        images = data.split(name).rows(torch.arange(len(data.split(name))))[0]
        patients.append({PATIENTS[row] for row, one in enumerate(known) if any(torch.equal(one, x) for x in images)})
    assert sum(map(len, patients)) == len(set.union(*patients)) == 6


def test_groups_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column 'scan'; validation_groups names one"):
        loaded(in_parquet(tmp_path / "a"), validation_groups="scan")
    with pytest.raises(DataError, match=r"no image has 'scan'; .* they have file_name, id, patient"):
        loaded(in_coco(tmp_path / "b"), validation_groups="scan")
    path = voc(tmp_path / "c", {"train": range(12)}, PICTURES, BOXES, LABELS)
    with pytest.raises(
        DataError, match=r"validation_groups is 'patient', and the files of .* name no groups; give a pa"
    ):
        loaded(path, validation_groups="patient")
    with pytest.raises(DataError, match=r"does not fit validation_groups, 'x\{group\}_\*'"):
        loaded(path, validation_groups="x{group}_*")
    with pytest.raises(DataError, match=r"the images of 'shapes' have no groups"):
        load_boxes(BoxSettings(validation_groups="patient"), CPU)
    with pytest.raises(DataError, match=r"validation_groups is '\{group\}_\*', .* give the column|has no column"):
        loaded(tmp_path / "a" / "all.parquet", validation_groups="{group}_*")


def test_a_group_in_two_given_parts_is_refused(tmp_path: Path) -> None:
    path = coco(tmp_path, {"train": range(8), "test": range(8, 12)}, PICTURES, BOXES, LABELS)
    for name in ("train", "test"):
        file = path / f"instances_{name}.json"
        held = json.loads(file.read_text())
        held["images"] = [{**one, "video": "a" if one["id"] in (0, 77) else one["id"]} for one in held["images"]]
        file.write_text(json.dumps(held))
    with pytest.raises(DataError, match=r"group 'a' of 'video' has examples for train and for test; move them"):
        loaded(path, validation_groups="video")


@pytest.mark.parametrize("groups", [None, "patient"])
def test_each_image_outside_the_test_is_once_for_validation(groups: str | None, tmp_path: Path) -> None:
    path = in_parquet(tmp_path)
    alone = loaded(path, validation_groups=groups)
    seen: list[bytes] = []
    for fold in range(3):
        data = loaded(path, validation_groups=groups, folds=3, fold=fold)
        assert isinstance(data.train.images, ChosenRows)
        assert isinstance(data.validation.images, ChosenRows)
        assert data.train.images.whole is data.validation.images.whole
        images, targets = data.validation.rows(torch.arange(len(data.validation)))
        seen += [one.numpy().tobytes() for one in images]
        rows = range(len(data.validation))
        assert [targets["labels"][row].tolist() for row in rows] == data.validation.labels.tolist()
        assert torch.equal(data.test.rows(torch.arange(2))[0], alone.test.rows(torch.arange(2))[0])
        assert f"the part for validation is fold {fold + 1} of 3" in data.notes
        if groups:
            assert not set(data.groups["train"].tolist()) & set(data.groups["validation"].tolist())
    outside = [alone.split(name).rows(torch.arange(len(alone.split(name))))[0] for name in ("train", "validation")]
    assert sorted(seen) == sorted(one.numpy().tobytes() for one in torch.cat(outside))


def test_folds_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"folds is 40, and .* outside the test part; each fold needs one"):
        loaded(in_parquet(tmp_path / "a"), folds=40)
    with pytest.raises(DataError, match=r"folds is 6, and there are \d groups"):
        loaded(in_parquet(tmp_path / "a"), folds=6, validation_groups="patient")
    path = coco(tmp_path / "b", {"train": range(8), "val": range(8, 12)}, PICTURES, BOXES, LABELS)
    with pytest.raises(DataError, match=r"folds is 2, and .* comes with a part for validation"):
        loaded(path, folds=2)


def test_a_task_without_groups_and_folds_is_identified_as_before() -> None:
    names = {f"data.{name}" for name in ("validation_groups", "folds", "fold", "stream", "loaders")}
    assert not names & set(Detection().identity())
    folded = Detection(data=BoxSettings(folds=2, fold=1, stream=True)).identity()
    assert {name: folded[name] for name in names & set(folded)} == {"data.folds": 2, "data.fold": 1}
