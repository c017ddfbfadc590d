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
from trainables.data.volumes.nifti import read_nifti, turned, write_nifti
from trainables.data.volumes.unlabelled import Placement, nifti_cases, placed, read_volumes
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


def test_masks_for_each_class_and_odd_names_of_channels_are_refused(folder: Path) -> None:
    images, masks = scans(1)
    one_hot = np.stack([masks[0] == label for label in range(3)], 3).astype(np.uint8)
    _write(folder / "labelsTr" / "case_1.nii.gz", one_hot)
    with pytest.raises(DataError, match=r"case_1.nii.gz has 3 channels; .* write numpy.argmax\(mask, axis=-1\)"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    _write(folder / "labelsTr" / "case_1.nii.gz", masks[0])
    _write(folder / "labelsTr" / "late.nii.gz", masks[0])
    _write(folder / "imagesTr" / "late_left.nii.gz", images[0, 0])
    with pytest.raises(DataError, match=r"late.nii.gz has no image late in"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)
    _write(folder / "imagesTr" / "late_0001.nii.gz", images[0, 0])
    with pytest.raises(DataError, match=r"the files of late are late_0001.nii.gz; channels are numbered from 0000 on"):
        load_volumes(VolumeSettings(data=str(folder)), CPU)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"0": "background", "2": "part"}, "numbered 0, 1, 2, .. without gaps"),
        ({"background": 0, "left": 1, "right": 1}, "each once"),
        ({"background": 0, "all": [1, 2]}, "names no classes"),
    ],
)
def test_labels_that_number_no_classes_are_refused(folder: Path, labels: Any, said: str) -> None:
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    with pytest.raises(DataError, match=said):
        load_volumes(VolumeSettings(data=str(folder)), CPU)


def test_every_kind_of_damage_is_told_by_the_name_of_the_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "plain.nii"
    _write(file, scans(1)[0][0, 0])
    whole = file.read_bytes()
    zipped = (folder / "imagesTr" / "case_0.nii.gz").read_bytes()
    unknown_type = bytearray(whole)
    unknown_type[70:72] = b"\x07\x00"
    huge = bytearray(whole)
    huge[108:112] = np.float32(np.inf).tobytes()
    flat = bytearray(whole)
    flat[80:84] = np.float32(np.nan).tobytes()
    flipped = bytearray(zipped)
    flipped[len(flipped) // 2] ^= 0xFF
    for content, name in (
        (bytes(unknown_type), "a.nii"),
        (bytes(huge), "b.nii"),
        (bytes(flat), "c.nii"),
        (whole[:400], "d.nii"),
        (zipped[:200], "e.nii.gz"),
        (bytes(flipped), "f.nii.gz"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name} (is not a complete NIfTI file|has the spacing)"):
            read_nifti(tmp_path / name)


def test_scans_with_other_axes_are_turned_and_their_masks_back(tmp_path: Path) -> None:
    images = scans(2)[0][:, 0].astype(np.int16)
    training = Placement("RAS", (1.0, 1.0, 2.5))
    _write(tmp_path / "same" / "a.nii.gz", images[0])
    affine = np.array([[0, 0, -1.0, 0], [-1, 0, 0, 0], [0, 2.5, 0, 0], [0, 0, 0, 1]])  # axes P, S, L
    other = np.ascontiguousarray(np.flip(images[0].transpose(1, 2, 0), (0, 2)))
    _write(tmp_path / "other" / "a.nii.gz", other, affine)
    assert read_nifti(tmp_path / "other" / "a.nii.gz").orientation == "PSL"
    assert np.array_equal(turned(turned(other, "PSL", "RAS"), "RAS", "PSL"), other)
    plain, _ = read_volumes(tmp_path / "same", 1, 3, torch.int16, training)
    with pytest.warns(UserWarning, match=r"a.nii.gz point to PSL and those of the training to RAS: scans are turned"):
        found, _ = read_volumes(tmp_path / "other", 1, 3, torch.int16, training)
    assert torch.equal(found, plain)
    masks = (plain[:, 0] > 40).numpy().astype(np.uint8)
    assert np.array_equal(placed(masks, tmp_path / "other", training)[0], other > 40)
    assert placed(masks, tmp_path / "same", training) is not None
    with pytest.warns(UserWarning, match=r"a spacing of 1 x 1 x 2.5 mm and the training 1 x 1 x 1 mm"):
        read_volumes(tmp_path / "same", 1, 3, torch.int16, Placement("RAS", (1.0, 1.0, 1.0)))
    with pytest.warns(UserWarning, match="nothing is known of those of the training"):
        read_volumes(tmp_path / "same", 1, 3, torch.int16, Placement())
    _write(tmp_path / "same" / "b.nii.gz", other, affine)
    with pytest.raises(DataError, match=r"a.nii.gz point to RAS and those of b.nii.gz to PSL; predict them apart"):
        read_volumes(tmp_path / "same", 1, 3, torch.int16, training)


def test_channels_in_files_are_predicted_together(tmp_path: Path) -> None:
    images = scans(2)[0][:, 0].astype(np.int16)
    for number in range(2):
        for channel in range(2):
            _write(tmp_path / "new" / f"case_{number}_{channel:04d}.nii.gz", images[number] + 1000 * channel)
    found, names = read_volumes(tmp_path / "new", 2, 3, torch.int16)
    assert names == ["case_0.nii.gz", "case_1.nii.gz"]
    assert np.array_equal(found[:, 1].numpy(), images + 1000)
    one, _ = read_volumes(tmp_path / "new" / "case_1_0000.nii.gz", 2, 3, torch.int16)
    assert torch.equal(one, found[1:])
    assert len(read_volumes(tmp_path / "new", 1, 3, torch.int16)[0]) == 4, "of one channel each file is a scan"
    (tmp_path / "new" / "case_1_0000.nii.gz").unlink()
    with pytest.raises(DataError, match=r"the files of case_1 are case_1_0001.nii.gz; channels are numbered"):
        nifti_cases(tmp_path / "new", together=True)
