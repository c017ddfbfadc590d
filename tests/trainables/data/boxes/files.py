"""Small data sets of images with boxes, written into files of every form."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from trainables.data.boxes.shapes import CLASSES, drawn_shapes

__all__ = ["CLASSES", "coco", "drawn", "parquet", "png", "voc", "yolo"]


def drawn(count: int, side: int = 32) -> tuple[list[Any], list[list[list[float]]], list[list[int]]]:
    """Small pictures of shapes, their boxes, and the numbers of their classes."""
    images, boxes, labels = drawn_shapes(seed=1, count=count)
    scale = side / images.shape[2]
    small = [np.asarray(Image.fromarray(one.transpose(1, 2, 0)).resize((side, side))) for one in images]
    return small, [[[edge * scale for edge in box] for box in some] for some in boxes], labels


def png(picture: Any) -> bytes:
    """A picture (h, w, 3) as PNG."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


def parquet(
    path: Path,
    boxes: Sequence[Any],
    labels: Sequence[Any],
    pictures: Sequence[Any],
    *,
    classes: Sequence[str] | None = CLASSES,
    split: Sequence[str] | None = None,
) -> Path:
    """A Parquet file with these columns."""
    columns: dict[str, Any] = {
        "image": [{"bytes": png(one), "path": f"{number}.png"} for number, one in enumerate(pictures)],
        "boxes": pa.array(list(boxes), pa.list_(pa.list_(pa.float32()))),
        "labels": list(labels),
    }
    if split is not None:
        columns["split"] = list(split)
    table = pa.table(columns)
    if classes is not None:
        table = table.replace_schema_metadata({"classes": json.dumps(list(classes))})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def coco(folder: Path, parts: dict[str, range], pictures: Any, boxes: Any, labels: Any) -> Path:
    """A folder in the form of COCO; the ids of categories are 3, 13, 23, and those of images have gaps."""
    for part, rows in parts.items():
        place = folder / part
        place.mkdir(parents=True)
        annotations = []
        for row in rows:
            (place / f"{row}.png").write_bytes(png(pictures[row]))
            for (left, top, right, bottom), label in zip(boxes[row], labels[row], strict=True):
                box = [left, top, right - left, bottom - top]
                annotations.append({"image_id": row * 7, "category_id": label * 10 + 3, "bbox": box, "iscrowd": 0})
        held = {
            "images": [{"id": row * 7, "file_name": f"{row}.png"} for row in rows],
            "annotations": annotations,
            "categories": [{"id": number * 10 + 3, "name": name} for number, name in enumerate(CLASSES)],
        }
        (folder / f"instances_{part}.json").write_text(json.dumps(held))
    return folder


def voc(folder: Path, parts: dict[str, range], pictures: Any, boxes: Any, labels: Any) -> Path:
    """A folder in the form of Pascal VOC."""
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for part, rows in parts.items():
        (folder / f"ImageSets/Main/{part}.txt").write_text("".join(f"{row:03}\n" for row in rows))
        for row in rows:
            (folder / f"JPEGImages/{row:03}.png").write_bytes(png(pictures[row]))
            objects = []
            for (left, top, right, bottom), label in zip(boxes[row], labels[row], strict=True):
                sides = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
                inside = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
                objects.append(f"<object><name>{escape(CLASSES[label])}</name><bndbox>{inside}</bndbox></object>")
            text = f"<annotation><filename>{row:03}.png</filename>{''.join(objects)}</annotation>"
            (folder / f"Annotations/{row:03}.xml").write_text(text)
    return folder


def yolo(folder: Path, parts: dict[str, range], pictures: Any, boxes: Any, labels: Any) -> Path:
    """A folder in the form of YOLO; a picture without boxes has no text file."""
    (folder / "images").mkdir(parents=True)
    (folder / "data.yaml").write_text(f"train: images/train\nnames: [{', '.join(CLASSES)}]\n")
    for part, rows in parts.items():
        for name in ("images", "labels"):
            (folder / name / part).mkdir(parents=True)
        for row in rows:
            (folder / "images" / part / f"{row}.png").write_bytes(png(pictures[row]))
            high, wide = pictures[row].shape[:2]
            lines = []
            for (left, top, right, bottom), label in zip(boxes[row], labels[row], strict=True):
                middle = (left + right) / 2 / wide, (top + bottom) / 2 / high
                sides = (right - left) / wide, (bottom - top) / high
                lines.append(" ".join(map(str, (label, *middle, *sides))))
            if lines:
                (folder / "labels" / part / f"{row}.txt").write_text("\n".join(lines) + "\n")
    return folder
