"""What tasks of images have in common: the data, random views, spaces of images."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.data import DataSettings, ImageData, Raw, Views, check_data, described_images, load_images, load_raw
from trainables.data.pixels import value_range
from trainables.data.unlabelled import read_images
from trainables.errors import TrainableError
from trainables.networks import check_images
from trainables.settings import check_text
from trainables.settings.groups import flat_settings, group
from trainables.tasks.task import Task
from trainables.training.batches import Batch
from trainables.trial.checkpoint import named

__all__ = ["CUTOUT_SHARE", "ImageTask", "ImagesOf"]

CUTOUT_SHARE = 4
"""In a full recipe the square that cutout clears has a quarter of the image's side."""
_TRIED = 16
"""Images on which transforms are tried before the first trial."""
_SINCE = ("data.validation_groups", "data.folds", "data.fold", "views.transforms")
"""Settings that older checkpoints lack, as if they were None."""
_CHANGE_NOTHING = ("data.stream", "data.loaders")


@dataclass(frozen=True)
class ImagesOf:
    """What an exported network has of its data.

    Attributes:
        classes: the names of the classes in order; empty where there are none.
        target_mean: (1,), zero, for outputs in units of the targets.
        target_std: (1,), one.
        greatest: the greatest value of the images of the training.
        multi_label: whether an image may have several classes.
    """

    classes: tuple[str, ...]
    target_mean: Tensor
    target_std: Tensor
    greatest: float
    multi_label: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageTask(Task):
    """A task whose inputs are images."""

    supernet_defaults: ClassVar[Mapping[str, object]] = MappingProxyType({"validation_share": 0.5})
    fixed_settings: ClassVar[Collection[str]] = frozenset(
        {*flat_settings(DataSettings), "target", "labels", "extra_metrics", "unit"} - {"resize"}
    )

    data: DataSettings = field(default_factory=DataSettings, metadata=group(DataSettings))
    """Which images, and how they are parted."""
    target: str | Sequence[str] | None = None
    """The column of Parquet files, or the array of an `.npz` file, with the targets; recognised where it is not given.
    For Parquet files it is another name of `label_column`.
    """
    views: Views = field(default_factory=Views, metadata=group(Views))
    """How images are changed at random while the network trains."""

    def __post_init__(self) -> None:
        if isinstance(self.target, tuple):
            return  # columns of classes, which the classification reads
        check_text("target", self.target, optional=True)
        column = self.data.label_column
        if self.target is None:
            return
        if column not in (None, self.target):
            raise TrainableError(f"target is {self.target!r} and label_column {column!r}; they mean the same: give one")
        object.__setattr__(self, "data", replace(self.data, label_column=str(self.target)))

    def load(self, device: torch.device) -> ImageData:
        """Load the images; later calls with equal settings take them from memory."""
        return load_images(self.data, device)

    def raw(self) -> Raw:
        """Read the images without splitting them.

        Returns:
            The data set on the CPU.
        """
        return load_raw(self.data)

    def augment(
        self, inputs: Tensor, targets: Tensor, data: ImageData, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Make random views of the images."""
        return self.views.augmentation(data)(inputs, generator), targets

    def heads(self, outputs: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        """Separate the outputs from those of auxiliary heads, which follow them in a tuple."""
        main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        return main, auxiliary

    def full_recipe(self) -> dict[str, object]:
        """Choose the recipe of the field for small images (Zoph et al. 2018, 1707.07012; Liu et al. 2019, 1806.09055).

        All images but the test images, and cutout, unless the user has chosen transforms.
        """
        if self.views.transforms is not None:
            return {"whole": True}
        return {"whole": True, "cutout": max(1, min(self.image_shape()[1:]) // CUTOUT_SHARE)}

    def image_shape(self) -> tuple[int, ...]:
        """Load the images and read their shape.

        Returns:
            Channels, height and width; of volumes channels, depth, height and width.
        """
        return tuple(int(one) for one in self.raw().train.images.shape[1:])

    def exported(self, data: Any) -> dict[str, Any]:
        """Return how raw images are standardized, and their type and range."""
        images = data.train.images
        low, high = value_range(images)
        return {
            "mean": tuple(data.mean.flatten().tolist()),
            "std": tuple(data.std.flatten().tolist()),
            "raw_dtype": str(images.dtype).removeprefix("torch."),
            "raw_range": (low, high),
            "reading": {"greatest": high},
        }

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> ImagesOf:
        """Make what `decode` needs; the outputs of exported files have the units of the targets."""
        several = bool(reading.get("multi_label"))
        return ImagesOf(tuple(classes), torch.zeros(1), torch.ones(1), float(reading["greatest"]), several)

    def read(self, x: Any, like: Tensor, data: Any) -> tuple[Tensor, Sequence[str]]:
        """Read images: arrays, tensors, a file or folder of images, `.npy`, `.npz` or Parquet files."""
        resize, column = self.data.resize, self.data.image_column
        images, names = read_images(x, like.shape[1:], resize=resize, image_column=column)
        greatest = data.greatest if isinstance(data, ImagesOf) else value_range(data.train.images)[1]
        if images.is_floating_point() and float(images.max()) <= 1 < greatest:
            warnings.warn(
                f"the images reach up to {float(images.max()):g}, and those of the training up to {greatest:g}; give "
                "them as those were: they are scaled inside",
                stacklevel=2,
            )
        return images, names

    def check_space(self, space: object) -> None:
        """Refuse a space whose networks take no images."""
        check_images(space)

    def check(self) -> None:
        """Check that the images can be read and split, unless they still have to be downloaded, and the transforms."""
        check_data(self.data, self.raw)
        transform = self.views.transform()
        if transform is not None and self.views.augment:
            from trainables.data.transforms import check_transforms

            train = self.raw().train
            check_transforms(train.rows(torch.arange(min(_TRIED, len(train))))[0], transform)

    def about(self) -> list[str]:
        """Describe the images and how they are split."""
        return described_images(self.data, self.raw)

    def checksum(self) -> str:
        """Compute a checksum of all images and targets, whatever the split."""
        return self.raw().checksum()

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        return without_later(named(data=self.data, views=self.views))


def without_later(identity: dict[str, object]) -> dict[str, object]:
    """Leave out settings that older checkpoints lack, where they are not used, and those that change no number.

    Args:
        identity: settings by dotted names.

    Returns:
        The same without groups, folds and transforms that are None, and without what says when images are decoded.
    """
    found: dict[str, object] = {}
    for name, value in identity.items():
        if name not in _CHANGE_NOTHING and (name not in _SINCE or value is not None):
            found[name] = value
    return found
