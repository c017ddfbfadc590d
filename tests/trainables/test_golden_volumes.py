"""Scans with masks are read, split, cut, described, measured and refused as in earlier versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.data.volumes import PatchPart, VolumeSettings, described_volumes, holds_masks, load_volumes
from trainables.data.volumes.blobs import drawn_blobs
from trainables.data.volumes.cases import plain_mask
from trainables.data.volumes.loading import class_names, volumes_checksum
from trainables.data.volumes.scans import moments_of, standardized, starts_of
from trainables.data.volumes.unlabelled import Placement, centred, nifti_files, read_volumes
from trainables.data.volumes.views import ScanViews
from trainables.tasks.class_metrics import class_metric_names
from trainables.tasks.registry import make_task
from trainables.tasks.segmentation import Segmentation
from trainables.tasks.segmentation.losses import resampled, segmentation_loss, soft_dice
from trainables.tasks.segmentation.meter import SegmentationMeter, metrics_of_classes
from trainables.tasks.segmentation.showing import painted, slice_of, triptych, write_masks
from trainables.tasks.segmentation.surfaces import hd95
from trainables.tasks.segmentation.windows import in_windows

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
COUNT = 12
MASKS = np.zeros((COUNT, 4, 5, 6), dtype=np.uint8)
for _number in range(COUNT):
    MASKS[_number, 1:3, 1:4, 1 : 2 + _number % 3], MASKS[_number, 3, _number % 5, 4:] = 1, 2
IMAGES = (RNG.integers(0, 40, MASKS.shape) + 90 * MASKS).astype(np.uint8)
FLAT, FLAT_MASKS = IMAGES[:, 0], MASKS[:, 2] + (MASKS[:, 3] == 2) * 2 * (MASKS[:, 2] == 0)
WHO = np.array([f"p{number // 2}" for number in range(COUNT)])
SPLIT = ["train"] * 6 + ["val"] * 3 + ["test"] * 3
BASE: dict[str, Any] = {"x": IMAGES[:, None], "y": MASKS}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)


def tried(make: Callable[[], Any]) -> Any:
    """What is made, or the message, without what numpy and nibabel say in it."""
    try:
        return make()
    except NasTuneError as error:
        told = re.sub(
            r"(complete \S+ file( of plain arrays)?|several shapes|no classes) \(.*?\);", r"\1 (..);", str(error)
        )
        return f"{type(error).__name__}: {told}"


def numbers(values: Any, most: int = 8) -> list[Any]:
    """The shape, the type, the first few numbers, and the sums of all, by place and without."""
    flat = torch.as_tensor(np.asarray(values).copy()).double().flatten()
    by_place = flat * torch.linspace(1, 2, max(1, len(flat)), dtype=torch.float64)[: len(flat)]
    sums = [round(float(flat.sum()), 4), round(float(by_place.sum()), 4)]
    return [str(list(values.shape)), str(values.dtype), str([round(one, 4) for one in flat[:most].tolist()]), *sums]


def whole(part: Any) -> list[Any]:
    images, masks = part.rows(torch.arange(len(part)))
    return [len(part), numbers(images, 4), numbers(masks, 0)]


def shown(settings: VolumeSettings) -> dict[str, Any]:
    data = load_volumes(settings, CPU)
    train = data.train
    return {
        "said": described_volumes(settings),
        "classes": list(class_names(settings)),
        "arguments": str(dict(data.arguments())),
        "parts": {name: whole(getattr(data, name)) for name in ("train", "validation", "test")},
        "names": [str(list(one.names)) for one in (data.validation, data.test)],
        "moments": [None if one is None else numbers(one) for one in (data.mean, data.std)],
        "example": numbers(data.example(), 4),
        "about": str([data.window, data.spacing, data.orientation, data.sides, data.dimensions]),
        "groups": {name: str(codes.tolist()) for name, codes in data.groups.items()},
        "windows": [str(train.corners), str(train.holds_foreground.tolist())] if isinstance(train, PatchPart) else [],
    }


FLOATS = (IMAGES[:, None] / 7 - 5).astype(np.float32)
ARRAYS: dict[str, tuple[Mapping[str, Any], dict[str, Any]]] = {
    "plain": (BASE, {}),
    "seed": (BASE, {"seed": 4, "validation_share": 0.3, "test_share": 0.1}),
    "whole": (BASE, {"whole": True}),
    "split": ({**BASE, "split": SPLIT}, {}),
    "split, whole": ({**BASE, "split": SPLIT, "groups": np.sort(np.arange(COUNT) // 3).astype(str)}, {"whole": True}),
    "split of two": ({**BASE, "split": ["train"] * 9 + ["test"] * 3}, {}),
    "no channels": ({"x": IMAGES, "y": MASKS}, {}),
    "images": ({"x": FLAT[:, None], "y": FLAT_MASKS}, {}),
    "images without channels": ({"x": FLAT, "y": FLAT_MASKS}, {}),
    "two channels": ({"x": np.stack([IMAGES, IMAGES // 2], 1), "y": MASKS}, {}),
    "one slice": ({"x": IMAGES[:, :1, None], "y": MASKS[:, 2:3]}, {}),
    "tested": ({**BASE, "x_test": IMAGES[:3, None], "y_test": MASKS[:3]}, {}),
    "validated": ({**BASE, "x_val": IMAGES[:3, None], "y_val": MASKS[:3]}, {}),
    "grouped": ({**BASE, "groups": WHO}, {}),
    "grouped by": ({**BASE, "patient": WHO}, {"validation_groups": "patient"}),
    "grouped by nothing": (BASE, {"validation_groups": "patient"}),
    "groups of parts": (
        {**BASE, "groups": WHO, "x_test": IMAGES[:1, None], "y_test": MASKS[:1], "groups_test": ["q"]},
        {},
    ),
    "groups lacking": ({**BASE, "groups": WHO, "x_test": IMAGES[:1, None], "y_test": MASKS[:1]}, {}),
    "groups too few": ({**BASE, "groups": WHO[1:]}, {}),
    "groups split": ({**BASE, "groups": WHO, "split": ["train"] * 5 + ["val"] * 3 + ["test"] * 4}, {}),
    "named": ({**BASE, "case": WHO, "classes": ["nothing", "left", "right"], "spacing_mm": [1.0, 1.0, 1.5]}, {}),
    "spaced": ({**BASE, "spacing": [1.0, 1.0, 1.51]}, {}),
    "spaced evenly": ({**BASE, "spacing": np.full((COUNT, 3), 2)}, {}),
    "spaced unevenly": ({**BASE, "spacing": np.linspace([1, 1, 2], [1, 1.1, 2], COUNT)}, {}),
    "spaced nearly evenly": ({**BASE, "spacing": np.linspace([1, 1, 2], [1, 1.04, 2], COUNT)}, {}),
    "spaced by two": ({**BASE, "spacing": [1.0, 2.0]}, {}),
    "spaced by zero": ({**BASE, "spacing": [1.0, 2.0, 0.0]}, {}),
    "spaced by texts": ({**BASE, "spacing": ["1", "2", "3"]}, {}),
    "classes given": (BASE, {"classes": ["a", "b", "c"]}),
    "classes too few": (BASE, {"classes": ["a", "b"]}),
    "by volume": (BASE, {"intensity": "volume"}),
    "floats": ({"x": FLOATS, "y": MASKS}, {}),
    "16 bits": ({"x": IMAGES[:, None].astype(np.int16) * 9, "y": MASKS}, {}),
    "64 bits": ({"x": IMAGES[:, None].astype(np.int64) * 9, "y": MASKS}, {}),
    "truths": ({"x": IMAGES[:, None] > 60, "y": MASKS}, {}),
    "constant": ({"x": IMAGES[:, None] * 0 + 7, "y": MASKS}, {}),
    "windows": (BASE, {"patch": 4}),
    "windows of sides": (BASE, {"patch": [4, 4, 5]}),
    "windows as large": (BASE, {"patch": (4, 5, 6)}),
    "windows larger": (BASE, {"patch": 9}),
    "windows of two sides": (BASE, {"patch": [4, 4]}),
    "folds": (BASE, {"folds": 3, "fold": 1}),
    "folds of groups": ({**BASE, "groups": WHO}, {"folds": 3, "fold": 2}),
    "folds too many": ({**BASE, "groups": WHO}, {"folds": 9, "fold": 0}),
    "folds, validated": ({**BASE, "split": SPLIT}, {"folds": 3, "fold": 0}),
    "masks of floats": ({**BASE, "y": MASKS.astype(np.float64)}, {}),
    "masks of fractions": ({**BASE, "y": MASKS / 4}, {}),
    "masks of texts": ({**BASE, "y": MASKS.astype(str)}, {}),
    "masks below": ({**BASE, "y": MASKS.astype(int) - 1}, {}),
    "masks of 256": ({**BASE, "y": MASKS.astype(int) * 128}, {}),
    "masks of 255": ({**BASE, "y": MASKS.astype(int) * 127 + (MASKS == 2)}, {}),
    "masks too few": ({**BASE, "y": MASKS[:9]}, {}),
    "masks too small": ({**BASE, "y": MASKS[..., :5]}, {}),
    "masks with gaps": ({**BASE, "y": MASKS * 2}, {}),
    "masks of nothing": ({**BASE, "y": MASKS * 0}, {}),
    "masks of one": ({**BASE, "y": MASKS * 0 + 1}, {}),
    "masks without background": ({**BASE, "y": MASKS + 1}, {}),
    "masks of five axes": ({**BASE, "y": MASKS[:, None, None]}, {}),
    "some masks empty": ({**BASE, "y": np.where(np.arange(COUNT)[:, None, None, None] < 4, 0, MASKS)}, {}),
    "three masks empty": ({**BASE, "y": np.where(np.arange(COUNT)[:, None, None, None] < 3, 0, MASKS)}, {}),
    "a class lacks": (
        {**BASE, "split": SPLIT, "y": np.where((np.arange(COUNT) > 8)[:, None, None, None] & (MASKS == 2), 0, MASKS)},
        {},
    ),
    "a class too many": (
        {**BASE, "split": SPLIT, "y": np.where((np.arange(COUNT) < 6)[:, None, None, None] & (MASKS == 2), 1, MASKS)},
        {},
    ),
    "no scans": ({"x": IMAGES[:0, None], "y": MASKS[:0]}, {}),
    "too few scans": ({"x": IMAGES[:2, None], "y": MASKS[:2]}, {}),
    "just enough scans": ({"x": IMAGES[:3, None], "y": MASKS[:3]}, {}),
    "two axes": ({"x": IMAGES[:, 0, 0], "y": MASKS[:, 0, 0]}, {}),
    "six axes": ({"x": IMAGES[:, None, None, None], "y": MASKS}, {}),
    "texts": ({"x": IMAGES[:, None].astype(str), "y": MASKS}, {}),
    "not finite": ({"x": np.where(FLOATS > 20, np.nan, FLOATS), "y": MASKS}, {}),
    "split too short": ({**BASE, "split": SPLIT[1:]}, {}),
    "an unknown part": ({**BASE, "split": [*SPLIT[1:], "odd"]}, {}),
    "no training": ({**BASE, "split": ["test"] * COUNT}, {}),
    "no masks": ({"x": IMAGES[:, None]}, {}),
}


def test_arrays_are_read_as_they_were() -> None:
    found: dict[str, Any] = {}
    for place, (name, (arrays, more)) in enumerate(ARRAYS.items()):
        file = f"{place}.npz"
        np.savez(file, **arrays)
        found[name] = [
            holds_masks(file, None),
            tried(lambda file=file, more=more: shown(VolumeSettings(data=file, **more))),
        ]
    agrees("volumes-of-arrays", found, tolerance=1e-4)


def test_paths_are_refused_as_they_were(tmp_path: Path) -> None:
    np.savez("labels.npz", x=IMAGES[:, None], labels=MASKS)
    np.savez("flat.npz", x=IMAGES, y=MASKS[:, 0, 0])
    np.savez("rows.npz", x=IMAGES, y=MASKS[:, 0, 0, 0])
    np.savez("deep.npz", x=IMAGES, y=MASKS[:, None])
    np.savez("train.npz", x_train=IMAGES, y_train=MASKS)
    np.savez("objects.npz", x=IMAGES, y=np.array([None]))
    Path("text.npz").write_text("x")
    for folder in ("empty", "half/imagesTr", "both/imagesTr", "both/labelsTr"):
        Path(folder).mkdir(parents=True)
    given = [*(f"{one}.npz" for one in ("labels", "flat", "rows", "deep", "train", "objects", "text", "nowhere"))]
    given += ["empty", "half", "both", "blobs2d", "blobs3d"]
    found = {name: holds_masks(name, None) for name in (*given, "", None, 3)}
    found["below"] = holds_masks("labels.npz", str(tmp_path))
    told = {}
    for name in given:
        if name not in ("blobs2d", "blobs3d", "labels.npz", "train.npz"):
            told[name] = tried(lambda name=name: shown(VolumeSettings(data=name)))
    told["groups of a folder"] = tried(lambda: shown(VolumeSettings(data="both", validation_groups="x")))
    told["groups of blobs"] = tried(lambda: shown(VolumeSettings(data="blobs2d", validation_groups="x")))
    sums = [volumes_checksum(VolumeSettings(data=name)) for name in ("blobs2d", "blobs3d")]
    sums.append(volumes_checksum(VolumeSettings(data="text.npz")))
    text = json.dumps([{str(key): value for key, value in found.items()}, told, sums])
    agrees("volumes-of-paths", json.loads(text.replace(str(tmp_path), "HERE")))


def test_drawn_scans_are_what_they_were() -> None:
    found: dict[str, Any] = {name: shown(VolumeSettings(data=name)) for name in ("blobs2d",)}
    for dimensions in (2, 3):
        blobs = drawn_blobs(dimensions)
        found[f"of {dimensions}"] = [numbers(blobs.images, 40), numbers(blobs.masks), blobs.patients.tolist()[:5]]
    agrees("volumes-drawn", found, tolerance=1e-3)


def folder(path: str, *, count: int = 6, labels: Any = None, **more: Mapping[str, Any]) -> str:
    """A folder of NIfTI files; of `more` each has the arrays by the names of their files."""
    nibabel = pytest.importorskip("nibabel")
    held: dict[str, Mapping[str, Any]] = {
        "imagesTr": {f"case_{number}.nii.gz": IMAGES[number].astype(np.int16) for number in range(count)},
        "labelsTr": {f"case_{number}.nii.gz": MASKS[number].astype(np.float32) for number in range(count)},
    }
    for name in {*held, *more}:
        Path(path, name).mkdir(parents=True, exist_ok=True)
        for file, value in {**held.get(name, {}), **more.get(name, {})}.items():
            target = Path(path, name, file)
            if value is None:
                target.unlink(missing_ok=True)
            elif isinstance(value, bytes):
                target.write_bytes(value)
            else:
                values, affine = value if isinstance(value, tuple) else (value, np.diag([1.0, 1, 2, 1]))
                nibabel.save(nibabel.Nifti1Image(values, affine), target)
    if labels is not None:
        Path(path, "dataset.json").write_text(labels if isinstance(labels, str) else json.dumps({"labels": labels}))
    return path


SMALL, TALL = IMAGES[0][:3].astype(np.int16), np.diag([1.0, 1.2, 2, 1])
NIFTI: dict[str, dict[str, Any]] = {
    "plain": {},
    "named": {"labels": {"0": "nothing", "1": "left", "2": "right"}},
    "named as in nnU-Net": {"labels": {"nothing": 0, "right": 2, "left": 1}},
    "named wrongly": {"labels": ["nothing"]},
    "named in no JSON": {"labels": "{"},
    "without names": {"labels": "{}"},
    "tested": {"imagesTs": {"t.nii": IMAGES[7]}, "labelsTs": {"t.nii": MASKS[7]}},
    "validated": {"imagesVal": {"v.nii": IMAGES[7]}, "labelsVal": {"v.nii": MASKS[7]}},
    "tested without masks": {"imagesTs": {"t.nii": IMAGES[7]}},
    "of several sizes": {"imagesTr": {"case_0.nii.gz": SMALL}, "labelsTr": {"case_0.nii.gz": MASKS[0][:3]}},
    "of two spacings": {"imagesTr": {"case_0.nii.gz": (IMAGES[0].astype(np.int16), TALL)}},
    "turned": {"imagesTr": {"case_2.nii.gz": (IMAGES[0].astype(np.int16), np.diag([-1.0, 1, 2, 1]))}},
    "four axes": {"imagesTr": {f"case_{n}.nii.gz": np.stack([IMAGES[n], MASKS[n]], 3) for n in range(6)}},
    "an axis of one": {"imagesTr": {"case_0.nii.gz": IMAGES[0][..., None].astype(np.int16)}},
    "five axes": {"imagesTr": {"case_0.nii.gz": np.stack([IMAGES[0][..., None]] * 2, 4).repeat(2, 3)}},
    "two axes": {"imagesTr": {"case_0.nii.gz": IMAGES[0][0]}},
    "files of channels": {
        "imagesTr": {
            **{f"case_{n}.nii.gz": None for n in range(6)},
            **{f"case_{n}_000{m}.nii.gz": IMAGES[n] // (m + 1) for n in range(6) for m in range(2)},
        }
    },
    "channels of two sizes": {
        "imagesTr": {"case_0.nii.gz": None, "case_0_0000.nii.gz": IMAGES[0], "case_0_0001.nii.gz": IMAGES[0][:3]}
    },
    "no image": {"imagesTr": {"case_0.nii.gz": None}},
    "no masks": {"labelsTr": {f"case_{n}.nii.gz": None for n in range(6)}},
    "one mask less": {"labelsTr": {"case_0.nii.gz": None}},
    "four masks less": {"count": 9, "labelsTr": {f"case_{n}.nii.gz": None for n in range(4)}},
    "damaged": {"imagesTr": {"case_0.nii.gz": b"x"}},
    "another file": {"labelsTr": {"readme.txt": b"x"}, "imagesTr": {".hidden.nii": b"x"}},
    "a mask of another size": {"labelsTr": {"case_0.nii.gz": MASKS[0][:3]}},
}


def test_folders_are_read_as_they_were() -> None:
    found = {}
    for place, (name, more) in enumerate(NIFTI.items()):
        path = folder(f"nifti{place}", **more)
        files = [len(nifti_files(Path(path, one))) for one in ("imagesTr", "labelsTr", "imagesTr/case_1.nii.gz")]
        found[name] = [holds_masks(path, None), files, tried(lambda path=path: shown(VolumeSettings(data=path)))]
    agrees("volumes-of-folders", found, tolerance=1e-4)


SETTINGS: dict[str, Any] = {
    "data": [3, None, Path("x")],
    "root": [None, "", 3],
    "classes": [None, ["a"], ["a", "b"], ["a", "a"], ["a", ""], "ab", ["a", 3], ("a", "b", "c")],
    "patch": [None, 3, 4, True, 4.5, [4, 4], [4], [4, 4, 4, 4], (4, 3), "8"],
    "intensity": ["data", "volume", "x", None],
    "seed": [-1, 0],
    "whole": [1],
    "validation_share": [0, 0.9, 0.95],
}


def test_settings_are_taken_and_refused_as_they_were() -> None:
    found = {}
    for name, values in SETTINGS.items():
        for value in values:
            found[f"{name}={value!r}"] = str(tried(lambda name=name, value=value: VolumeSettings(**{name: value})))
    agrees("volumes-settings", found)


GIVEN: dict[str, Any] = {
    "array": IMAGES[:2, None],
    "no channels": IMAGES[:2],
    "two channels": np.stack([IMAGES[:2]] * 2, 1),
    "tensor": torch.from_numpy(IMAGES[:2]),
    "one": IMAGES[0],
    "images": FLAT[:2],
    "floats": FLOATS[:2],
    "whole floats": IMAGES[:2, None] * 1.0,
    "16 bits": IMAGES[:2, None].astype(np.int16),
    "above": IMAGES[:2, None].astype(np.int16) + 200,
    "not finite": np.full((1, 1, 2, 2, 2), np.inf),
    "none": IMAGES[:0, None],
    "a list": [IMAGES[0], IMAGES[1]],
    "shapes": [IMAGES[0], IMAGES[1, :2]],
    "texts": IMAGES[:2].astype(str),
    "a number": 3,
    "nothing": None,
    "npy": "x.npy",
    "npz": "x.npz",
    "text": "x.txt",
    "nowhere": "nowhere",
    "nifti": "new/imagesTr/case_0.nii.gz",
    "folder": "new/imagesTr",
    "folder of sizes": "sizes/imagesTr",
    "folder of channels": "channels/imagesTr",
}


def test_scans_without_masks_are_read_as_they_were(tmp_path: Path) -> None:
    np.save("x.npy", IMAGES[:2])
    np.savez("x.npz", scans=IMAGES[:2, None])
    Path("x.txt").write_text("x")
    folder("new", count=2)
    folder("sizes", count=2, imagesTr={"case_0.nii.gz": SMALL})
    folder("channels", count=2, imagesTr={"case_1.nii.gz": np.stack([IMAGES[0]] * 2, 3).astype(np.int16)})
    found: dict[str, Any] = {}
    for name, x in GIVEN.items():
        for channels, dimensions, dtype in ((1, 3, torch.uint8), (None, 3, torch.float32), (1, 2, torch.int16)):

            def read(x: Any = x, channels: Any = channels, dimensions: int = dimensions, dtype: Any = dtype) -> Any:
                scans, names = read_volumes(x, channels, dimensions, dtype)
                return [numbers(scans), names]

            found[f"{name} as {channels} {dimensions} {dtype}"] = tried(read)
    agrees("volumes-given", found, tolerance=1e-4)


def test_the_first_scan_of_another_spacing_is_told() -> None:
    folder("spaced", count=3, imagesTr={"case_1.nii.gz": (IMAGES[1].astype(np.int16), np.diag([1.0, 1, 3, 1]))})
    with pytest.warns(UserWarning, match=r"case_1.nii.gz has a spacing of 1 x 1 x 3 mm and the training 1 x 1 x 2 mm"):
        read_volumes("spaced/imagesTr", 1, 3, torch.int16, Placement("RAS", (1.0, 1.0, 2.0)))


def test_masks_are_written_and_drawn_as_they_were() -> None:
    folder("new", count=2, imagesTr={"case_0.nii.gz": SMALL})
    found: dict[str, Any] = {}
    for x in (IMAGES[:2], "new/imagesTr", "new/imagesTr/case_1.nii.gz", "nowhere"):
        for target in ("a/masks.npz", "b/out", "c/one.nii.gz", "d/one.txt"):
            masks = MASKS[:1] if isinstance(x, str) and x.endswith("gz") else MASKS[:2]

            def write(x: Any = x, target: str = target, masks: Any = masks) -> Any:
                files = write_masks(masks, x, Path(target))
                read = [
                    np.load(one) if one.suffix == ".npz" else read_volumes(one, 1, 3, torch.uint8)[0] for one in files
                ]
                told = [
                    {key: numbers(one[key]) if key == "y" else str(one[key]) for key in one}
                    if isinstance(one, np.lib.npyio.NpzFile)
                    else numbers(one)
                    for one in read
                ]
                return [[str(one) for one in files], told]

            found[f"{x if isinstance(x, str) else 'array'} to {target}"] = tried(write)
    for name, mask in {
        "plain": MASKS[0],
        "none": MASKS[0] * 0,
        "flat": MASKS[0, 2],
        "last": MASKS[0] * (MASKS[0] == 2),
    }.items():
        image = IMAGES[0][None] if mask.ndim == 3 else IMAGES[0, :1]
        place, plane = slice_of(image, mask)
        found[f"slice, {name}"] = [place, numbers(plane)]
        found[f"triptych, {name}"] = numbers(np.asarray(triptych(image, [mask, mask // 2])), 3)
    labels = np.arange(12).reshape(3, 4) % 9
    for low, high in ((0, 255), (10, 100), (5, 5)):
        found[f"painted {low} {high}"] = painted(IMAGES[0, 0, :3, :4], labels, low, high).tolist()
    tall = np.resize(IMAGES[0, 0], (200, 30))
    found["tall"] = numbers(np.asarray(triptych(tall[None], [tall > 99])))
    found["centred"] = [numbers(centred(MASKS[0], sides)) for sides in ((4, 5, 6), (1, 2, 3), (2, 4, 5))]
    agrees("volumes-written", found, tolerance=1e-4)


def test_scans_are_changed_as_they_were() -> None:
    images, masks = torch.from_numpy(IMAGES[:4, None]), torch.from_numpy(MASKS[:4])
    found: dict[str, Any] = {}
    for name, more in {
        "plain": {},
        "none": {"augment": False},
        "nothing": {"brightness": 0, "contrast": 0, "gamma": 0},
        "flip": {"brightness": 0, "contrast": 0, "gamma": 0, "flip": True},
        "brightness": {"contrast": 0, "gamma": 0},
        "contrast": {"brightness": 0, "gamma": 0, "contrast": 0.5},
        "gamma": {"brightness": 0, "contrast": 0, "gamma": 1},
    }.items():
        some, same = ScanViews(**more)(images, masks, torch.Generator().manual_seed(3))  # type: ignore[arg-type]
        found[name] = [numbers(some), numbers(same)]
    for name in ("brightness", "contrast", "gamma"):
        for value in (-0.1, 0, 1, 1.1):
            found[f"{name}={value}"] = str(tried(lambda name=name, value=value: ScanViews(**{name: value})))
    for side in (1, 4, 5, 7, 10):
        found[f"starts of {side}"] = {str(window): starts_of(side, window) for window in (1, 2, 3, 4, 5, 9)}
    for name, array in {"scans": FLOATS, "constant": FLOATS * 0 + 3, "zero": FLOATS * 0, "large": FLOATS + 1e6}.items():
        given = torch.from_numpy(array)
        found[f"moments, {name}"] = [numbers(one) for one in moments_of(given)]
        found[f"standard, {name}"] = numbers(standardized(given, None, None))
    for name, mask in {"truths": MASKS > 0, "none": MASKS[:0], "whole": MASKS * 1.0}.items():
        found[f"mask, {name}"] = numbers(plain_mask(mask, "m"))
    agrees("volumes-changed", found, tolerance=1e-4)


# ---------------------------------------------------------------------------------------------------------- the task


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_segmentations_are_measured_as_they_were() -> None:
    targets = torch.from_numpy(MASKS[:4])
    outputs = random(4, 3, 4, 5, 6) + 2 * torch.nn.functional.one_hot(targets.long(), 3).movedim(-1, 1)
    coarse = random(4, 3, 2, 3, 3)
    found: dict[str, Any] = {
        "losses": [float(segmentation_loss(outputs, targets, weight)) for weight in (0, 0.5, 1)],
        "coarse": float(segmentation_loss(coarse, targets, 1)),
        "dice": soft_dice(outputs.softmax(1), targets.long()).tolist(),
        "absent": soft_dice(outputs.softmax(1), targets.long() * 0).tolist(),
        "resampled": [
            numbers(resampled(targets, torch.Size(one))) for one in ((4, 5, 6), (2, 3, 3), (1, 1, 1), (4, 2, 5))
        ],
        "names": class_metric_names("dice", ("Left lung", "tumour-2", "--", "é", "A_b")),
    }
    classes = ["background", "left", "right"]
    metrics = metrics_of_classes(classes, "mm")
    found["metrics"] = [str(one) for one in metrics_of_classes(["b", "A", "a", "c"], "mm")]
    for name, (given, wanted) in {
        "near": (outputs, targets),
        "one class": (outputs, targets * (targets == 1)),
        "no class": (outputs * 0, targets * 0),
        "never": (
            -5.0 * torch.nn.functional.one_hot(targets.long() * 0 + 2, 3).movedim(-1, 1) + random(4, 3, 4, 5, 6),
            targets,
        ),
    }.items():
        for chosen in ([one.name for one in metrics], ["dice", "dice_right"], ["loss"], ["hd95", "volume_error"]):
            meter = SegmentationMeter(classes, metrics, chosen, (1.0, 1.0, 2.5), CPU)
            empty = meter.result()
            for row in (slice(0, 3), slice(3, 4)):
                meter.add(given[row], wanted[row])
            found[f"{name}, {chosen}"] = [empty, meter.result(), meter.remarks()]
    field = np.zeros((9, 9), dtype=bool)
    one, other, dot = field.copy(), field.copy(), field.copy()
    one[2:6, 2:6], other[3:8, 1:6], dot[4, 4] = True, True, True
    regions = {"one": one, "other": other, "dot": dot, "none": field, "all": ~field}
    for name, first in regions.items():
        for title, second in regions.items():
            found[f"hd95 of {name} and {title}"] = [
                hd95(first, second, spacing) for spacing in ((1.0, 1.0), (1.0, 3.0))
            ]
    agrees("segmentations", found, tolerance=1e-4)


def test_windows_are_put_together_as_they_were() -> None:
    def run(inputs: Tensor) -> Tensor:
        return torch.cat((inputs * 2, inputs.cumsum(2) - inputs.roll(1, 3)), 1)

    found = {}
    for shape in ((5, 6), (9, 12), (4, 20), (8, 8)):
        for window in ((8, 8), (4, 6), (9, 12)):
            found[f"{shape} by {window}"] = numbers(in_windows(run, random(2, 1, *shape), window))
    found["volumes"] = numbers(in_windows(run, random(1, 1, 6, 7, 9), (4, 8, 6)))
    agrees("segmentation-windows", found, tolerance=1e-3)


def test_the_task_is_what_it_was() -> None:
    np.savez("scans.npz", **BASE, spacing=[1.0, 1.0, 2.0])
    np.savez(
        "windows.npz",
        x=np.pad(IMAGES, ((0, 0), (0, 0), (0, 0), (0, 9)))[:, None],
        y=np.pad(MASKS, ((0, 0), (0, 0), (0, 0), (0, 9))),
    )
    found: dict[str, Any] = {
        f"dice_weight={value}": str(tried(lambda value=value: Segmentation(dice_weight=value)))
        for value in (-1, 0, "x")
    }
    for name, settings in {
        "whole": {"data": "scans.npz"},
        "windows": {"data": "windows.npz", "patch": [4, 5, 6]},
        "by volume": {"data": "scans.npz", "intensity": "volume"},
    }.items():
        task: Any = make_task("segmentation", settings)
        data = task.load(CPU)
        images, masks = data.test.rows(torch.arange(len(data.test)))
        outputs = random(len(images), 3, *images.shape[2:])
        restored = task.restored({"window": [4, 5, 6]}, ["a", "b"], finished=False)
        meter = task.meter(data, ["dice", "hd95"])
        meter.add(outputs, masks)
        main, others = task.heads((outputs, outputs + 1))
        exported = task.exported(data)
        found[name] = {
            "metrics": [str(one) for one in task.metrics],
            "identity": task.identity(),
            "order": task.order(data, torch.Generator().manual_seed(0)).tolist(),
            "loss": float(task.loss(outputs, masks, data)),
            "reward": float(task.reward(outputs, masks, data)),
            "distilled": float(task.distillation(outputs, outputs.roll(1, 0), data)),
            "measured": meter.result(),
            "most": [task.most_at_once(data), task.most_at_once(restored)],
            "applied": numbers(task.applied(lambda one: one * 2, images.float(), data)),
            "restored": [str(restored), numbers(restored.normalize(images))],
            "finished": str(task.restored({"window": [4]}, ["a"], finished=True)),
            "decoded": numbers(task.decode(outputs, data)),
            "recipes": [task.recipe(), task.full_recipe()],
            "exported": {key: str(value)[:60] for key, value in exported.items()},
            "about": task.about(),
            "pictures": sorted(task.pictures(images, masks, outputs, data)),
            "heads": [numbers(main), len(others), len(task.heads(outputs)[1])],
            "written": [str(one) for one in task.write(masks.numpy(), images.numpy(), Path("out.npz"))],
            "drawn": [str(one) for one in task.draw(masks.numpy(), images.numpy(), Path("out.png"), ["a", "b"])],
            "one drawn": [str(one) for one in task.draw(masks[:1].numpy(), images[:1].numpy(), Path("out.png"), ["a"])],
            "read": numbers(task.read(images.numpy(), images, data)[0]),
        }
    found["without data"] = [str(one) for one in make_task("segmentation", {"data": "nowhere.npz"}).metrics]
    agrees("segmentation-task", found, tolerance=1e-3)
