"""Images with boxes are read, split, described, drawn and refused as in earlier versions, at the edges of rules."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.data.boxes import BoxSettings, box_checksum, box_classes, described_boxes, is_boxes, load_boxes
from trainables.data.boxes.annotated import Annotated, Annotations, BoxForm, _are_shares, check_boxes, numbered
from trainables.data.boxes.coco import coco_files
from trainables.data.boxes.files import images_below
from trainables.data.boxes.loading import _moments
from trainables.data.boxes.shapes import drawn_shapes
from trainables.data.boxes.unlabelled import drawn_boxes, in_pixels_of, read_pictures
from trainables.data.boxes.views import BoxViews, moved
from trainables.data.boxes.voc import voc_files
from trainables.data.boxes.yolo import yolo_files
from trainables.data.letterbox import letterbox, placed

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 10, 12, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (12, 10, 12), dtype=np.uint8)
BOX, OTHER = [1.0, 2.0, 6.0, 7.5], [0.0, 0.0, 12.0, 10.0]
Content = bytes | str


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)


def tried(read: Callable[[], Any]) -> Any:
    """What is read, or the message, without what libraries say in it."""
    try:
        return read()
    except NasTuneError as error:
        told = re.sub(r"(complete \w+ file|not JSON) \(.*\);", r"\1 (..);", str(error))
        return f"{type(error).__name__}: {re.sub(r'is damaged .*?;', 'is damaged;', told)}"


def encoded(array: Any, kind: str = "PPM", **more: Any) -> bytes:
    """An image as a file; without compression its bytes, and so the checksums, are the same for every library."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **more)
    return buffer.getvalue()


