"""Groups of images in a folder, by a pattern of the names of files: the images of a patient are in one part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import DataSettings, described_images, load_images
from trainables.data.group_patterns import groups_by_name
from trainables.data.loading import load_numbers
from trainables.errors import DataError

CPU = torch.device("cpu")


def pictures(root: Path, form: str = "p{patient}_{number}.png", patients: int = 6) -> Path:
    """Two classes, each with four pictures of every patient."""
    for kind in "ab":
        for number in range(4 * patients):
            file = root / kind / form.format(patient=number % patients, number=number)
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([number, kind == "a"]).integers(0, 256, (5, 5), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("p{patient}_{number}.png", "{group}_*"),
        ("p{patient}_{number}.png", "{group}_*.png"),
        ("p{patient}/{number}.png", "{group}/*"),
        ("p{patient}/left/{number}.png", "{group}/"),
        ("scan-{number}-p{patient}.png", "scan-*-{group}"),
        ("p{patient}.{number}.png", "{group}.*"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_all_images_of_a_group_are_in_one_part(tmp_path: Path, form: str, pattern: str, stream: bool) -> None:
    path = str(pictures(tmp_path, form))
    data = load_images(DataSettings(path, validation_groups=pattern, stream=stream), CPU)
    sides = [set(data.groups[name].tolist()) for name in ("train", "validation", "test")]
    assert all(sides)
    assert set.union(*sides) == set(range(6))
    assert sum(map(len, sides)) == 6
    assert len(data.train) == 8 * len(sides[0]), "a patient has four pictures in each of two classes"
    (line, *_) = described_images(DataSettings(path, validation_groups=pattern))
    assert f"6 groups by {pattern}: p0, p1, p2, p3, p4 and 1 more" in line


def test_numbers_of_folders_keep_their_groups(tmp_path: Path) -> None:
    pictures(tmp_path)
    (tmp_path / "a").rename(tmp_path / "1")
    (tmp_path / "b").rename(tmp_path / "2.5")
    data = load_numbers(DataSettings(str(tmp_path), validation_groups="{group}_*"), CPU)
    assert not set(data.groups["train"].tolist()) & set(data.groups["validation"].tolist())


def test_given_parts_that_share_a_patient_are_refused(tmp_path: Path) -> None:
    for part in ("train", "val"):
        pictures(tmp_path / part)
    with pytest.raises(DataError, match=r"group 'p0' of '{group}_\*' has examples for train and for validation"):
        load_images(DataSettings(str(tmp_path), validation_groups="{group}_*"), CPU)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("patient", "it is a pattern of the file names .* such as '{group}_\\*'"),
        ("{group}-*", "p0_0.png does not fit validation_groups, '{group}-\\*'; rename it"),
        ("p*_{group}.png_", "does not fit"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(tmp_path: Path, pattern: str, said: str) -> None:
    path = pictures(tmp_path, patients=1)
    with pytest.raises(DataError, match=said):
        load_images(DataSettings(str(path), validation_groups=pattern), CPU)


def test_a_group_is_as_short_as_the_pattern_allows() -> None:
    folder = Path("a")
    assert groups_by_name([folder / "p1_2_3.png"], folder, "{group}_*") == ["p1"]
    assert groups_by_name([folder / "p1_2_3.png"], folder, "{group}_?") == ["p1_2"]
    assert groups_by_name([folder / "p[1].png"], folder, "p[{group}]") == ["1"]
