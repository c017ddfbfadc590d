"""Folders of NIfTI files: images, masks, channels, classes, spacing and orientation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.data.volumes.test_volumes import scans
from trainables.data.volumes import VolumeSettings, holds_masks, load_volumes
from trainables.data.volumes.nifti import read_nifti, write_nifti
from trainables.data.volumes.unlabelled import read_volumes
from trainables.errors import DataError

nibabel = pytest.importorskip("nibabel")
CPU = torch.device("cpu")
AFFINE = np.diag([1.0, 1.0, 2.5, 1.0])


def _write(path: Path, values: Any, affine: Any = AFFINE) -> None:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images, masks = scans(10)
    for number in range(10):
        # Every second scan is smaller, and masks of some tools are floats.
        end = 8 if number % 2 else 7
        _write(tmp_path / "imagesTr" / f"case_{number}.nii.gz", images[number, 0, :end].astype(np.int16))
        _write(tmp_path / "labelsTr" / f"case_{number}.nii.gz", masks[number, :end].astype(np.float32))
    labels = {"0": "background", "1": "Left part", "2": "right"}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    return tmp_path


def test_a_folder_is_read_with_its_classes_spacing_and_orientation(folder: Path) -> None:
    assert holds_masks(str(folder), None)
    data = load_volumes(VolumeSettings(data=str(folder)), CPU)
    assert data.classes == ("background", "Left part", "right")
    assert data.spacing == pytest.approx((1, 1, 2.5))
    assert data.orientation == "RAS"
    assert data.sides == (8, 8, 10)
    assert any("anisotropic spacing 1 x 1 x 2.5 mm, axes RAS" in note for note in data.notes)
    assert any("scans have from 7 x 8 x 10 to 8 x 8 x 10 voxels; smaller ones are centred" in one for one in data.notes)
    assert len(data.train) + len(data.validation) + len(data.test) == 10


def test_channels_in_files_of_their_own_are_put_together(folder: Path) -> None:
    images, masks = scans(2)
    for number in range(2):
        for channel in range(2):
            _write(folder / "imagesTr" / f"two_{number}_000{channel}.nii.gz", images[number, 0] + channel)
        _write(folder / "labelsTr" / f"two_{number}.nii.gz", masks[number])
    with pytest.raises(DataError, match=r"has 2 channels of shape .* all need as many channels"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    for one in [*folder.glob("*Tr/case_*")]:
        one.unlink()
    _write(folder / "imagesTr" / "three.nii.gz", np.stack([images[0, 0], images[0, 0]], 3))
    _write(folder / "labelsTr" / "three.nii.gz", masks[0])
    data = load_volumes(VolumeSettings(data=str(folder)), CPU)
    assert data.test.images.shape[1] == 2


def test_damage_and_other_axes_are_refused(folder: Path) -> None:
    images, _ = scans(1)
    (folder / "labelsTr" / "lost.nii.gz").write_bytes((folder / "labelsTr" / "case_1.nii.gz").read_bytes())
    with pytest.raises(DataError, match=r"lost.nii.gz has no image lost in .*; add it"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    (folder / "labelsTr" / "lost.nii.gz").unlink()
    _write(folder / "imagesTr" / "case_0.nii.gz", images[0, 0], np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(DataError, match=r"the axes of case_0 point to LAS and those of case_0 to RAS; bring all"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    _write(folder / "imagesTr" / "case_0.nii.gz", images[0, 0])
    with pytest.raises(DataError, match=r"case_0: the image has the shape \(8, 8, 10\) and the mask \(7, 8, 10\)"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    (folder / "imagesTr" / "case_0.nii.gz").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"case_0.nii.gz is not a complete NIfTI file"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)


def test_a_mask_is_written_where_its_image_is(folder: Path, tmp_path: Path) -> None:
    source = folder / "imagesTr" / "case_1.nii.gz"
    mask = scans(2)[1][1]
    write_nifti(mask, source, tmp_path / "found.nii.gz")
    found = read_nifti(tmp_path / "found.nii.gz")
    assert np.array_equal(found.values[0], mask)
    assert np.array_equal(found.affine, AFFINE)
    read, names = read_volumes(folder / "imagesTr", 1, 3, torch.int16)
    assert read.shape == (10, 1, 8, 8, 10)
    assert names[0] == "case_0.nii.gz"
