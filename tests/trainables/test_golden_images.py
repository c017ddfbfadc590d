"""Images are read, split, described and refused as in earlier versions: every form of data, at the edges of rules."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.data import DataSettings, check_data, described_images, load_images, load_raw
from trainables.data.decode import decode_all
from trainables.data.guessing import real_targets
from trainables.data.loading import load_numbers
from trainables.data.reading import load_raw_numbers
from trainables.data.split import moments, split_data
from trainables.data.unlabelled import read_images

CPU = torch.device("cpu")
COUNT = 30
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (COUNT, 5, 4), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (COUNT, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(COUNT) % 3
VALUES = np.arange(COUNT) / 4
NAMES = np.array(["cat", "ant", "bee"])[LABELS]
WHO = np.array([f"w{number // 3}" for number in range(COUNT)])
BASE = {"x": GREY, "y": LABELS}
TESTED = {**BASE, "x_test": GREY[:6], "y_test": LABELS[:6]}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)


def refused(error):
    """The message, without what numpy, Pillow and pyarrow say in it."""
    return f"{type(error).__name__}: " + re.sub(r"(no whole [^(;]*|is damaged) \(.*\);", r"\1 (..);", str(error))


def tried(read):
    try:
        return read()
    except NasTuneError as error:
        return refused(error)


def shown(settings, loading=load_images, reading=load_raw):
    """What is read, how it is split, and what is said of it; or why it is refused."""
    data = loading(settings, CPU)
    parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
    return {
        "said": described_images(settings, lambda: reading(settings)),
        "guess": real_targets(settings),
        "checksum": reading(settings).checksum(),
        "classes": list(data.classes),
        "arguments": str(data.arguments()),
        "type": str(data.train.images.dtype),
        "pixels": {name: float(part.images.double().sum()) for name, part in parts.items()},
        "labels": {name: str(part.labels.tolist())[:90] for name, part in parts.items()},
        "moments": [round(float(value), 5) for value in torch.cat([data.mean.flatten(), data.std.flatten()])],
        "example": round(float(data.example().double().abs().sum()), 4),
        "groups": {name: str(codes.tolist())[:90] for name, codes in data.groups.items()},
        "targets": [str(getattr(data, name, None)) for name in ("target_mean", "target_std")],
    }


def of(settings):
    found = tried(lambda: shown(settings))
    checked = tried(lambda: check_data(settings))
    return found if checked is None or checked == found else [found, checked]


def numbers_of(settings):
    return tried(lambda: shown(settings, load_numbers, load_raw_numbers))


ARRAYS = {
    "plain": (BASE, {}),
    "seed": (BASE, {"seed": 5, "validation_share": 0.3, "test_share": 0.1}),
    "whole": (BASE, {"whole": True}),
    "tested": (TESTED, {}),
    "validated": ({**BASE, "x_val": GREY[:6] // 2, "y_val": LABELS[:6]}, {}),
    "validated, whole": ({**TESTED, "x_valid": GREY[:6] // 2, "y_valid": LABELS[:6]}, {"whole": True}),
    "other names": ({"train_images": GREY, "train_labels": LABELS, "images_dev": GREY, "labels_dev": LABELS}, {}),
    "not read": ({**BASE, "b": LABELS, "a": LABELS}, {}),
    "twice": ({**BASE, "x_train": GREY, "y_train": LABELS}, {}),
    "images only": ({"x": GREY}, {}),
    "no training": ({"x_test": GREY, "y_test": LABELS}, {}),
    "half a test": ({**BASE, "x_test": GREY}, {}),
    "half a validation": ({**BASE, "y_val": LABELS}, {}),
    "an unknown part": ({**BASE, "x_extra": GREY, "y_extra": LABELS}, {}),
    "two kinds": ({**BASE, "x_y": GREY}, {}),
    "colour": ({"x": COLOUR, "y": LABELS}, {}),
    "colour first": ({"x": COLOUR.transpose(0, 3, 1, 2), "y": LABELS}, {}),
    "two channels": ({"x": COLOUR[..., :2], "y": LABELS}, {}),
    "five axes": ({"x": GREY[:, None, None], "y": LABELS}, {}),
    "truths": ({"x": GREY > 99, "y": LABELS}, {}),
    "texts as images": ({"x": GREY.astype(str), "y": LABELS}, {}),
    "255": ({"x": np.minimum(GREY.astype(np.int32), 255), "y": LABELS}, {}),
    "256": ({"x": np.where(GREY > 250, 256, GREY.astype(int)), "y": LABELS}, {}),
    "below 0": ({"x": np.where(GREY > 250, -1, GREY.astype(np.int16)), "y": LABELS}, {}),
    "real": ({"x": GREY / 255, "y": LABELS}, {}),
    "real and whole": ({**TESTED, "x": GREY / 255}, {}),
    "too large": ({"x": GREY * 1e300, "y": LABELS}, {}),
    "not finite": ({"x": np.where(GREY > 250, np.nan, GREY), "y": LABELS}, {}),
    "not finite in the test": ({**TESTED, "x": GREY / 1.0, "x_test": np.full((6, 5, 4), np.inf)}, {}),
    "no image": ({"x": GREY[:0], "y": LABELS[:0]}, {}),
    "no pixel": ({"x": GREY[:, :0], "y": LABELS}, {}),
    "too few labels": ({"x": GREY, "y": LABELS[:29]}, {}),
    "shapes": ({**TESTED, "x_test": GREY[:6, 1:]}, {}),
    "labels in a column": ({"x": GREY, "y": LABELS[:, None]}, {}),
    "labels in two columns": ({"x": GREY, "y": np.stack([LABELS] * 2, 1)}, {}),
    "labels of numbers": ({"x": GREY, "y": LABELS / 2}, {}),
    "labels of texts": ({**TESTED, "y": NAMES, "y_test": NAMES[:6]}, {}),
    "labels of texts and integers": ({**TESTED, "y": NAMES}, {}),
    "labels of integers and texts": ({**TESTED, "y_test": NAMES[:6]}, {}),
    "labels that the test alone has": ({**TESTED, "y": NAMES, "y_test": np.array(["dog"] * 6)}, {}),
    "labels below 0": ({"x": GREY, "y": LABELS - 1}, {}),
    "labels below 0 in the test": ({**TESTED, "y_test": LABELS[:6] - 1}, {}),
    "labels beyond": ({**TESTED, "y_test": LABELS[:6] + 1}, {}),
    "labels with a gap": ({"x": GREY, "y": LABELS * 2}, {}),
    "labels of one class": ({"x": GREY, "y": LABELS * 0}, {}),
    "classes that the test lacks": ({**TESTED, "y_test": LABELS[:6] * 0}, {}),
    "10 classes that the test lacks": (
        {"x": GREY, "y": np.arange(COUNT) % 11, "x_test": GREY[:3], "y_test": np.zeros(3, int)},
        {"test_share": 0.1},
    ),
    "11 classes that the test lacks": (
        {"x": GREY[:24], "y": np.arange(24) % 12, "x_test": GREY[:3], "y_test": np.zeros(3, int)},
        {"whole": True},
    ),
    "20 classes": ({"x": np.repeat(GREY, 3, 0)[:80], "y": np.arange(80) % 20}, {}),
    "21 classes": ({"x": np.repeat(GREY, 3, 0)[:84], "y": np.arange(84) % 21}, {}),
    "classes of two images": ({"x": GREY[:6], "y": LABELS[:6]}, {}),
    "classes of one image": ({"x": GREY[:4], "y": LABELS[:4]}, {}),
    "copies": ({**TESTED, "x_test": GREY[:6], "x": np.concatenate([GREY[:15], GREY[:15]])}, {}),
    "images of one value": ({"x": np.where(np.arange(COUNT)[:, None, None] < 3, 7, GREY), "y": LABELS}, {}),
    "groups": ({**BASE, "who": WHO}, {"validation_groups": "who"}),
    "groups of parts": ({**TESTED, "who": WHO, "who_test": WHO[:6] + "t"}, {"validation_groups": "who"}),
    "groups of whole names": ({**TESTED, "who": WHO, "who_test": WHO[:6]}, {"validation_groups": "who"}),
    "groups lacking": (TESTED, {"validation_groups": "who"}),
    "groups too few": ({**BASE, "who": WHO[:29]}, {"validation_groups": "who"}),
    "groups of two": ({**BASE, "who": np.array(["a", "b"] * 15)}, {"validation_groups": "who"}),
    "another target": ({**BASE, "kind": LABELS[::-1]}, {"label_column": "kind"}),
    "an unknown target": (BASE, {"label_column": "kind"}),
}
TARGETS = {
    "numbers": ({"x": GREY, "y": VALUES}, {}),
    "numbers, whole": ({"x": GREY, "y": LABELS}, {}),
    "two numbers": ({"x": GREY, "y": np.stack([VALUES, VALUES[::-1] ** 2], 1)}, {}),
    "numbers of parts": ({**TESTED, "y": VALUES, "y_test": VALUES[:6]}, {}),
    "numbers of two widths": ({**TESTED, "y": VALUES, "y_test": np.stack([VALUES[:6]] * 2, 1)}, {}),
    "one value": ({"x": GREY, "y": VALUES * 0 + 2}, {}),
    "one value in the second": ({"x": GREY, "y": np.stack([VALUES, VALUES * 0], 1)}, {}),
    "not finite": ({"x": GREY, "y": np.where(VALUES > 7, np.nan, VALUES)}, {}),
    "texts": ({"x": GREY, "y": NAMES}, {}),
    "a cube": ({"x": GREY, "y": VALUES[:, None, None]}, {}),
    "nothing": ({"x": GREY, "y": np.zeros((COUNT, 0))}, {}),
    "another target": ({"x": GREY, "y": LABELS, "height": VALUES}, {"label_column": "height"}),
    "groups": ({"x": GREY, "y": VALUES, "who": WHO}, {"validation_groups": "who"}),
}


def written(name, arrays):
    path = name.replace(" ", "-").replace(",", "") + ".npz"
    np.savez(path, **arrays)
    return path


def test_arrays_are_read_as_they_were():
    found = {name: of(DataSettings(written(name, arrays), **more)) for name, (arrays, more) in ARRAYS.items()}
    agrees("images-of-arrays", found, tolerance=1e-5)


def test_arrays_with_numbers_are_read_as_they_were():
    found = {}
    for name, (arrays, more) in TARGETS.items():
        found[name] = numbers_of(DataSettings(written(name, arrays), **more))
    agrees("images-with-numbers", found, tolerance=1e-5)


def encoded(array, kind="PNG", **more):
    buffer = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(buffer, kind, **more)
    return buffer.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(GREY[0], exif=exif)


def alpha(pixels, opaque):
    image = Image.fromarray(pixels).convert("LA" if pixels.ndim == 2 else "RGBA")
    image.putalpha(Image.fromarray(opaque))
    return encoded(image)


DEEP = (GREY[0].astype(np.uint16) * 200, GREY[0].astype(np.float32) / 3)
LONG, FLAT = np.kron(GREY[0], np.ones((1, 3), np.uint8)), np.full_like(GREY[0], 9)
PICTURES = {
    "grey": encoded(GREY[0]),
    "colour": encoded(COLOUR[0]),
    "bits": encoded(GREY[0] > 99),
    "palette": encoded(Image.fromarray(COLOUR[0]).quantize(8)),
    "bmp": encoded(COLOUR[1], "BMP"),
    **{f"turned {number}": turned(number) for number in (0, 1, 2, 5, 6, 8, 9)},
    "turned tiff": encoded(GREY[0], "TIFF", tiffinfo={0x0112: 6}),
    "16 bits": encoded(DEEP[0]),
    "float": encoded(DEEP[1], "TIFF"),
    "grey with alpha": alpha(GREY[0], GREY[1]),
    "colour with alpha": alpha(COLOUR[0], GREY[1]),
    "alpha alone": alpha(FLAT, GREY[1]),
    "alpha alone in colour": alpha(np.stack([FLAT] * 3, 2), GREY[1]),
    "flat with flat alpha": alpha(FLAT, FLAT),
    "long": encoded(LONG),
    "high": encoded(LONG.T.copy()),
    "damaged": encoded(GREY[0])[:40],
    "nothing": b"",
}


def test_pictures_are_decoded_as_they_were():
    found = {}
    for name, picture in PICTURES.items():
        for resize in (None, 1, 3, 7):

            def read(resize=resize, picture=picture, name=name):
                one = decode_all([(name, picture)], resize=resize)
                sums = [float(one.images.double().sum()), float(one.images.double()[..., 0].sum())]
                return [list(one.images.shape), *sums, str(one.images.dtype), one.depth, one.turned, one.with_alpha]

            found[f"{name} {resize}"] = tried(read)
    both = {"grey and colour": ("grey", "colour"), "sizes": ("grey", "long"), "depths": ("grey", "grey", "16 bits")}
    for name, some in both.items():
        pictures = [(f"{place} {one}", PICTURES[one]) for place, one in enumerate(some)]
        found[name] = tried(lambda pictures=pictures: list(decode_all(pictures, resize=None).images.shape))
    agrees("pictures", found)


CELLS = [encoded(one) for one in GREY]
TABLE = {"image": CELLS, "label": LABELS}
SPLIT = ["train"] * 18 + ["valid"] * 6 + ["test"] * 6
TABLES = {
    "plain": (TABLE, {}),
    "structs": ({"image": [{"bytes": cell, "path": None} for cell in CELLS], "label": LABELS}, {}),
    "names": ({"img": CELLS, "fine_label": NAMES}, {}),
    "decimals": ({"image": CELLS, "label": [Decimal(int(value)) for value in LABELS]}, {}),
    "no label": ({"image": CELLS, "note": LABELS / 2}, {}),
    "two labels": ({"image": CELLS, "a": LABELS, "b": LABELS}, {}),
    "two images": ({"a": CELLS, "b": CELLS, "label": LABELS}, {}),
    "two images, one usual": ({"a": CELLS, "image": CELLS, "label": LABELS}, {}),
    "chosen": ({"a": CELLS, "b": CELLS, "c": LABELS, "d": LABELS}, {"image_column": "b", "label_column": "d"}),
    "chosen that is not a label": ({**TABLE, "c": LABELS / 2}, {"label_column": "c"}),
    "chosen that is not there": (TABLE, {"label_column": "c"}),
    "chosen that holds no images": (TABLE, {"image_column": "label"}),
    "split": ({**TABLE, "split": SPLIT}, {}),
    "split by two": ({**TABLE, "split": SPLIT, "fold": SPLIT}, {}),
    "split by an unknown": ({**TABLE, "split": [*SPLIT[:29], "all"]}, {}),
    "split by nothing": ({**TABLE, "split": [*SPLIT[:29], None]}, {}),
    "split without training": ({**TABLE, "split": ["test"] * COUNT}, {}),
    "groups": ({**TABLE, "who": WHO}, {"validation_groups": "who"}),
    "groups lacking": (TABLE, {"validation_groups": "who"}),
    "groups empty": ({**TABLE, "who": [None, *WHO[1:]]}, {"validation_groups": "who"}),
    "no bytes": ({"image": [*CELLS[:29], None], "label": LABELS}, {}),
    "an empty label": ({"image": CELLS, "label": [*NAMES[:29], None]}, {}),
    "a label of the test alone": ({"image": CELLS, "label": [*NAMES[:29], "dog"], "split": SPLIT}, {}),
    "resize": (TABLE, {"resize": 3}),
    "no row": ({"image": pd.Series([], dtype="bytes"), "label": []}, {}),
}
FILES = {
    "train and test": {"train-0.parquet": TABLE, "a/test.parquet": TABLE, ".hidden.parquet": TABLE},
    "none is training": {"a.parquet": TABLE, "test.parquet": TABLE},
    "one of none": {"train.parquet": TABLE, "test.parquet": TABLE, "other.parquet": TABLE},
    "two parts in a name": {"train_test.parquet": TABLE},
    "columns": {"train.parquet": TABLE, "test.parquet": {"image": CELLS}},
    "against its column": {"train.parquet": {**TABLE, "split": SPLIT}},
}


def test_parquet_files_are_read_as_they_were():
    found = {}
    for name, (columns, more) in TABLES.items():
        path = name.replace(" ", "-").replace(",", "") + ".parquet"
        pd.DataFrame(columns).to_parquet(path)
        found[name] = [of(DataSettings(path, **more)), numbers_of(DataSettings(path, **more))]
    for folder, files in FILES.items():
        for name, columns in files.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame(columns).to_parquet(Path(folder, name))
        found[folder] = of(DataSettings(folder))
    agrees("images-of-parquet", found, tolerance=1e-5)


EIGHT = [f"{kind}/{number}.png" for kind in ("a", "b") for number in range(4)]
FOLDERS = {
    "plain": EIGHT,
    "hidden": [*EIGHT, ".c/1.png", "a/.1.png", "__MACOSX/1.png", "a/.d/1.png"],
    "stray": [*EIGHT, *[f"{number}.png" for number in range(6)]],
    "stray of five": [*EIGHT, *[f"{number}.png" for number in range(5)]],
    "deep": [*EIGHT, "a/c/d/9.png"],
    "texts": [*EIGHT, "a/read.me", "a/x.txt"],
    "an empty class": [*EIGHT, "c/x.txt"],
    "one class": EIGHT[:4],
    "wrapped": [f"all/{name}" for name in EIGHT],
    "wrapped of six": [f"all/{number}/0.png" for number in range(6)],
    "parts": [*(f"train/{name}" for name in EIGHT), *(f"Val/{name}" for name in EIGHT)],
    "parts, wrapped": [*(f"training_set/training_set/{name}" for name in EIGHT), *(f"test/{name}" for name in EIGHT)],
    "parts twice": [*(f"train/{name}" for name in EIGHT), *(f"training/{name}" for name in EIGHT)],
    "parts and others": [*(f"train/{name}" for name in EIGHT), "other/1.png"],
    "parts and texts": [*(f"train/{name}" for name in EIGHT), "other/1.txt"],
    "parts without training": [*(f"val/{name}" for name in EIGHT), *(f"test/{name}" for name in EIGHT)],
    "parts without classes": ["train/1.png", "test/1.png"],
    "parts in classes": [*EIGHT, "a/train/1.png", "a/test/1.png"],
    "classes that the test alone has": [*(f"train/{name}" for name in EIGHT), "test/c/1.png"],
    "classes that the test lacks": [*(f"train/{name}" for name in EIGHT), "test/a/1.png"],
    "a test of no image": [*(f"train/{name}" for name in EIGHT), "test/a/x.txt"],
    "numbers": [f"{kind}/{number}.png" for kind in ("0.5", "1", "2.5") for number in range(4)],
    "no folder": ["a.png"],
}


def test_folders_are_read_as_they_were():
    found = {}
    for folder, names in FOLDERS.items():
        for place, name in enumerate(names):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_bytes(CELLS[place % COUNT])
        found[folder] = [of(DataSettings(folder, test_share=0.3)), numbers_of(DataSettings(folder, test_share=0.3))]
    for name in ("nowhere", "digit", "mnist", "cifar10"):
        found[name] = of(DataSettings(name))
    found["groups"] = of(DataSettings("plain", validation_groups="who"))
    agrees("images-of-folders", found, tolerance=1e-5)


UNLABELLED = {
    "grey": GREY,
    "colour": COLOUR,
    "colour first": COLOUR.transpose(0, 3, 1, 2),
    "real": GREY / 7,
    "truths": GREY > 9,
    "texts": GREY.astype(str),
    "one": GREY[0],
    "five axes": GREY[None, None],
    "not finite": np.where(GREY > 9, np.inf, 1.0),
    "none": GREY[:0],
    "sizes": GREY[:, 1:],
    "pictures": "pictures",
    "a picture": "pictures/0.png",
    "a text": "pictures/x.txt",
    "texts only": "texts",
    "a table": "a.parquet",
    "an array": "a.npz",
    "another array": "b.npz",
    "an array alone": "c.npy",
    "nowhere": "nowhere",
}


def test_images_without_labels_are_read_as_they_were():
    for place in ("pictures/deep", "texts"):
        Path(place).mkdir(parents=True)
        Path(place, "x.txt").write_text("x", encoding="utf-8")
    for name in ("0.png", "deep/1.JPG", ".2.png"):
        Path("pictures", name).write_bytes(CELLS[3])
    Path("pictures/x.txt").write_text("x", encoding="utf-8")
    pd.DataFrame({"image": CELLS[:3], "other": CELLS[:3], "n": [1, 2, 3]}).to_parquet("a.parquet")
    np.savez("a.npz", x=GREY, other=LABELS)
    np.savez("b.npz", other=GREY, labels=LABELS)
    np.save("c.npy", GREY)
    found = {}
    for name, x in UNLABELLED.items():
        for shape, resize in (((1, 5, 4), None), ((3, 5, 4), None), ((1, 3, 3), 3)):

            def read(x=x, shape=shape, resize=resize):
                images, names = read_images(x, shape, resize=resize)
                return [str(images.dtype), list(images.shape), float(images.double().sum()), names[:3]]

            found[f"{name} {shape} {resize}"] = tried(read)
    agrees("images-unlabelled", found, tolerance=1e-6)


def test_shares_and_moments_are_what_they_were():
    found = {}
    for share in (0.05, 0.2, 0.34, 0.5, 0.9):
        for seed in (0, 1):
            raw = load_raw(DataSettings(written("uneven", {"x": GREY, "y": np.arange(COUNT) ** 2 % 7 % 3})))
            data = split_data(raw, validation_share=share, test_share=0.2, seed=seed, device=CPU, whole=False)
            found[f"{share} {seed}"] = [str(part.labels.tolist()) for part in (data.train, data.validation, data.test)]
    many = torch.arange(2 * 4097 * 2).view(4097, 2, 1, 2) % 251
    scales = {"plain": many, "far": many / 251 + 1e6, "constant": many * 0 + 5, "tiny": many * 1e-12, "zero": many * 0}
    for name, images in scales.items():
        found[name] = [[round(float(value), 9) for value in one.flatten()] for one in moments(images)]
    agrees("shares", found, tolerance=1e-6)
