"""Images with boxes and their classes, from Parquet, COCO, Pascal VOC and YOLO.

data = load_boxes(BoxSettings(data="shapes"), torch.device("cpu"))
images, targets = data.train.rows(torch.arange(4))      # (4, c, h, w); boxes (4, m, 4) and labels (4, m)
"""

from __future__ import annotations

from trainables.data.boxes.box_data import BoxData, BoxPart
from trainables.data.boxes.loading import (
    box_checksum,
    box_classes,
    described_boxes,
    fitting_frame,
    is_boxes,
    load_boxes,
)
from trainables.data.boxes.settings import BoxSettings

__all__ = [
    "BoxData",
    "BoxPart",
    "BoxSettings",
    "box_checksum",
    "box_classes",
    "described_boxes",
    "fitting_frame",
    "is_boxes",
    "load_boxes",
]
