"""The settings of images with boxes: which, how large, and how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from trainables.errors import TrainableError
from trainables.settings import check_flag, check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["FORMS", "SHAPES", "BoxSettings"]

SHAPES = "shapes"
"""The name of the data that are drawn instead of read."""
FORMS = ("xyxy", "xywh")


@dataclass(frozen=True, kw_only=True)
class BoxSettings:
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
    validation_share: float = 0.2
    """The share of the images, above 0 and at most 0.9, for validation, where the data have no such part."""
    test_share: float = 0.2
    """The share of the images, above 0 and at most 0.9, for the test, where the data have no such part."""
    seed: int = field(default=0, metadata=flat_name("data_seed"))
    """Decides the parts."""
    whole: bool = False
    """Train on the validation images too. Then there are none to validate on."""

    def __post_init__(self) -> None:
        for name in ("validation_share", "test_share"):
            check_number(name, getattr(self, name), 0, 0.9, open_low=True)
        check_text("data", self.data)
        check_text("data_root", self.root, optional=True)
        check_text("image_column", self.image_column, optional=True)
        check_text("box_column", self.box_column)
        check_text("label_column", self.label_column)
        check_name("box_format", self.box_format, FORMS)
        check_number("data_seed", self.seed, 0, 2**32, whole=True)
        check_flag("whole", self.whole)
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
