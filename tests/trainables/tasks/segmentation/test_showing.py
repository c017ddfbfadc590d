"""Predicted masks as files and pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.errors import TrainableError
from trainables.tasks.registry import make_task
from trainables.tasks.segmentation.showing import axis_of, painted, slice_of, triptych, write_masks


def test_masks_are_written_into_one_file_or_beside_their_images(tmp_path: Path) -> None:
    masks = np.arange(2 * 4 * 4).reshape(2, 4, 4) % 3
    (written,) = write_masks(masks, None, tmp_path / "found.npz")
    assert np.array_equal(np.load(written)["y"], masks)
    with pytest.raises(TrainableError, match=r"the scans are no NIfTI files; give a name that ends with .npz"):
        write_masks(masks, "new.npz", tmp_path / "folder")


def test_masks_of_nifti_have_the_place_of_their_images(tmp_path: Path) -> None:
    nibabel: Any = pytest.importorskip("nibabel")
    affine = np.diag([1.0, 2.0, 1.0, 1.0])
    for name, side in (("a", 6), ("b", 4)):
        nibabel.save(nibabel.Nifti1Image(np.zeros((side, 4, 5), np.int16), affine), tmp_path / f"{name}.nii.gz")
    masks = np.zeros((2, 6, 4, 5), np.uint8)
    masks[:, 2] = 1
    written = write_masks(masks, tmp_path, tmp_path / "out")
    assert [one.name for one in written] == ["a.nii.gz", "b.nii.gz"]
    whole, cut = (nibabel.load(one) for one in written)
    assert whole.shape == (6, 4, 5)
    assert cut.shape == (4, 4, 5)
    assert np.asarray(cut.dataobj)[1].all(), "the smaller scan lay in the middle"
    assert np.array_equal(cut.affine, affine)
    for target, said in (("one.nii.gz", "there are 2 scans; give a folder"), ("one.png", "neither .npz, NIfTI nor a")):
        with pytest.raises(TrainableError, match=said):
            write_masks(masks, tmp_path, tmp_path / target)


def test_no_scan_is_replaced_by_its_mask(tmp_path: Path) -> None:
    nibabel: Any = pytest.importorskip("nibabel")
    for name in ("a.nii.gz", "b.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 5), np.int16), np.eye(4)), tmp_path / name)
    masks = np.zeros((2, 4, 4, 5), np.uint8)
    np.savez(tmp_path / "new.npz", x=masks)
    kept = {file: file.read_bytes() for file in tmp_path.iterdir()}
    task: Any = make_task("segmentation", {"data": "blobs2d"})
    (tmp_path / "link").symlink_to(tmp_path)
    for values, x, target in (
        (masks, tmp_path, tmp_path),
        (masks, tmp_path, tmp_path / "link"),
        (masks[:1], tmp_path / "a.nii.gz", tmp_path / "a.nii.gz"),
        (masks[:1], tmp_path / "a.nii.gz", tmp_path),
        (masks, str(tmp_path / "new.npz"), tmp_path / "new.npz"),
    ):
        with pytest.raises(TrainableError, match=r"writing there would replace the scan .*; give another file"):
            task.write(values, x, target)
    assert all(file.read_bytes() == content for file, content in kept.items())


def test_pictures_of_large_scans_are_small_enough_for_a_report() -> None:
    image = np.random.default_rng(0).integers(0, 255, (1, 1500, 900)).astype(np.uint8)
    memory = io.BytesIO()
    triptych(image, [image[0] % 3, image[0] % 3]).save(memory, "PNG")
    assert memory.tell() < 2_000_000


def test_the_slice_with_most_of_a_mask_is_painted() -> None:
    image, mask = np.zeros((1, 5, 6, 7)), np.zeros((5, 6, 7), np.uint8)
    image[0, 3], mask[3, 2:4] = np.arange(7), 1
    place, plane = slice_of(image, mask)
    assert place == 3
    assert np.array_equal(plane, image[0, 3])
    assert slice_of(image[:, 0], mask[0])[0] is None
    colours = painted(plane, mask[3], 0, 6)
    assert (colours[0, :, 0] == colours[0, :, 2]).all(), "grey where there is no class"
    assert (colours[2, :, 0] != colours[2, :, 2]).all()
    assert triptych(image, [mask, mask]).size == (27 * 7 * 3 + 2 * 4, 27 * 6)
    assert triptych(image, [mask, mask], axis_of((1.0, 1.0, 3.0))).size == (32 * 6 * 3 + 2 * 4, 32 * 5)
    assert axis_of((1.0, 1.0, 1.0)) == axis_of(None) == 0


def test_pictures_are_png_files_by_their_titles() -> None:
    task: Any = make_task("segmentation", {"data": "blobs2d"})
    data = task.load(torch.device("cpu"))
    inputs, targets = data.test.rows(torch.arange(2))
    outputs = torch.nn.functional.one_hot(targets.long(), 3).movedim(-1, 1).float()
    found = task.pictures(inputs, targets, outputs, data)
    assert list(found) == ["scan 0: image, truth, prediction", "scan 1: image, truth, prediction"]
    picture = np.asarray(Image.open(io.BytesIO(found["scan 0: image, truth, prediction"])))
    width = (picture.shape[1] - 8) // 3
    assert np.array_equal(picture[:, width + 4 : 2 * width + 4], picture[:, -width:]), "truth and prediction are equal"