def turned(array: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(array, "PNG", exif=exif)


def numbers(values: torch.Tensor | np.ndarray[Any, Any], most: int = 24) -> list[Any]:
    """The shape, the type, the first few numbers, and the sums of all, by place and without."""
    flat = torch.as_tensor(np.asarray(values).copy()).double().flatten()
    by_place = flat * torch.linspace(1, 2, max(1, len(flat)))[: len(flat)]
    sums = [round(float(flat.sum()), 4), round(float(by_place.sum()), 4)]
    return [str(list(values.shape)), str(values.dtype), str([round(one, 4) for one in flat[:most].tolist()]), *sums]


def shown(settings: BoxSettings) -> dict[str, Any]:
    data = load_boxes(settings, CPU)
    parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
    return {
        "said": described_boxes(settings),
        "checksum": box_checksum(settings),
        "classes": [list(data.classes), list(box_classes(settings))],
        "arguments": str(dict(data.arguments())),
        "images": {name: numbers(part.images, 3) for name, part in parts.items()},
        "boxes": {name: [part.boxes.tolist()[:4], str(part.labels.tolist())] for name, part in parts.items()},
        "moments": [round(float(value), 4) for value in torch.cat([data.mean.flatten(), data.std.flatten()])],
        "example": numbers(data.example(), 3),
    }


# ------------------------------------------------------------------------------------------------------------ Parquet


def table(
    name: str,
    images: Sequence[Any],
    boxes: Sequence[Any],
    labels: Sequence[Any],
    *,
    classes: Any = ("ant", "bee"),
    names: Sequence[str] = ("image", "boxes", "labels"),
    **more: Any,
) -> None:
    cells = [one if isinstance(one, bytes | None) else encoded(one) for one in images]
    columns = {names[0]: cells, names[1]: list(boxes), names[2]: list(labels), **more}
    held = pa.table(columns)
    if classes is not None:
        text = classes if isinstance(classes, str) and len(classes) > 3 else json.dumps(list(classes))
        held = held.replace_schema_metadata({"classes": text})
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(held, name)


ROWS = 10
BOXES = [[BOX], [OTHER], [], [BOX, OTHER], [BOX], [OTHER, BOX, BOX], [BOX], [BOX], [OTHER], [BOX]]
LABELS = [[0], [1], [], [1, 0], [0], [1, 1, 0], [0], [1], [0], [1]]
SPLIT = ["train"] * 6 + ["validation", "val", "test", "TEST"]
PLAIN = (COLOUR[:ROWS], BOXES, LABELS)
NAMED = [[["ant", "bee", "cow"][label] for label in some] for some in LABELS]
TABLES: dict[str, tuple[Callable[[], None], dict[str, Any]]] = {
    "plain": (lambda: table("d.parquet", *PLAIN), {}),
    "seed": (lambda: table("d.parquet", *PLAIN), {"seed": 3, "validation_share": 0.3, "test_share": 0.1}),
    "whole": (lambda: table("d.parquet", *PLAIN), {"whole": True}),
    "split": (lambda: table("d.parquet", *PLAIN, split=SPLIT), {}),
    "part": (lambda: table("d.parquet", *PLAIN, Part=[one if one != "TEST" else "odd" for one in SPLIT]), {}),
    "no training": (lambda: table("d.parquet", *PLAIN, split=["test"] * ROWS), {}),
    "grey": (lambda: table("d.parquet", GREY[:ROWS], BOXES, LABELS), {}),
    "both": (lambda: table("d.parquet", [*GREY[:5], *COLOUR[:5]], BOXES, LABELS), {}),
    "resized": (lambda: table("d.parquet", *PLAIN), {"resize": 8}),
    "resized high": (lambda: table("d.parquet", *PLAIN), {"resize": [30, 20]}),
    "resized to itself": (lambda: table("d.parquet", *PLAIN), {"resize": (10, 12)}),
    "of two sizes": (
        lambda: table("d.parquet", [*COLOUR[:4], COLOUR[0, :, :9], *COLOUR[5:ROWS]], [[BOX]] * ROWS, LABELS[:1] * ROWS),
        {},
    ),
    "of two sizes, apart": (
        lambda: table("d.parquet", [*COLOUR[: ROWS - 1], COLOUR[0, :9]], [[]] * 9 + [[BOX]], [[]] * 9 + [[0]]),
        {"resize": 12},
    ),
    "turned": (lambda: table("d.parquet", [turned(COLOUR[0].transpose(1, 0, 2)), *COLOUR[1:ROWS]], BOXES, LABELS), {}),
    "16 bits": (
        lambda: table("d.parquet", [encoded(GREY[0].astype(np.uint16) * 9, "PNG"), *GREY[1:ROWS]], BOXES, LABELS),
        {},
    ),
    "classes of numbers": (lambda: table("d.parquet", *PLAIN, classes=None), {}),
    "classes of names": (lambda: table("d.parquet", COLOUR[:ROWS], BOXES, NAMED, classes=None), {}),
    "classes declared": (lambda: table("d.parquet", COLOUR[:ROWS], BOXES, NAMED, classes=["bee", "cow", "ant"]), {}),
    "an unknown class": (lambda: table("d.parquet", COLOUR[:ROWS], BOXES, NAMED, classes=["cow", "ant"]), {}),
    "a label beyond": (lambda: table("d.parquet", *PLAIN, classes=["ant"]), {}),
    "classes empty": (lambda: table("d.parquet", *PLAIN, classes=[]), {}),
    "classes of no texts": (lambda: table("d.parquet", *PLAIN, classes=[1, 2]), {}),
    "classes no list": (lambda: table("d.parquet", *PLAIN, classes='"ant"'), {}),
    "classes no JSON": (lambda: table("d.parquet", *PLAIN, classes="ant, bee"), {}),
    "other columns": (
        lambda: table("d.parquet", *PLAIN, names=("photo", "where", "what")),
        {"box_column": "where", "label_column": "what"},
    ),
    "no boxes": (lambda: table("d.parquet", *PLAIN, names=("photo", "where", "labels")), {}),
    "no labels": (lambda: table("d.parquet", *PLAIN, names=("photo", "boxes", "what")), {}),
    "two images": (lambda: table("d.parquet", *PLAIN, mask=[encoded(GREY[0])] * ROWS), {}),
    "two images, chosen": (
        lambda: table("d.parquet", *PLAIN, mask=[encoded(GREY[0])] * ROWS),
        {"image_column": "mask"},
    ),
    "two unusual images": (
        lambda: table("d.parquet", *PLAIN, names=("a", "boxes", "labels"), b=[encoded(GREY[0])] * ROWS),
        {},
    ),
    "an unknown image": (lambda: table("d.parquet", *PLAIN), {"image_column": "boxes"}),
    "a missing image": (lambda: table("d.parquet", [*COLOUR[:9], None], BOXES, LABELS), {}),
    "sides": (lambda: table("d.parquet", COLOUR[:9], [[[1.0, 2.0, 3.0, 4.0]]] * 9, [[0]] * 9), {"box_format": "xywh"}),
    "three sides": (lambda: table("d.parquet", COLOUR[:9], [[[1.0, 2.0, 3.0]]] * 9, [[0]] * 9), {"box_format": "xywh"}),
    "flat boxes": (lambda: table("d.parquet", COLOUR[:9], [[1.0, 2.0, 3.0, 4.0]] * 9, [[0]] * 9), {}),
    "boxes of texts": (lambda: table("d.parquet", COLOUR[:9], [[["1", "2"]]] * 9, [[0]] * 9), {}),
    "no labels at all": (lambda: table("d.parquet", COLOUR[:9], [[BOX]] * 9, [None] * 8 + [[0]]), {}),
    "too few": (lambda: table("d.parquet", COLOUR[:2], BOXES[:2], LABELS[:2]), {}),
    "just enough": (lambda: table("d.parquet", COLOUR[:5], BOXES[:5], LABELS[:5]), {}),
    "shares too large": (lambda: table("d.parquet", *PLAIN), {"validation_share": 0.9, "test_share": 0.1}),
    "trained without a box": (
        lambda: table("d.parquet", *(list(one)[:5] for one in PLAIN), split=["test", "test", "train", "val", "val"]),
        {},
    ),
    "copies": (
        lambda: table(
            "d.parquet", COLOUR[[0, 1, 2, 3, 4, 0, 1, 2, 5, 0]], BOXES[3:4] * ROWS, LABELS[3:4] * ROWS, split=SPLIT
        ),
        {},
    ),
    "one class in the test": (
        lambda: table(
            "d.parquet",
            COLOUR[:ROWS],
            [[BOX]] * ROWS,
            [[0], [1], [2], [0], [1], [1], [0], [2], [2], [2]],
            classes="abc",
            split=SPLIT,
        ),
        {},
    ),
}


def fresh() -> None:
    """Read again: every case writes the same names."""
    for name in ("_read", "_loaded"):
        load_boxes.__globals__[name].cache_clear()


def test_tables_are_read_as_they_were() -> None:
    found = {}
    for name, (write, more) in TABLES.items():
        write()
        fresh()
        told = tried(lambda more=more: shown(BoxSettings(data="d.parquet", **more)))
        if name == "turned":
            told.pop("checksum")  # its image is compressed
        found[name] = [is_boxes("d.parquet", None), told]
    agrees("boxes-of-tables", found, tolerance=1e-4)


# ------------------------------------------------------------------------------------------- COCO, Pascal VOC and YOLO


def written(folder: str, files: Mapping[str, Content]) -> None:
    for name, content in files.items():
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


PNG = [encoded(one) for one in COLOUR]
KINDS = [{"id": 7, "name": "ant"}, {"id": 3, "name": "bee"}]
HELD: dict[str, Any] = {
    "images": [{"id": number, "file_name": f"{number}.png"} for number in range(8)],
    "annotations": [
        {
            "image_id": number % 6,
            "category_id": 7 if number % 3 else 3,
            "bbox": [number % 4, 2, 3, 4.5],
            "iscrowd": number == 6,
        }
        for number in range(9)
    ],
    "categories": KINDS,
}
PICTURES = {f"{number}.png": PNG[number] for number in range(8)}


def altered(where: str, place: int, **values: Any) -> dict[str, Any]:
    some = [{**one, **(values if number == place else {})} for number, one in enumerate(HELD[where])]
    return {**HELD, where: some}


def coco(held: Any = HELD, name: str = "all.json", **more: Any) -> dict[str, Content]:
    return {**PICTURES, name: held if isinstance(held, str) else json.dumps(held), **more}


COCO: dict[str, Mapping[str, Content]] = {
    "plain": coco(),
    "capital": coco(name="a.JSON"),
    "other JSON beside": coco(**{"b.json": '{"images": []}'}),
    "hidden": {**coco(), ".old/b.json": json.dumps(HELD)},
    "two parts": {**coco(name="train.json"), "test.json": json.dumps({**HELD, "annotations": []})},
    "other categories": {**coco(name="train.json"), "test.json": json.dumps({**HELD, "categories": KINDS[::-1]})},
    "more categories": {**coco(name="train.json"), "test.json": json.dumps({**HELD, "categories": KINDS[:1]})},
    "no training": coco(name="test.json"),
    "cut off": coco(json.dumps(HELD)[:-5]),
    "no dict": coco('["images", "annotations", "categories"]'),
    "no list": coco({**HELD, "annotations": {}}),
    "an unknown image": coco(altered("annotations", 4, image_id=99)),
    "an unknown category": coco(altered("annotations", 4, category_id=0)),
    "three sides": coco(altered("annotations", 4, bbox=[1, 2, 3])),
    "texts": coco(altered("annotations", 4, bbox=[1, 2, 3, "4"])),
    "no box": coco(altered("annotations", 4, bbox=None)),
    "no crowd": coco(altered("annotations", 6, iscrowd=0)),
    "no file": coco(altered("images", 4, file_name="nine.png")),
    "below": {**{f"images/{name}": one for name, one in PICTURES.items()}, "all.json": json.dumps(HELD)},
    "below, by a longer name": {
        **{f"images/a/{name}": one for name, one in PICTURES.items()},
        "all.json": json.dumps(altered("images", 4, file_name="a/4.png")),
    },
    "below, by a wrong name": {
        **{f"images/a/{name}": one for name, one in PICTURES.items()},
        "all.json": json.dumps(altered("images", 4, file_name="b/4.png")),
    },
    "twice": {
        **{f"{part}/{name}": one for part in "ab" for name, one in PICTURES.items()},
        "all.json": json.dumps(HELD),
    },
    "twice, told by the name": {
        **{f"{part}/{name}": one for part in ("train", "other") for name, one in PICTURES.items()},
        "marks/instances_train.json": json.dumps(HELD),
    },
}


def xml(boxes: Sequence[Any], file: str = "", names: Sequence[str] = ("ant", "bee", "ant")) -> str:
    objects = ""
    for box, name in zip(boxes, names, strict=False):
        sides = "".join(
            f"<{side}>{value}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=False)
        )
        objects += f"<object><name>{name}</name><bndbox>{sides}</bndbox></object>"
    return f"<annotation>{f'<filename>{file}</filename>' * bool(file)}{objects}</annotation>"


def voc(*, lists: Mapping[str, str] | None = None, **changed: Content) -> dict[str, Content]:
    files: dict[str, Content] = {f"JPEGImages/{number}.png": PNG[number] for number in range(8)}
    for number in range(8):
        files[f"Annotations/{number}.xml"] = xml([(number % 4 + 1, 2, 8, 9), (1, 1, 12, 10)][: 1 + number % 2])
    for name, text in (lists or {}).items():
        files[f"ImageSets/Main/{name}.txt"] = text
    return {**files, **{f"Annotations/{name.strip('_')}.xml": text for name, text in changed.items()}}


VOC: dict[str, Mapping[str, Content]] = {
    "plain": voc(),
    "lists": voc(lists={"train": "0\n1 \n\n2 1\n", "val": "3\n", "test": "4\n5\n", "trainval": "7\n", "ant_x": "6\n"}),
    "no training": voc(lists={"val": "3\n"}),
    "no objects": voc(_3="<annotation></annotation>"),
    "by the file": {**voc(_9=xml([(1, 2, 3, 4)], file="photo.jpg")), "JPEGImages/photo.png": PNG[8]},
    "no image": voc(_9=xml([(1, 2, 3, 4)], file="photo.jpg")),
    "no image nor name": voc(_9=xml([(1, 2, 3, 4)])),
    "no class": voc(_3=xml([(1, 2, 3, 4)], names=[""])),
    "spaces": voc(_3=xml([(1, 2, 3, 4)], names=[" cow "])),
    "three sides": voc(_3=xml([(1, 2, 3, 4), (1, 2, 3)])),
    "texts": voc(_3=xml([(1, 2, "c", 4)])),
    "cut off": voc(_3=xml([(1, 2, 3, 4)])[:-3]),
    "no area": voc(_3=xml([(5, 2, 4, 4)])),
    "folders": {
        f"{part}/{number}.{ending}": PNG[number] if ending == "png" else xml([(1, 2, 5, 6 + number % 3)])
        for number, part in enumerate(["train", "train", "train", "valid", "test", "odd"])
        for ending in ("png", "xml")
    },
    "others": {"0.png": PNG[0], "0.xml": "<other/>"},
}


def yolo(names: Mapping[str, str] | None = None, **changed: str) -> dict[str, Content]:
    files: dict[str, Content] = {f"images/{number}.png": PNG[number] for number in range(8)}
    for number in range(7):
        files[f"labels/{number}.txt"] = f"{number % 2} 0.5 0.5 0.25 {0.2 + number / 20}\n\n"
    return {**files, **(names or {}), **{f"labels/{name.strip('_')}.txt": text for name, text in changed.items()}}


YOLO: dict[str, Mapping[str, Content]] = {
    "plain": yolo(),
    "two boxes": yolo(_3="0 0.5 0.5 1 1\n1 0.25 0.75 0.5 0.5\n"),
    "a bare number": yolo(_3="0\n"),
    "a text": yolo(_3="0 a 0.5 1 1\n"),
    "a name": yolo(_3="ant 0.5 0.5 1 1\n"),
    "three numbers": yolo(_3="0 0.5 0.5 1\n"),
    "five numbers": yolo(_3="0 0.5 0.5 1 1 1\n"),
    "above one": yolo(_3="0 0.5 0.5 1.1 1\n"),
    "just one": yolo(_3="0 0.5 0.5 1.0000005 1\n"),
    "below zero": yolo(_3="0 0.5 -0.01 1 1\n"),
    "zero": yolo(_3="0 0 0.5 0 1\n"),
    "no image": yolo(_9="0 0.5 0.5 1 1\n"),
    "classes": yolo({"classes.txt": "ant\n\n bee \ncow\n"}),
    "names": yolo({"x/obj.names": "ant\nbee\n"}),
    "brackets": yolo({"data.yaml": "nc: 2\nnames: [ 'ant', \"bee\", ]\n"}),
    "brackets over lines": yolo({"data.yml": "names: [ant,\n  bee]\nnc: 2\n"}),
    "dashes": yolo({"data.yaml": "names:\n  - ant\n  - 'bee'\nnc: 2\n"}),
    "numbered": yolo({"data.yaml": "names:\n  0: ant\n  1: bee\n"}),
    "no names": yolo({"data.yaml": "nc: 2\n", "other.yaml": "names: [a, b, c]\n"}),
    "folders": {
        **{f"images/{part}/{n}.png": PNG[n] for n, part in enumerate(["train"] * 4 + ["val", "test", "odd"])},
        **{f"labels/{part}/{n}.txt": "0 0.5 0.5 0.5 0.5\n" for n, part in enumerate(["train"] * 4 + ["val", "test"])},
    },
    "parts outside": {
        **{f"{part}/images/{n}.png": PNG[n] for n, part in enumerate(["train"] * 4 + ["val", "test"])},
        **{f"{part}/labels/{n}.txt": "0 0.5 0.5 0.5 0.5\n" for n, part in enumerate(["train"] * 4 + ["val", "test"])},
    },
    "no training": {"images/test/0.png": PNG[0], "labels/test/0.txt": "0 0.5 0.5 0.5 0.5\n"},
}
FOLDERS = {"coco": COCO, "voc": VOC, "yolo": YOLO}


@pytest.mark.parametrize("form", FOLDERS)
def test_folders_are_read_as_they_were(form: str) -> None:
    found = {}
    for number, (name, files) in enumerate(FOLDERS[form].items()):
        folder = f"{form}{number}"
        written(folder, files)
        listed = [str(one) for some in (coco_files, voc_files, yolo_files) for one in some(Path(folder))][:3]
        pictures = {title: len(some) for title, some in images_below(Path(folder)).items()}
        told = tried(lambda folder=folder: shown(BoxSettings(data=folder)))
        found[name] = [is_boxes(folder, None), listed, str(pictures)[:120], told]
    agrees(f"boxes-of-{form}", found, tolerance=1e-4)


def test_paths_are_refused_as_they_were(tmp_path: Path) -> None:
    written("coco", coco())
    written("plain", PICTURES)
    (tmp_path / "text.txt").write_text("x")
    given = ["coco", "coco/all.json", "plain", "plain/1.png", "text.txt", "nowhere", "", "shapes", None, 3]
    found = {str(one): is_boxes(one, None) for one in given}
    found |= {f"{one} below": is_boxes(one, str(tmp_path)) for one in ("coco", "nowhere")}
    told = {
        one: tried(lambda one=one: box_classes(BoxSettings(data=one))) for one in given if isinstance(one, str) and one
    }
    files = {
        one: [str(file) for some in (coco_files, voc_files, yolo_files) for file in some(Path(one))] for one in told
    }
    here = str(tmp_path)
    agrees("boxes-of-paths", json.loads(json.dumps([found, told, files]).replace(here, "HERE")))


# --------------------------------------------------------------------------------------------------------- the checks


def held(parts: Any, classes: tuple[str, ...] = ("ant",), form: BoxForm = BoxForm.CORNERS) -> Annotations:
    return Annotations(name="d", parts=parts, form=form, remedy="REMEDY", classes=classes)


def annotated(boxes: Sequence[Any], labels: Sequence[Any], classes: tuple[str, ...] = ("ant", "bee")) -> Annotations:
    one = Annotated("a", b"", boxes, labels)
    return held({"train": [one], "test": [Annotated("b", b"", [BOX], [0])]}, classes)


CORNERS: dict[str, Any] = {
    "inside": [0, 0, 12, 10],
    "a pixel outside": [-1, -1, 13, 11],
    **{
        f"more outside {place}": [*[-1, -1, 13, 11][:place], value, *[-1, -1, 13, 11][place + 1 :]]
        for place, value in enumerate((-1.5, -1.5, 13.5, 11.5))
    },
    "no width": [3, 1, 3, 5],
    "no height": [3, 5, 6, 5],
    "exchanged": [3, 1, 2, 5],
    "upside down": [3, 5, 6, 4],
    "infinite": [0, 0, float("inf"), 3],
    "three": [1, 2, 3],
    "five": [1, 2, 3, 4, 5],
    "sides": [8, 7, 3, 2],
    "sides outside": [8, 7, 6, 2],
    "small": [0, 0, 2, 2],
    "shares": [0.0, 0.25, 0.5, 1.0],
    "below zero": [-0.1, 0, 1, 1],
}
SIZES = {"of 10 x 12": (10, 12), "of 5 x 5": (5, 5), "of 4 x 9": (4, 9)}


def test_boxes_are_checked_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name, corners in CORNERS.items():
        for title, size in SIZES.items():
            for of_all, some in (("", [corners]), (", all", [corners, corners])):
                one = held({"train": [Annotated("a", b"", some, [0] * len(some))]})
                sizes: Any = {"train": [size]}
                found[f"{name}, {title}{of_all}"] = [
                    _are_shares(one, sizes),
                    tried(lambda one=one, sizes=sizes: check_boxes(one, sizes)),
                ]
        for form in BoxForm:
            whole = held({"train": [Annotated("a", b"", [corners], [0])]}, form=form)
            told = tried(lambda whole=whole: check_boxes(whole, {"train": [(10, 12)]}))
            found[f"{name}, in the form {form.name}"] = told
        mixed = annotated([corners, BOX], [0, 0])
        found[f"{name}, beside another"] = tried(
            lambda mixed=mixed: check_boxes(mixed, {"train": [(10, 12)], "test": [(10, 12)]})
        )
    empty = held({"train": []})
    found["none"] = [_are_shares(empty, {"train": []}), tried(lambda: check_boxes(empty, {"train": []}))]
    agrees("boxes-checked", found)


def test_labels_are_numbered_as_they_were() -> None:
    found = {}
    for label in (0, 1, 2, -1, True, "ant", "bee", "cow", "", None, 1.5):
        for classes in ((), ("ant", "bee")):
            for more in ([], [3], ["ant"]):
                one = annotated([BOX] * (1 + len(more)), [label, *more], classes)
                try:
                    found[f"{label!r} {more} {classes}"] = tried(lambda one=one: numbered(one))
                except (TypeError, ValueError) as error:
                    found[f"{label!r} {more} {classes}"] = type(error).__name__
    for boxes, labels in (([BOX], []), ([], [0]), ([BOX, BOX], [0]), ([], [])):
        counted = annotated(boxes, labels)
        found[f"{len(boxes)} of {len(labels)}"] = tried(lambda counted=counted: numbered(counted))
    agrees("boxes-numbered", found)


SETTINGS: dict[str, Sequence[Any]] = {
    "resize": [None, 1, 0, 2.5, True, [3], [3, 4], (3, 0), [3, 4, 5], [3, 1.5], "8"],
    "validation_share": [0, 0.9, 0.91, 0.01, -1, "x"],
    "test_share": [0, 0.9, 0.91, 1e-9],
    "seed": [-1, 0, 2**32, 2**32 + 1, 1.5],
    "data": ["", 3, None],
    "image_column": [None, "", 3],
    "box_column": [None, "", "x"],
    "label_column": [None, "", "x"],
    "box_format": ["xyxy", "xywh", "cxcywh", None],
    "whole": [True, 1, None],
    "root": [None, "", 3],
}


def test_settings_are_taken_and_refused_as_they_were() -> None:
    found = {}
    for name, values in SETTINGS.items():
        for value in values:
            told = tried(lambda name=name, value=value: BoxSettings(**{name: value}))
            found[f"{name}={value!r}"] = told if isinstance(told, str) else f"{told!r} {told.frame}"
    agrees("boxes-settings", found)


# ------------------------------------------------------------------------------------------------ pictures in and out


def test_pictures_are_placed_and_drawn_as_they_were() -> None:
    found: dict[str, Any] = {}
    for size in ((10, 12), (12, 10), (7, 7), (1, 90), (90, 1)):
        for frame in (None, (10, 12), (8, 8), (21, 33), (5, 24)):
            place = placed(size, frame)
            boxes = np.array([[0.0, 0, size[1], size[0]], [1, 0.5, 4, 3], [-3, -3, 99, 99]])
            picture = letterbox(np.resize(GREY[0], size), frame)
            told = [str(place), place.into(boxes).tolist(), place.out_of(boxes).tolist(), numbers(picture)]
            found[f"{size} in {frame}"] = told
    found["colour"] = numbers(letterbox(COLOUR[0], (8, 9)))
    images, boxes, labels = drawn_shapes(3, 24)  # type: ignore[assignment]
    found["shapes"] = [numbers(images), str([[*map(list, some)] for some in boxes]), str(labels)]
    agrees("boxes-placed", found, tolerance=1e-4)


GIVEN: dict[str, Any] = {
    "array": COLOUR[:2],
    "channels first": COLOUR[:2].transpose(0, 3, 1, 2),
    "grey": GREY[:2],
    "one channel": GREY[:2, :, :, None],
    "one channel first": GREY[:2, None],
    "tensor": torch.from_numpy(COLOUR[:2]),
    "list": [COLOUR[0], GREY[1, :5], COLOUR[2, :9]],
    "three by three": COLOUR[:1, :3, :3],
    "one alone": COLOUR[0],
    "two channels": COLOUR[:2, :, :, :2],
    "floats": [GREY[0] / 1.0],
    "above": [np.full((4, 5), 256.0)],
    "of 255": [np.full((4, 5), 255.0)],
    "below": [np.full((4, 5), -1)],
    "of 0": [np.zeros((4, 5))],
    "empty": [],
    "a number": 3,
    "a file": "pictures/1.png",
    "a folder": "pictures",
    "a deep file": "deep.png",
    "no picture": "empty",
    "nowhere": "nowhere",
    "a table": "p.parquet",
    "a table of two": "q.parquet",
    "a table without": "r.parquet",
    "a table with a gap": "s.parquet",
}


def test_pictures_are_read_as_they_were() -> None:
    written("pictures", {"1.png": PNG[1], "a/2.png": encoded(GREY[2]), ".b.png": PNG[3], "c.txt": b"x"})
    written(".", {"deep.png": encoded(GREY[0].astype(np.uint16) * 9, "PNG")})
    Path("empty").mkdir()
    table("p.parquet", *(list(one)[:2] for one in PLAIN))
    table("q.parquet", *(list(one)[:2] for one in PLAIN), names=("a", "boxes", "labels"), b=PNG[:2])
    pq.write_table(pa.table({"x": [1, 2]}), "r.parquet")
    table("s.parquet", [PNG[0], None], [[BOX]] * 2, [[0]] * 2)
    found: dict[str, Any] = {}
    for name, x in GIVEN.items():
        for shape in ((3, 8, 8), (1, 20, 12)):

            def read(x: Any = x, shape: Any = shape) -> Any:
                pictures, names = read_pictures(x, shape)
                return [numbers(pictures), list(names)]

            found[f"{name} as {shape}"] = tried(read)
        found[f"{name}, b"] = tried(lambda x=x: list(read_pictures(x, (3, 8, 8), "b")[1]))
    agrees("boxes-pictures", found, tolerance=1e-4)


PREDICTED: Any = [
    [
        {"label": "bee", "score": 0.987, "box": [1.0, 2.0, 5.5, 7.0]},
        {"label": "ant", "score": 0.5, "box": [0.0, 0.0, 8.0, 8.0]},
    ],
    [],
]


@pytest.mark.parametrize("side", [180, 481])
def test_boxes_are_drawn_as_they_were(side: int) -> None:
    pictures = np.stack([np.resize(one, (side, side + 4, 3)) for one in COLOUR[:2]])
    classes = [*"0123456789", "ant", "bee"]
    told = [in_pixels_of(PREDICTED, pictures, (8, 8), None), in_pixels_of(PREDICTED, pictures, (40, 20), None)]
    several = drawn_boxes(PREDICTED, pictures, Path("x.png"), classes, None)
    (alone,) = drawn_boxes(PREDICTED[:1], pictures[:1], Path("y.png"), classes, None)
    drawn = [numbers(np.asarray(Image.open(one)), 3) for one in (*several, alone)]
    # The letters are those of a font, whose edges may differ; the frames and their colours are not.
    packed = np.asarray(Image.open(alone)).astype(np.int64) @ np.array([65536, 256, 1])
    colours, counts = np.unique(packed, return_counts=True)
    most = [f"{colours[place]:06x} {counts[place] // 100}" for place in counts.argsort()[::-1][:2]]
    refused = tried(lambda: drawn_boxes(PREDICTED, pictures, Path("x.abc"), classes, None))
    agrees(f"boxes-drawn-{side}", [told, [str(one) for one in several], drawn, most, refused], tolerance=1e-3)


VIEWS: dict[str, Any] = {
    "plain": {},
    "none": {"augment": False},
    "flips": {"zoom": 1, "shift": 0, "flip_vertical": True},
    "vertical": {"zoom": 1, "shift": 0, "flip": False, "flip_vertical": True},
    "zoom": {"shift": 0, "flip": False, "zoom": 2},
    "shift": {"zoom": 1, "shift": 0.4},
}


def test_views_are_what_they_were() -> None:
    images = torch.from_numpy(COLOUR).permute(0, 3, 1, 2)
    boxes = torch.tensor([[BOX, OTHER, [11.0, 0, 12, 1], [0, 9, 1, 10]]]).repeat(12, 1, 1)
    targets = {"boxes": boxes, "labels": torch.tensor([[0, 1, 2, -1]]).repeat(12, 1)}
    fill = torch.tensor([50.0, 100, 150]).view(1, 3, 1, 1)
    found: dict[str, Any] = {}
    for name, settings in VIEWS.items():
        seen, there = BoxViews(**settings)(images, targets, fill, torch.Generator().manual_seed(1))
        found[name] = [numbers(seen), numbers(there["boxes"], 64), str(there["labels"].tolist())]
    for scale, shift in (((1, 1), (0, 0)), ((-1, 1), (0, 0)), ((1, -2), (0, 0.5)), ((1, 1), (1, 0)), ((1, 1), (-1, 1))):
        there = moved(targets, torch.tensor([scale] * 12), torch.tensor([shift] * 12), torch.Size((10, 12)))
        found[f"{scale} {shift}"] = [there["boxes"][0].tolist(), there["labels"][0].tolist()]
    for name, values in {"zoom": (0.9, 1, 4, 4.1), "shift": (-0.1, 0.5, 0.6), "flip": (1,), "augment": (None,)}.items():
        for value in values:
            found[f"{name}={value}"] = str(tried(lambda name=name, value=value: BoxViews(**{name: value})))
    agrees("boxes-views", found, tolerance=1e-4)


def test_moments_are_what_they_were() -> None:
    images = torch.from_numpy(COLOUR).permute(0, 3, 1, 2)
    flat = torch.full((2, 1, 3, 3), 7, dtype=torch.uint8)
    agrees("boxes-moments", [[numbers(one) for one in _moments(some)] for some in (images, flat)], tolerance=1e-5)
