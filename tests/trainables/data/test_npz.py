"""Which arrays of an `.npz` file are read as what, to which type and shape, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.images import Raw
from trainables.data.npz import load_npz, placed_arrays, target_array
from trainables.errors import DataError

X = np.arange(4 * 2 * 3).reshape(4, 2, 3)
Y = np.array([0, 1, 0, 1])


def raw(path: Path, **arrays: Any) -> Raw:
    return loaded(path, {}, **arrays)


def loaded(path: Path, options: dict[str, Any], **arrays: Any) -> Raw:
    file = path / "a.npz"
    np.savez(file, **arrays)
    return load_npz(file, **options)


def refusal(path: Path, options: dict[str, Any] | None = None, **arrays: Any) -> str:
    with pytest.raises(DataError) as caught:
        loaded(path, options or {}, **arrays)
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["x", "y"], {"x": ("x", "train"), "y": ("y", "train")}),
        (["X", "Y"], {"X": ("x", "train"), "Y": ("y", "train")}),
        (
            ["train_images", "train_labels", "test_images", "test_labels"],
            {
                "train_images": ("x", "train"), "train_labels": ("y", "train"),
                "test_images": ("x", "test"), "test_labels": ("y", "test"),
            },
        ),
        (
            ["x", "y", "x_valid", "y_dev"],
            {"x": ("x", "train"), "y": ("y", "train"), "x_valid": ("x", "validation"), "y_dev": ("y", "validation")},
        ),
        (["x", "y", "images", "labels", "x_y", "note"], {"x": ("x", "train"), "y": ("y", "train")}),
    ],
)  # fmt: skip
def test_arrays_are_placed_by_usual_names(names: list[str], places: dict[str, tuple[str, str]]) -> None:
    assert {name: place for place, name in placed_arrays("a.npz", names, None).items()} == places


def test_the_array_that_is_asked_for_holds_the_targets() -> None:
    names = ["x", "y", "height", "x_val", "height_val", "weight"]
    placed = placed_arrays("a.npz", names, "height")
    assert placed["y", "train"] == "height"
    assert placed["y", "validation"] == "height_val"
    assert "y" not in placed.values()
    assert target_array(Path("a.npz"), names, "height") == "height"
    assert target_array(Path("a.npz"), ["x", "y"], None) == "y"


@pytest.mark.parametrize(
    ("names", "target", "said"),
    [
        (["x"], None, "it needs x (images) and y (labels)"),
        (["y"], None, "it needs x (images) and y (labels)"),
        (["x", "y"], "height", "it needs x (images) and height (labels)"),
        (["x", "y", "x_val"], None, "holds one of x_val and y_val; give both or neither"),
        (["x", "y", "y_test"], None, "holds one of x_test and y_test; give both or neither"),
        (["x", "y", "x_train"], None, "holds x and x_train, which mean the same; leave one of them out"),
        (["x", "y", "x_odd"], None, "holds x_odd, which is of no known split; rename it"),
    ],
)
def test_arrays_that_cannot_be_placed_are_refused(names: list[str], target: str | None, said: str) -> None:
    with pytest.raises(DataError) as caught:
        placed_arrays("a.npz", names, target)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("images", "kind"),
    [
        (X, torch.uint8),
        (X.astype(np.uint8), torch.uint8),
        (X > 3, torch.uint8),
        (np.where(X == 5, 255, X), torch.uint8),
        (np.where(X == 5, 256, X), torch.float32),
        (np.where(X == 5, -1, X), torch.float32),
        (X / 4, torch.float32),
    ],
)
def test_whole_numbers_from_0_to_255_are_bytes_and_others_floats(
    images: Any, kind: torch.dtype, tmp_path: Path
) -> None:
    found = raw(tmp_path, x=images, y=Y).train.images
    assert found.dtype == kind
    assert found.shape == (4, 1, 2, 3)
    assert torch.equal(found[:, 0].double(), torch.from_numpy(np.asarray(images, np.float64)))


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ((4, 5, 6), (4, 1, 5, 6)),
        ((4, 3, 5, 6), (4, 3, 5, 6)),
        ((4, 5, 6, 3), (4, 3, 5, 6)),
        ((4, 5, 6, 1), (4, 1, 5, 6)),
        ((4, 5, 6, 4), (4, 4, 5, 6)),
        ((4, 3, 5, 3), (4, 3, 5, 3)),
    ],
)
def test_channels_come_first_wherever_they_stand(shape: Any, read: Any, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, shape)
    assert raw(tmp_path, x=images, y=Y).train.images.shape == read


@pytest.mark.parametrize("images", [X.reshape(4, 6), X.astype(str), X[..., None, None, None], X + 1j])
def test_what_are_no_images_is_refused(images: Any, tmp_path: Path) -> None:
    assert "images are numbers of shape (n, h, w), (n, c, h, w) or (n, h, w, c)" in refusal(tmp_path, x=images, y=Y)


def test_parts_of_several_scales_are_refused_and_bytes_of_all_parts_decide(tmp_path: Path) -> None:
    said = refusal(tmp_path, x=X / 4, y=Y, x_test=X, y_test=Y)
    assert "x is float64, x_test is int64; the parts must be of one scale and type" in said
    found = raw(tmp_path, x=X, y=Y, x_val=X + 300, y_val=Y)
    assert found.validation is not None
    assert found.train.images.dtype == found.validation.images.dtype == torch.float32


def test_texts_are_classes_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    texts = np.array(["dog", "cat", "dog", "ant"])
    found = raw(tmp_path, x=X, y=texts, x_test=X[:2], y_test=texts[1:3, None])
    assert found.classes == ("ant", "cat", "dog")
    assert found.train.labels.tolist() == [2, 1, 2, 0]
    assert found.test is not None
    assert found.test.labels.tolist() == [1, 2]
    said = refusal(tmp_path, x=X, y=texts, x_test=X, y_test=np.array(["dog", "cow", "cat", "ant"]))
    assert "y_test has the label 'cow', which no training image has (it has 'ant', 'cat', 'dog')" in said
    said = refusal(tmp_path, x=X, y=Y, x_test=X, y_test=texts)
    assert "which no training image has (it has none, since its labels are numbers)" in said


@pytest.mark.parametrize("labels", [Y / 2, np.stack([Y, Y], 1), Y.astype(bool)])
def test_labels_are_whole_numbers_or_texts(labels: Any, tmp_path: Path) -> None:
    assert "labels are integers of shape (n,), or texts in all parts" in refusal(tmp_path, x=X, y=labels)


def test_labels_of_the_test_part_are_texts_where_those_of_the_training_are(tmp_path: Path) -> None:
    said = refusal(tmp_path, x=X, y=np.array(["a", "b", "a", "b"]), x_test=X, y_test=Y)
    assert "y_test is int64 of shape (4,); labels are integers of shape (n,), or texts in all parts" in said


def test_arrays_that_are_not_read_are_noted(tmp_path: Path) -> None:
    found = raw(tmp_path, x=X, y=Y, weights=Y, author=np.array("me"))
    assert "not read: author, weights" in found.notes
    assert not any("not read" in note for note in raw(tmp_path, x=X, y=Y).notes)


def test_each_image_has_the_group_of_its_array(tmp_path: Path) -> None:
    speakers, others = np.array(["b", "a", "b", "c"]), np.array(["d", "e", "f", "f"])
    found = loaded(tmp_path, {"groups": "speaker"}, x=X, y=Y, speaker=speakers, x_test=X, y_test=Y, speaker_test=others)
    assert set(found.groups) == {"train", "test"}
    train = found.groups["train"].tolist()
    assert train[0] == train[2]
    assert len({*train}) == 3
    assert not any("not read" in note for note in found.notes)
    said = refusal(tmp_path, {"groups": "speaker"}, x=X, y=Y, x_val=X, y_val=Y, speaker=speakers)
    assert "has no array speaker_val; validation_groups names one with the group of each image" in said
    said = refusal(tmp_path, {"groups": "speaker"}, x=X, y=Y, speaker=speakers[:3])
    assert "speaker has 3 groups and x 4 images; give one for each" in said


def test_classes_of_flags_may_have_names(tmp_path: Path) -> None:
    flags = np.stack([Y, 1 - Y], 1)
    found = loaded(tmp_path, {"multi": True}, x=X, y=flags, classes=np.array(["round", "red"]))
    assert found.classes == ("round", "red")
    assert found.train.labels.tolist() == flags.tolist()
    assert found.train.labels.dtype == torch.uint8
    assert not any("not read" in note for note in found.notes)


def test_numbers_are_targets_with_a_unit(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"numbers": True, "target": "height"}, x=X, height=[1.5, 2, 3, 4], y=Y)
    assert found.train.labels.flatten().tolist() == [1.5, 2, 3, 4]
    assert found.classes == ()
    assert "not read: y" in found.notes


def test_a_damaged_file_is_told_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, x=X, y=Y)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(
        DataError, match=r"my images is not a complete .npz file of plain arrays .*; write it with numpy"
    ):
        load_npz(file, title="my images")


def test_images_stay_in_the_file_where_it_is_asked_and_possible(tmp_path: Path) -> None:
    here = raw(tmp_path, x=X, y=Y).train.images
    streamed = loaded(tmp_path, {"stream": True}, x=X, y=Y)
    assert not isinstance(streamed.train.images, torch.Tensor)
    assert torch.equal(streamed.train.images.index_select(0, torch.arange(4)), here)
    assert streamed.train.images.index_select(0, torch.arange(2)).dtype == torch.uint8
    np.savez(tmp_path / "small.npz", x=np.asfortranarray(X), y=Y)
    with pytest.raises(DataError, match="x is in the order of Fortran, and stream is true; write it after"):
        load_npz(tmp_path / "small.npz", stream=True)
    assert isinstance(load_npz(tmp_path / "small.npz").train.images, torch.Tensor)
