"""Scans with masks: what is read, how it is split and cut, and what is refused with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.volumes import PatchPart, VolumeSettings, described_volumes, holds_masks, load_volumes
from trainables.data.volumes.blobs import drawn_blobs
from trainables.data.volumes.scans import starts_of
from trainables.data.volumes.unlabelled import read_volumes
from trainables.data.volumes.views import ScanViews
from trainables.errors import DataError, TrainableError
from trainables.tasks.registry import make_task

CPU = torch.device("cpu")


def scans(count: int = 20, side: int = 8) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noise with a box of class 1 and one of class 2."""
    rng = np.random.default_rng(0)
    masks = np.zeros((count, side, side, side + 2), dtype=np.uint8)
    masks[:, 1:4, 2:5, 2:5], masks[:, 5:7, 3:6, 3:6] = 1, 2
    images = rng.integers(0, 50, masks.shape) + 80 * masks
    return images[:, None].astype(np.uint8), masks


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    def write(**arrays: Any) -> str:
        images, masks = scans()
        np.savez(tmp_path / "scans.npz", **{"x": images, "y": masks, **arrays})
        return str(tmp_path / "scans.npz")

    return write


def test_an_npz_file_is_read_in_the_parts_that_it_names(written: Callable[..., str]) -> None:
    split = ["train"] * 12 + ["val"] * 4 + ["test"] * 4
    path = written(split=split, classes=["nothing", "left", "right"], spacing_mm=[1.0, 1.0, 3.0])
    data = load_volumes(VolumeSettings(data=path), CPU)
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 4, 4)
    assert data.classes == ("nothing", "left", "right")
    assert data.arguments() == {"num_classes": 3, "in_channels": 1, "image_size": (8, 8, 10)}
    images, masks = data.train.rows(torch.tensor([3, 0]))
    given = scans()
    assert np.array_equal(images.numpy(), given[0][[3, 0]])
    assert np.array_equal(masks.numpy(), given[1][[3, 0]])
    standard = data.normalize(data.train.rows(torch.arange(12))[0])
    assert float(standard.mean()) == pytest.approx(0, abs=1e-4)
    assert float(standard.std()) == pytest.approx(1, abs=1e-3)
    lines = described_volumes(VolumeSettings(data=path))
    assert any("anisotropic spacing 1 x 1 x 3 mm" in line and "as conv_3x3x1, may suit" in line for line in lines)
    assert holds_masks(path, None)


def test_each_scan_may_have_its_own_scale(written: Callable[..., str]) -> None:
    images, _ = scans()
    path = written(x=images.astype(np.float32) * np.arange(1, 21)[:, None, None, None, None])
    data = load_volumes(VolumeSettings(data=path, intensity="volume"), CPU)
    standard = data.normalize(data.train.rows(torch.arange(5))[0]).flatten(1)
    assert torch.allclose(standard.mean(1), torch.zeros(5), atol=1e-4)
    assert torch.allclose(standard.std(1), torch.ones(5), atol=1e-2)


def test_no_patient_is_on_both_sides(written: Callable[..., str]) -> None:
    patients = [f"p{number // 4}" for number in range(20)]
    path = written(patient=patients)
    data = load_volumes(VolumeSettings(data=path, validation_groups="patient"), CPU)
    sides = [set(codes.tolist()) for codes in data.groups.values()]
    assert len(sides) == 3
    assert sum(map(len, sides)) == 5
    both = written(groups=patients, split=["train"] * 10 + ["test"] * 10)
    with pytest.raises(DataError, match=r"group 'p2' of 'groups' has examples for train and for test; move them"):
        load_volumes(VolumeSettings(data=both), CPU)


def test_too_few_scans_or_patients_are_told_with_the_data(written: Callable[..., str]) -> None:
    images, masks = scans(2)
    with pytest.raises(DataError, match=r"scans.npz, validation: 1 scan is left, and each part needs one; add scans"):
        load_volumes(VolumeSettings(data=written(x=images, y=masks)), CPU)
    with pytest.raises(DataError, match=r"scans.npz, validation: validation_groups has 1 group left"):
        load_volumes(VolumeSettings(data=written(groups=["a"] * 10 + ["b"] * 10)), CPU)


def test_folds_share_the_scans(written: Callable[..., str]) -> None:
    path = written()
    seen: list[str] = []
    for fold in range(3):
        data = load_volumes(VolumeSettings(data=path, folds=3, fold=fold), CPU)
        assert len(data.train) + len(data.validation) == 16
        seen += data.validation.names
    assert len({*seen}) == len(seen) == 16


