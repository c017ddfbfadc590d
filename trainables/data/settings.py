"""The settings of data: which images, and how they are parted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from trainables.data.split_settings import SplitSettings
from trainables.settings import check_flag, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["DataKeywords", "DataSettings"]


@dataclass(frozen=True, slots=True)
class DataSettings(SplitSettings):
    """Which images, and how they are parted."""

    data: str = "digits"
    """A name (`digits`, `mnist`, `fashion_mnist`, `cifar10`, `cifar100`), or the path of an `.npz` file, a Parquet file
    or folder, or a folder with one sub-folder of images per class.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of named data sets and of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    download: bool = False
    """Whether torchvision may fetch what is missing below the root."""
    image_column: str | None = None
    """The column of Parquet files with the images; recognised where it is not given."""
    label_column: str | None = None
    """The column of Parquet files with the labels; recognised where it is not given."""
    resize: int | None = None
    """The side in pixels to which images of files are scaled and cut. None takes them as they are."""
    stream: bool | None = None
    """Whether images of a folder or of Parquet files are decoded, and arrays of an `.npz` file and data sets of Python
    read, while the network trains, for what does not fit into memory, instead of once before. None does so where they
    would take more than a quarter of the free memory.
    """
    loaders: int = 2
    """The number of threads that decode or read streamed images ahead of the training."""
    validation_groups: str | None = field(default=None, kw_only=True)
    """The array of an `.npz` file (`speaker`, `speaker_val`, ..), or the column of Parquet files, with groups; of a
    folder a pattern of the names below the folders of the classes, such as "{group}_*.png" or "{group}/*". All images
    of a group are in the same part.
    """

    def __post_init__(self) -> None:
        self.check_split()
        if self.resize is not None:
            check_number("resize", self.resize, 1, whole=True)
        check_flag("download", self.download)
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_number("loaders", self.loaders, 1, 256, whole=True)
        check_text("data", self.data)
        check_text("data_root", self.root, optional=True)
        check_text("image_column", self.image_column, optional=True)
        check_text("label_column", self.label_column, optional=True)


class DataKeywords(TypedDict, total=False):
    """The types of these settings as keyword arguments, but for `whole`, which not every learner takes."""

    data: str
    data_root: str | None
    download: bool
    image_column: str | None
    label_column: str | None
    resize: int | None
    stream: bool | None
    loaders: int
    validation_groups: str | None
    validation_share: float
    test_share: float
    folds: int | None
    fold: int | None
    data_seed: int
