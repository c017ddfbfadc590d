"""Every kind of source gives the same tensors, and every damaged one an error that says what to do."""

from __future__ import annotations

import io
import os
import pickle

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from trainables.data import DataSettings, check_data, load_raw
from trainables.data.images import Split, raw_images
from trainables.errors import DataError, TrainableError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


def read(path, **settings):
    return load_raw(DataSettings(str(path), **settings))


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def images_equal(raw, arrays):
    return torch.equal(raw.train.images, torch.from_numpy(arrays.copy()).permute(0, 3, 1, 2))


def test_digits_come_with_the_package():
    raw = load_raw(DataSettings("digits"))
    assert raw.train.images.shape == (1797, 1, 8, 8)
    assert raw.train.images.dtype == torch.uint8
    assert raw.train.labels.bincount().min() >= 174
    assert raw.classes == tuple("0123456789")
    assert raw.test is None


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_npz_of_colour_images(tmp_path, layout):
    x = COLOUR if layout == "nhwc" else COLOUR.transpose(0, 3, 1, 2)
    np.savez(tmp_path / "a.npz", x=x, y=LABELS[:, None], x_test=x[:3], y_test=LABELS[:3])
    raw = read(tmp_path / "a.npz")
    assert images_equal(raw, COLOUR)
    assert raw.train.labels.tolist() == LABELS.tolist()
    assert len(raw.test) == 3


def test_npz_of_real_numbers_stays_real(tmp_path):
    x = RNG.normal(size=(6, 4, 4))
    np.savez(tmp_path / "a.npz", x=x, y=[0, 1] * 3)
    images = read(tmp_path / "a.npz").train.images
    assert images.dtype == torch.float32
    assert images.shape == (6, 1, 4, 4)
    assert torch.equal(images[:, 0], torch.from_numpy(x).float())


GREY = COLOUR[..., 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": GREY}, "needs x .* and y"),
        ({"x": GREY, "y": LABELS[:5]}, "12 images have 5 labels"),
        ({"x": GREY[:0], "y": LABELS[:0]}, "at least one image"),
        ({"x": GREY[0], "y": LABELS}, "images are numbers of shape"),
        ({"x": RNG.integers(0, 9, (4, 2, 5, 5)), "y": [0, 1, 0, 1]}, "1, 3 or 4 channels"),
        ({"x": GREY, "y": LABELS * 0}, "at least two classes"),
        ({"x": GREY, "y": LABELS * 2}, "class 1 of 5 has no training image"),
        ({"x": GREY, "y": LABELS - 1}, "must be 0 or more"),
        ({"x": GREY, "y": LABELS.astype(float)}, "labels are integers"),
        ({"x": np.where(GREY > 3, np.nan, 1.0), "y": LABELS}, "NaN"),
        ({"x": GREY, "y": LABELS, "x_test": GREY}, "both or neither"),
        ({"x": GREY, "y": LABELS, "x_test": GREY[:, 1:], "y_test": LABELS}, "differ in shape"),
        ({"x": GREY, "y": LABELS, "x_test": GREY, "y_test": LABELS + 1}, "does not occur in training"),
        ({"x": np.array([object()] * 4), "y": LABELS}, "plain arrays"),
    ],
)
def test_wrong_npz_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("keep", [0, 30, 200])
@pytest.mark.parametrize("look", ["read", "check"])
def test_truncated_npz_is_refused(tmp_path, keep, look):
    file = tmp_path / "a.npz"
    np.savez(file, x=GREY, y=LABELS)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"not a complete \.npz"):
        read(file) if look == "read" else check_data(DataSettings(str(file)))


def test_what_is_no_data_set_is_told_before_a_training(tmp_path):
    (tmp_path / "text.txt").write_text("no images")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "a.npz", images=GREY, y=LABELS)
    np.savez(tmp_path / "whole.npz", x=GREY, y=LABELS)
    for name, said in (
        ("text.txt", "is not a data set of images"),
        ("empty", "is not a data set of images"),
        ("a.npz", "needs x .* and y"),
    ):
        with pytest.raises(DataError, match=said):
            check_data(DataSettings(str(tmp_path / name)))
    check_data(DataSettings(str(tmp_path / "whole.npz")))


def folder_of(root, arrays=COLOUR, suffix="png"):
    for index, array in enumerate(arrays):
        place = root / f"class_{index % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(place / f"{index:02d}.{suffix}")
    return root


