"""Data sets of images by name or path, split and stored on a device; loaded once per process.

    data = load_images(DataSettings("digits"), torch.device("cpu"))
    data.train.images    # uint8 (n, c, h, w)

Images are kept in memory, as uint8 where the files hold 8 bits; those of folders and Parquet files that do not fit are
streamed (`trainables.data.streaming`). Nothing is downloaded unless `download` is set.
"""

from __future__ import annotations

from search_spaces.former_names import former_names
from trainables.data.augment import Augmentation, Views, ViewsKeywords
from trainables.data.images import ImageData, Raw, Split
from trainables.data.loading import check_data, described_images, load_images
from trainables.data.reading import load_raw
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
    "described_images",
    "load_images",
    "load_raw",
]

__getattr__ = former_names(__name__)
