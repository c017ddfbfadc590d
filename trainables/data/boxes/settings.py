"""The settings of images with boxes: which, how large, and how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from trainables.data.split_settings import SplitSettings
from trainables.errors import TrainableError
from trainables.settings import check_flag, check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["FORMS", "SHAPES", "BoxSettings"]

SHAPES = "shapes"
"""The name of the data that are drawn instead of read."""
FORMS = ("xyxy", "xywh")


@dataclass(frozen=True, kw_only=True)
class BoxSettings(SplitSettings):
    """Which images with boxes, how large, and how they are split."""

    data: str = SHAPES
    """`shapes` for drawn circles, squares and triangles, or the path of Parquet files, of a COCO file or folder, of a
    folder in the form of Pascal VOC, or of one in the form of YOLO.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    image_column: str | None = None
    """The column of Parquet files with the images; recognised where it is not given."""
    box_column: str = "boxes"
    """The column of Parquet files with a list of boxes for each image, in pixels."""
    label_column: str = "labels"
    """The column of Parquet files with a list of the classes of these boxes: numbers from 0, or names."""
    box_format: str = "xyxy"
    """What the four numbers of a box in Parquet files are: "xyxy" for left, top, right and bottom, "xywh" for left,
    top, width and height.
    """
    resize: int | Sequence[int] | None = None
    """The height and width in pixels to which images are brought, one number for a square. They are scaled until they
    fit, and the rest is filled in grey, so that nothing is cut off or distorted. None takes images as they are.
    """
    stream: bool | None = None
    """Whether images are decoded while the network trains, for more than memory holds, instead of once before. None
    does so where they would take more than a quarter of the free memory. Images of COCO, Pascal VOC and YOLO stay in
    their files; those of Parquet files are in memory, encoded.
    """
    loaders: int = 2
    """The number of threads that decode streamed images ahead of the training."""
    validation_groups: str | None = None
    """The column of Parquet files with groups, such as patients or scenes; of COCO files a name in each entry of
    `images`; of files that are images also a pattern of their names such as "{group}_*" or "{group}/*". All images of a
    group are in the same part.
    """

    def __post_init__(self) -> None:
        self.check_split()
        check_text("data", self.data)
        check_text("data_root", self.root, optional=True)
        check_text("image_column", self.image_column, optional=True)
        check_text("box_column", self.box_column)
        check_text("label_column", self.label_column)
        check_name("box_format", self.box_format, FORMS)
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_number("loaders", self.loaders, 1, 256, whole=True)
        self._check_resize()

    def _check_resize(self) -> None:
        if isinstance(self.resize, list | tuple):
            if len(self.resize) != 2:
                raise TrainableError(f"resize is {self.resize!r}; it must be a height and a width, or one number")
            object.__setattr__(self, "resize", tuple(self.resize))  # so that settings can be the key of a cache
        for side in self.frame or ():
            check_number("resize", side, 1, whole=True)

    @property
    def frame(self) -> tuple[int, int] | None:
        """The height and width of all images; None for those that they have."""
        if self.resize is None:
            return None
        # A text is a sequence too, and refused as one number.
        if isinstance(self.resize, Sequence) and not isinstance(self.resize, str):
            return self.resize[0], self.resize[1]
        return self.resize, self.resize
