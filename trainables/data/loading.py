"""From the settings of a data set of images to its parts on a device, with one cache per process.

`trainables.data.reading` reads the data set; here it is split and described. Folds of a cross-validation share the
memory of the images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Generic, TypeVar

import torch

from trainables.data.folding import FoldCache, fold_of
from trainables.data.images import ImageData, Raw, lacking_classes
from trainables.data.noticed import noticed_images
from trainables.data.reading import (
    Stamp,
    has_files,
    is_to_be_fetched,
    load_raw,
    load_raw_multi,
    load_raw_numbers,
    stamp_of,
)
from trainables.data.settings import DataSettings
from trainables.data.split import rows_of, split_data
from trainables.data.summary import summary_of
from trainables.data.targets import ImageNumbers, with_moments

__all__ = ["check_data", "described_images", "load_images", "load_multi", "load_numbers"]

T = TypeVar("T", bound=ImageData)


def load_images(settings: DataSettings, device: torch.device) -> ImageData:
    """Load a data set, split it, and keep it for later calls. A change of the settings or files reads it again.

    Args:
        settings: the data set and how it is split.
        device: where the images are stored.

    Returns:
        The three splits.

    Raises:
        DataError: the data set is missing, damaged or cannot be split.
    """
    return _IMAGES.get(settings, device)


def load_numbers(settings: DataSettings, device: torch.device) -> ImageNumbers:
    """Load a data set whose targets are numbers as `load_images` loads one with classes.

    Args:
        settings: the data set and how it is split.
        device: where the images are stored.

    Returns:
        The three splits, with the statistics of the training targets.

    Raises:
        DataError: the data set is missing, damaged or cannot be split, or a target is not a number.
    """
    return _NUMBERS.get(settings, device)


def load_multi(settings: DataSettings, columns: tuple[str, ...], device: torch.device) -> ImageData:
    """Load a data set whose images have several classes as `load_images` loads one with one class each.

    Args:
        settings: the data set and how it is split.
        columns: the columns of Parquet files, one for each class; none for the one of `label_column`.
        device: where the images are stored.

    Returns:
        The three splits; labels (n, k), uint8.

    Raises:
        DataError: the data set is missing, damaged or cannot be split, or a label is neither 0 nor 1.
    """
    return _MULTI.get(settings, device, columns)


def check_data(settings: DataSettings, read: Callable[[], Raw] | None = None) -> None:
    """Read and split a data set as every training would, unless it still has to be downloaded.

    Args:
        settings: the data set and how it is split.
        read: reads the data set; `load_raw` by default.

    Raises:
        DataError: the data set is missing, damaged or cannot be split; the message names the places that were searched.
    """
    if settings.data == "digits" and settings.folds is None:
        return
    if is_to_be_fetched(settings):
        return
    shares = {"validation_share": settings.validation_share, "test_share": settings.test_share}
    raw, whole = read() if read else load_raw(settings), settings.whole
    rows_of(raw, **shares, seed=settings.seed, whole=whole, fold=fold_of(settings))


def described_images(settings: DataSettings, read: Callable[[], Raw] | None = None) -> list[str]:
    """Describe the images of a data set and how they are split, and warn of copies and of images of one value.

    Args:
        settings: the data set and how it is split.
        read: reads the data set; `load_raw` by default.

    Returns:
        One line, and one for each warning; none for a data set of `NAMED` whose files are scikit-learn's or
        torchvision's.
    """
    if not has_files(settings):
        return []
    raw = read() if read else load_raw(settings)
    shares = {"validation_share": settings.validation_share, "test_share": settings.test_share}
    fold = fold_of(settings)
    rows, held, tested = rows_of(raw, **shares, seed=settings.seed, whole=settings.whole, fold=fold)
    summary = summary_of(raw, len(rows), len(held), len(tested), whole=settings.whole, shares=shares, fold=fold)
    images = raw.train.images
    parts = {"train": images[rows]}
    for part, given, drawn in (("validation", raw.validation, held), ("test", raw.test, tested)):
        parts[part] = given.images if given is not None else images[drawn]
    notes = noticed_images(parts)
    if raw.groups and raw.classes:
        for part, index in (("train", rows), ("validation", held), ("test", tested)):
            # A part without drawn rows is as given, or left out.
            lacking = lacking_classes(part, raw.train.labels[index], raw.classes) if len(index) else []
            notes += [f"warning: {note}" for note in lacking]
    return [summary, *notes]


class _Loading(Generic[T]):
    """Splits the data sets of one kind of target, and keeps them for later calls.

    Args:
        read: reads a data set without splitting it.
        finish: completes the split data.
    """

    def __init__(self, read: Callable[..., Raw], finish: Callable[[ImageData], T]) -> None:
        self._read, self._finish = read, finish
        self.kept = lru_cache(maxsize=4)(self._loaded)
        self.folds = FoldCache[Raw, T]()

    def get(self, settings: DataSettings, device: torch.device, *more: tuple[str, ...]) -> T:
        """Look the parts of a data set up, or load them; `more` are further arguments of `read`."""
        stamp, place = stamp_of(settings), str(device)
        if (fold := fold_of(settings)) is None:
            return self.kept(settings, place, stamp, *more)
        key = (replace(settings, fold=None), place, stamp, *more)
        # The images are on the device once: each fold chooses its rows of them.
        return self.folds.get(
            key,
            fold,
            lambda: self._read(settings, *more).with_images_on(device),
            lambda raw: self._parted(raw, settings, place),
        )

    def _loaded(self, settings: DataSettings, place: str, stamp: Stamp, *more: tuple[str, ...]) -> T:
        return self._parted(self._read(settings, *more), settings, place)

    def _parted(self, raw: Raw, settings: DataSettings, place: str) -> T:
        parted = split_data(
            raw,
            validation_share=settings.validation_share,
            test_share=settings.test_share,
            seed=settings.seed,
            device=torch.device(place),
            whole=settings.whole,
            fold=fold_of(settings),
        )
        return self._finish(parted)


def _as_they_are(data: ImageData) -> ImageData:
    return data


_IMAGES = _Loading(load_raw, _as_they_are)
_NUMBERS: _Loading[ImageNumbers] = _Loading(load_raw_numbers, with_moments)
_MULTI = _Loading(load_raw_multi, _as_they_are)