def test_image_folder(tmp_path):
    raw = read(folder_of(tmp_path))
    order = [index for kind in range(3) for index in range(12) if index % 3 == kind]
    assert images_equal(raw, COLOUR[order])
    assert raw.classes == ("class_0", "class_1", "class_2")
    assert raw.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_a_lone_folder_is_named_and_what_lies_in_it(tmp_path):
    inner = folder_of(tmp_path / "pictures")
    said = rf"{tmp_path} holds one folder, pictures, .* \(class_0, class_1, class_2\).*give {inner}"
    with pytest.raises(DataError, match=said):
        read(tmp_path)
    (tmp_path / "train").mkdir()
    for child in inner.iterdir():
        child.rename(tmp_path / "train" / child.name)
    inner.rename(tmp_path / "train" / "pictures")
    for name in ("class_0", "class_1", "class_2"):
        (tmp_path / "train" / name).rename(inner.parent / "train" / "pictures" / name)
    with pytest.raises(DataError, match=r"train holds one folder, pictures"):
        read(tmp_path)
    alone = folder_of(tmp_path / "alone", COLOUR[:1])
    with pytest.raises(DataError, match=rf"{alone} holds one folder, class_0, so one class; a classifier needs"):
        read(alone)


def test_image_folder_with_a_test_set(tmp_path):
    folder_of(tmp_path / "train")
    folder_of(tmp_path / "test", COLOUR[:6])
    raw = read(tmp_path)
    assert len(raw.train) == 12
    assert len(raw.test) == 6
    folder_of(tmp_path / "test" / "unheard", COLOUR[:1])
    with pytest.raises(DataError, match="unheard"):
        read(tmp_path)


def test_grey_stays_grey_unless_one_image_has_colour(tmp_path):
    folder_of(tmp_path, GREY)
    assert read(tmp_path).train.images.shape == (12, 1, 6, 5)
    Image.fromarray(COLOUR[0]).save(tmp_path / "class_0" / "99.png")
    assert read(tmp_path).train.images.shape == (13, 3, 6, 5)


def test_images_of_several_sizes_need_resize(tmp_path):
    folder_of(tmp_path)
    Image.fromarray(COLOUR[0][:4]).save(tmp_path / "class_0" / "odd.png")
    with pytest.raises(
        DataError, match=r"odd\.png is of 5x4 pixels, the first of 5x6; .*: give resize=<side in pixels>"
    ):
        read(tmp_path)
    assert read(tmp_path, resize=8).train.images.shape == (13, 3, 8, 8)


def test_damaged_image_is_named(tmp_path):
    folder_of(tmp_path)
    file = tmp_path / "class_1" / "01.png"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(DataError, match=r"01\.png is not a complete image"):
        read(tmp_path)


def write_parquet(path, images, labels, image="image", label="label", **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({image: images, label: labels, **more}), path)


def test_parquet_of_hugging_face(tmp_path):
    cells = [{"bytes": png(array), "path": None} for array in COLOUR]
    write_parquet(tmp_path / "data" / "train-0.parquet", cells[:7], LABELS[:7], "img", "fine_label")
    write_parquet(tmp_path / "data" / "train-1.parquet", cells[7:], LABELS[7:], "img", "fine_label")
    write_parquet(tmp_path / "data" / "test-0.parquet", cells[:3], LABELS[:3], "img", "fine_label")
    raw = read(tmp_path)
    assert images_equal(raw, COLOUR)
    assert raw.train.labels.tolist() == LABELS.tolist()
    assert len(raw.test) == 3


def test_parquet_of_plain_columns_and_class_names(tmp_path):
    names = [("ant", "bee", "cat")[label] for label in LABELS]
    write_parquet(tmp_path / "a.parquet", [png(a) for a in COLOUR], names, "x", "y", file=names)
    raw = read(tmp_path / "a.parquet", label_column="y")
    assert images_equal(raw, COLOUR)
    assert raw.classes == ("ant", "bee", "cat")
    assert raw.train.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"image": [b"x"], "a": [1], "b": [2]}, {}, "label_column="),
        ({"image": [b"x"], "label": [1]}, {"image_column": "img"}, "no column 'img'"),
        ({"image": [b"no image"], "label": [1]}, {}, "row 0 is not a complete image"),
        ({"image": ["text"], "label": [1]}, {}, "image_column="),
        ({"image": pa.array([None], pa.binary()), "label": [1]}, {}, "row 0: 'image' holds no bytes"),
        ({"image": [png(COLOUR[0])], "label": pa.array([None], pa.int64())}, {}, "label None"),
        ({"image": pa.array([], pa.binary()), "label": pa.array([], pa.int64())}, {}, "no rows"),
    ],
)
def test_wrong_parquet_is_refused(tmp_path, columns, settings, message):
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.parquet", **settings)


def test_truncated_parquet_is_refused(tmp_path):
    file = tmp_path / "a.parquet"
    write_parquet(file, [png(a) for a in COLOUR], LABELS)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(DataError, match="not a complete Parquet"):
        read(file)


def test_only_test_files_are_refused(tmp_path):
    write_parquet(tmp_path / "test-0.parquet", [png(a) for a in COLOUR], LABELS)
    with pytest.raises(DataError, match="only test files"):
        read(tmp_path)


