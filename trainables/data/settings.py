"""The settings of data: which images, and how they are parted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from trainables.data.folding import check_folds
from trainables.settings import check_flag, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["DataKeywords", "DataSettings"]


@dataclass(frozen=True, slots=True)
class DataSettings:
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
    """Whether images of a folder or of Parquet files are decoded while the network trains, for what does not fit into
    memory, instead of once before. None does so where they would take more than a quarter of the free memory.
    """
    loaders: int = 2
    """The number of threads that decode streamed images ahead of the training."""
    validation_groups: str | None = None
    """The array of an `.npz` file (`speaker`, `speaker_val`, ..), or the column of Parquet files, with groups; of a
    folder a pattern of the names below the folders of the classes, such as "{group}_*.png" or "{group}/*". All images
    of a group are in the same part.
    """
    validation_share: float = 0.2
    """The share of the images, above 0 and at most 0.9, for validation, where the data have no such split of their own;
    see `split_data`.
    """
    test_share: float = 0.2
    """The share of the images, above 0 and at most 0.9, for the test, where the data have no such split."""
    folds: int | None = None
    """Cross-validation: the examples outside the test part are split into so many folds, and each architecture is
    trained once for each, which is then the part for validation.
    """
    fold: int | None = None
    """The only fold to train on, from 0. None trains on each in turn."""
    seed: int = field(default=0, metadata=flat_name("data_seed"))
    """Decides the parts."""
    whole: bool = False
    """Train on the validation images too. Then there are none to validate on."""

    def __post_init__(self) -> None:
        for name in ("validation_share", "test_share"):
            check_number(name, getattr(self, name), 0, 0.9, open_low=True)
        if self.resize is not None:
            check_number("resize", self.resize, 1, whole=True)
        check_number("data_seed", self.seed, 0, 2**32, whole=True)
        check_flag("download", self.download)
        check_flag("whole", self.whole)
        check_folds(self)
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_number("loaders", self.loaders, 1, 256, whole=True)
        check_text("data", self.data)
        check_text("data_root", self.root, optional=True)
        check_text("image_column", self.image_column, optional=True)
        check_text("validation_groups", self.validation_groups, optional=True)
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
