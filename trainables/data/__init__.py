"""Images by name or path, split and resident on a device; loaded once per process.

    data = load(DataSettings("digits"), torch.device("cpu"))
    data.train.images    # uint8 (n, c, h, w)

Small data sets are meant: all images lie in memory as they are read, uint8 where they were. Nothing is
fetched from a network unless `download` is set.
"""

from __future__ import annotations

from trainables.data.augment import Augmentation, Views, ViewsKeywords
from trainables.data.images import ImageData, Raw, Split
from trainables.data.loading import check_data, described, load, load_raw
from trainables.data.settings import DataKeywords, DataSettings

__all__ = [
    "Augmentation",
    "DataKeywords",
    "DataSettings",
    "ImageData",
    "Raw",
    "Split",
    "Views",
    "ViewsKeywords",
    "check_data",
    "described",
    "load",
    "load_raw",
]