def test_missing_data_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)
    with pytest.raises(DataError, match="did you mean 'digits'"):
        load_raw(DataSettings("digit"))
    with pytest.raises(DataError, match="data_root="):
        load_raw(DataSettings("cifar10"))
    with pytest.raises(DataError, match="download=True"):
        load_raw(DataSettings("mnist", root=str(tmp_path)))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="is not a data set of images"):
        read(tmp_path)


def test_torchvision_files_are_read(tmp_path):
    base = tmp_path / "MNIST" / "raw"
    base.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        shape = b"".join(n.to_bytes(4, "big") for n in (2051, count, 28, 28))
        (base / f"{part}-images-idx3-ubyte").write_bytes(shape + pixels.tobytes())
        head = b"".join(n.to_bytes(4, "big") for n in (2049, count))
        (base / f"{part}-labels-idx1-ubyte").write_bytes(head + bytes(i % 10 for i in range(count)))
    raw = load_raw(DataSettings("mnist", root=str(tmp_path)))
    assert raw.train.images.shape == (20, 1, 28, 28)
    assert len(raw.test) == 10
    assert len(raw.classes) == 10


def test_damaged_torchvision_files_are_refused(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(pickle.dumps({"no": "cifar"}))
    with pytest.raises(DataError, match="cannot be read"):
        load_raw(DataSettings("cifar10", root=str(tmp_path)))


def test_root_is_searched_for_paths_and_for_own_copies_of_names(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_TUNE_DATA", str(tmp_path))
    np.savez(tmp_path / "own.npz", x=GREY, y=LABELS)
    assert len(load_raw(DataSettings("own.npz")).train) == 12
    write_parquet(tmp_path / "cifar10" / "train.parquet", [png(a) for a in COLOUR], LABELS)
    assert images_equal(load_raw(DataSettings("cifar10")), COLOUR)


def test_a_file_is_read_once_until_it_changes(tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, x=GREY, y=LABELS)
    first = read(file)
    assert read(file) is first
    np.savez(file, x=GREY[:9], y=LABELS[:9])
    second = read(file)
    assert len(second.train) == 9
    assert second.checksum() != first.checksum()


@pytest.mark.parametrize(
    "settings",
    [
        {"validation_share": 0},
        {"test_share": 1.5},
        {"test_share": "a"},
        {"resize": 0},
        {"seed": -1},
        {"download": 1},
        {"data": 3},
        {"root": ""},
    ],
)
def test_wrong_settings_are_refused(settings):
    with pytest.raises(TrainableError):
        DataSettings(**settings)


@pytest.mark.slow
def test_cifar10_of_the_data_folder():
    root = os.environ.get("NAS_TUNE_DATA")
    if not root or not os.path.isdir(os.path.join(root, "cifar10")):
        pytest.skip("NAS_TUNE_DATA names no folder with cifar10")
    raw = load_raw(DataSettings("cifar10"))
    assert raw.train.images.shape == (50_000, 3, 32, 32)
    assert raw.test is not None
    assert raw.test.labels.bincount().tolist() == [1000] * 10
    mean = raw.train.images.float().mean((0, 2, 3)) / 255
    assert torch.allclose(mean, torch.tensor([0.4914, 0.4822, 0.4465]), atol=0.003)


@pytest.mark.parametrize("turned", [False, True])
def test_of_a_long_image_the_middle_is_taken(tmp_path, turned):
    bars = np.zeros((10, 30), np.uint8)
    bars[:, 10:20], bars[:, 20:] = 200, 100
    arrays = [bars.T if turned else bars] * 12
    folder_of(tmp_path, arrays)
    images = read(tmp_path, resize=10).train.images
    assert images.shape == (12, 1, 10, 10)
    assert images.float().mean().item() == pytest.approx(200, abs=1)


def test_a_label_beyond_the_names_is_told():
    train = Split(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 2, 3]))
    with pytest.raises(DataError, match="mine: label 3 is beyond the 2 classes"):
        raw_images("mine", train, classes=("a", "b"))


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((4, 6, 5), 1),
        ((4, 6, 5, 1), 1),
        ((4, 6, 5, 3), 3),
        ((4, 6, 5, 4), 4),
        ((4, 1, 6, 5), 1),
        ((4, 3, 6, 5), 3),
        ((4, 4, 6, 5), 4),
        ((4, 3, 6, 3), 3),
        ((4, 1, 6, 4), 1),
    ],
)
def test_where_the_channels_of_an_array_are(tmp_path, shape, channels):
    """Second where there are as many as images have, else last."""
    np.savez(tmp_path / "a.npz", x=np.zeros(shape, np.uint8), y=[0, 1, 0, 1])
    height, width = (6, 5) if len(shape) == 3 or shape[1] == 6 else shape[2:]
    assert read(tmp_path / "a.npz").train.images.shape == (4, channels, height, width)