def test_larger_scans_are_cut_into_windows_that_overlap(written: Callable[..., str]) -> None:
    assert starts_of(10, 4) == [0, 2, 4, 6]
    assert starts_of(4, 6) == [0]
    data = load_volumes(VolumeSettings(data=written(), patch=[8, 8, 6]), CPU)
    assert isinstance(data.train, PatchPart)
    assert data.window == (8, 8, 6)
    assert len(data.train) == 3 * len(data.train.whole)
    images, masks = data.train.rows(torch.tensor([5]))
    whole, of_whole = data.train.whole.rows(torch.tensor([1]))
    assert torch.equal(images, whole[..., 4:10])
    assert torch.equal(masks, of_whole[..., 4:10])
    assert data.train.holds_foreground.all()
    assert data.validation.rows(torch.tensor([0]))[0].shape == (1, 1, 8, 8, 10)
    assert load_volumes(VolumeSettings(data=written(), patch=64), CPU).window is None


def _masks(change: Callable[[Any], Any]) -> dict[str, Any]:
    return {"y": change(scans()[1])}


def _nan() -> dict[str, Any]:
    images = scans()[0].astype(np.float32)
    images[4, 0, 1, 1, 1] = np.nan
    return {"x": images}


BAD = {
    "shapes differ": (
        _masks(lambda y: y[:, :, :7]),
        r"scan 0: the image has the shape \(8, 8, 10\) and the mask \(8, 7, 10\); .*: resample",
    ),
    "too few masks": (_masks(lambda y: y[:-1]), "x has 20 scans and y 19 masks; give one for each"),
    "gaps": (_masks(lambda y: y * 3), "are 0, 3, 6, without 1; number them 0, 1, 2"),
    "fractions": (_masks(lambda y: y / 2), "y holds 0.5; a mask holds whole numbers of classes"),
    "negative": (_masks(lambda y: y.astype(np.int16) - 1), "values from -1 to 1; classes are numbered from 0"),
    "one class": (_masks(lambda y: y * 0), "every training mask holds class 0 alone; there is nothing to learn"),
    "no background": (_masks(lambda y: y + 1), "no training mask holds class 0, the background; number"),
    "nan": (_nan(), "scan 4: the image holds 1 NaN or infinite values; replace them"),
    "names": ({"classes": ["a", "b"]}, r"2 classes are named \(a, b\), and the training masks hold 3 .*; name each"),
    "split": ({"split": ["train"] * 19 + ["third"]}, "split, scan 19 is 'third', which is not a part; name one"),
    "spacing": ({"spacing_mm": [1.0, 2.0]}, "it holds the 3 distances of two voxels in mm"),
    "infinite spacing": ({"spacing_mm": [1.0, 1.0, np.inf]}, "in mm, for all scans or for each, above 0 and finite"),
    "one-hot": (
        {"y": np.stack([scans()[1] == label for label in range(3)], 1)},
        r"a mask for each of 3 classes; .*: write y.argmax\(1\), with the background first",
    ),
    "one-hot last": ({"y": np.stack([scans()[1] == 1] * 3, -1)}, r"one-hot\) write numpy.argmax"),
    "objects": (
        {"case": np.array([f"p{number}" for number in range(19)] + [None], dtype=object)},
        "the array case holds Python objects, such as scans of several sizes; write numbers, or texts",
    ),
    "groups": ({"groups": np.array([1.0] * 19 + [np.nan])}, "groups, scan 19 is nan; give each scan its group"),
    "texts": ({"x": np.full((20, 1, 8, 8, 10), "a")}, "scans are numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_scans_are_refused_with_a_remedy(case: str, written: Callable[..., str]) -> None:
    arrays, said = BAD[case]
    with pytest.raises(DataError, match=said):
        load_volumes(VolumeSettings(data=written(**arrays)), CPU)


def test_a_class_that_training_lacks_is_refused_and_one_that_others_lack_is_told(written: Callable[..., str]) -> None:
    split = np.array(["train"] * 12 + ["val"] * 4 + ["test"] * 4)
    masks = scans()[1]
    lacking = np.where((split == "val")[:, None, None, None] & (masks == 2), 0, masks)
    notes = load_volumes(VolumeSettings(data=written(y=lacking, split=split)), CPU).notes
    assert "no voxel of class 2 is for validation; its Dice is absent there" in notes
    beyond = np.where((split == "train")[:, None, None, None] & (masks == 2), 1, masks)
    with pytest.raises(DataError, match=r"masks of validation hold class 2, which no training mask has"):
        load_volumes(VolumeSettings(data=written(y=beyond, split=split)), CPU)


def test_empty_masks_and_odd_sides_are_told(written: Callable[..., str]) -> None:
    masks = scans()[1]
    masks[0] = 0
    notes = load_volumes(VolumeSettings(data=written(y=masks)), CPU).notes
    assert any("1 masks hold the background alone, such as scan 0" in note for note in notes)
    assert any("8 x 8 x 10 cannot be halved 2 times without a rest" in note for note in notes)


def test_masks_may_have_an_axis_of_one_channel(written: Callable[..., str]) -> None:
    images, masks = scans()
    plain = load_volumes(VolumeSettings(data=written()), CPU).test
    for x, y in ((images, masks[:, None]), (images.astype(">i2"), masks[:, None].astype(">i4"))):
        found = load_volumes(VolumeSettings(data=written(x=x, y=y)), CPU).test
        assert found.images.shape == plain.images.shape
        assert torch.equal(torch.as_tensor(found.masks), torch.as_tensor(plain.masks))
    flat = load_volumes(VolumeSettings(data=written(x=images[:, :, 2], y=masks[:, None, 2])), CPU)
    assert flat.dimensions == 2


def test_a_class_that_a_split_takes_from_training_is_told_and_trained_without(written: Callable[..., str]) -> None:
    masks = scans()[1]
    masks[1:] = 0
    seen = []
    for seed in range(8):
        settings = VolumeSettings(data=written(y=masks), patch=[8, 8, 6], seed=seed)
        seen.append((settings, load_volumes(settings, CPU)))
    settings, data = next(one for one in seen if not one[1].train.holds_foreground.any())
    assert any("no training scan of this split has class 1, class 2" in note for note in data.notes)
    task = make_task("segmentation", {"data": settings.data, "patch": [8, 8, 6]})
    order = task.order(data, torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == list(range(len(data.train)))


def test_missing_data_and_settings_that_cannot_be_are_refused(tmp_path: Path, written: Callable[..., str]) -> None:
    with pytest.raises(DataError, match=r"there are no scans .*; correct data"):
        load_volumes(VolumeSettings(data="nowhere.npz", root=str(tmp_path)), CPU)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no scans with masks; .npz files"):
        load_volumes(VolumeSettings(data=str(tmp_path / "empty")), CPU)
    with pytest.raises(DataError, match=r"has no array nothing; validation_groups names one"):
        load_volumes(VolumeSettings(data=written(), validation_groups="nothing"), CPU)
    with pytest.raises(DataError, match=r"and .* has scans of 8 x 8 x 10; give one number"):
        load_volumes(VolumeSettings(data=written(), patch=(8, 8)), CPU)
    for settings, said in (
        ({"patch": 2}, "patch"),
        ({"patch": "8"}, "give one side for all"),
        ({"intensity": "each"}, "intensity"),
        ({"classes": ["one"]}, "the background first"),
        ({"patch": 8, "intensity": "volume"}, "a window would be standardized by its own values"),
    ):
        with pytest.raises(TrainableError, match=said):
            VolumeSettings(**settings)  # type: ignore[arg-type]


def test_drawn_scans_follow_from_their_seed() -> None:
    for dimensions, name in ((2, "blobs2d"), (3, "blobs3d")):
        data = load_volumes(VolumeSettings(data=name), CPU)
        assert data.dimensions == dimensions
        assert data.classes == ("background", "body", "tip")
        images, masks = data.train.rows(torch.arange(len(data.train)))
        bright = [float(images[:, 0][masks == label].float().mean()) for label in range(3)]
        assert bright[0] < bright[1] < bright[2]
        assert set(data.groups["train"].tolist()).isdisjoint(data.groups["test"].tolist())
    other = drawn_blobs(2, seed=1)
    assert not np.array_equal(other.images, drawn_blobs(2).images)


def test_views_change_values_and_leave_the_given_scans() -> None:
    images, masks = (torch.from_numpy(one) for one in scans(4))
    kept = images.clone()
    changed, same = ScanViews()(images, masks, torch.Generator().manual_seed(0))
    assert torch.equal(images, kept)
    assert torch.equal(same, masks)
    assert changed.shape == images.shape
    assert not torch.equal(changed, images.float())
    plain = ScanViews(brightness=0, contrast=0, gamma=0, flip=True)
    flipped, of_flipped = plain(images, masks, torch.Generator().manual_seed(0))
    assert not torch.equal(of_flipped, masks)
    for one, mask in zip(flipped, of_flipped, strict=True):
        # The masks are mirrored along: class 2 is still the brightest.
        assert one[0][mask == 2].mean() > one[0][mask == 1].mean() > one[0][mask == 0].mean()
    assert ScanViews(augment=False)(images, masks, torch.Generator())[0] is images


def test_scans_without_masks_are_read(tmp_path: Path) -> None:
    images, _ = scans(3)
    np.savez(tmp_path / "new.npz", x=images)
    np.save(tmp_path / "big.npy", images.astype(">i2"))
    paths = [str(tmp_path / name) for name in ("new.npz", "big.npy")]
    for given in (images, images[:, 0], torch.from_numpy(images), images.astype(">f4"), *paths):
        found, names = read_volumes(given, 1, 3, torch.uint8)
        assert np.array_equal(found.numpy(), images)
        assert not names
    for given, said in (
        (images[0, 0, 0], "has the shape"),
        (images.astype(np.float32) + 0.5, "uint8 cannot hold"),
        (np.zeros((1, 2, 8, 8, 8)), "the network takes scans"),
        (np.full((1, 1, 8, 8, 8), np.nan), "holds NaN"),
        (images[:0], "holds no scan; give at least one"),
    ):
        with pytest.raises(DataError, match=said):
            read_volumes(given, 1, 3, torch.uint8)
