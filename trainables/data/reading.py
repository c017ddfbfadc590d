"""From a name or a path to a data set of images as it is read, before it is split, with one cache per process.

A name is one of `NAMED`. The data root is the setting `root`, or else the environment variable NAS_TUNE_DATA. Below it,
a folder of that name with Parquet files or an `.npz` file of that name is preferred to torchvision's files. Everything
else is a path, which is looked up from the current folder and then below the root.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from search_spaces.names import did_you_mean
from trainables.data.file_sizes import check_encoded
from trainables.data.folders import is_image_folder, load_image_folder
from trainables.data.gathering import Decoding
from trainables.data.images import Raw
from trainables.data.named import LAYOUT, NAMED, TORCHVISION, load_digits, load_torchvision
from trainables.data.npz import load_npz
from trainables.data.parquet import load_parquet, parquet_files
from trainables.data.parts import visible
from trainables.data.settings import DataSettings
from trainables.data.targets import as_numbers
from trainables.errors import DataError
from trainables.kept_data import is_kept, kept_file

__all__ = [
    "ROOT_VARIABLE",
    "Stamp",
    "data_path",
    "has_files",
    "is_to_be_fetched",
    "load_raw",
    "load_raw_multi",
    "load_raw_numbers",
    "several_classes",
    "stamp_of",
]

ROOT_VARIABLE = "NAS_TUNE_DATA"
Stamp = tuple[object, ...]
"""What changes with the files of a data set."""


def load_raw(settings: DataSettings) -> Raw:
    """Read a data set without splitting it, and keep it for later calls.

    Args:
        settings: the data set.

    Returns:
        The data set on the CPU.

    Raises:
        DataError: the data set is missing or damaged.
    """
    return _load_raw(_of_files(settings), stamp_of(settings))


def load_raw_numbers(settings: DataSettings) -> Raw:
    """Read a data set whose targets are numbers without splitting it, and keep it for later calls.

    Args:
        settings: the data set. Where it has classes, their names are the numbers.

    Returns:
        The data set on the CPU.

    Raises:
        DataError: the data set is missing or damaged, or a target is not a number.
    """
    return _load_raw_numbers(_of_files(settings), stamp_of(settings))


def load_raw_multi(settings: DataSettings, columns: tuple[str, ...] = ()) -> Raw:
    """Read a data set whose images have several classes without splitting it, and keep it for later calls.

    Args:
        settings: the data set.
        columns: as in `load_multi`.

    Returns:
        The data set on the CPU.

    Raises:
        DataError: the data set is missing or damaged, or a label is neither 0 nor 1.
    """
    return _load_raw_multi(_of_files(settings), columns, stamp_of(settings))


def several_classes(settings: DataSettings) -> bool:
    """Look whether images have several classes, and keep the answer for later calls.

    Args:
        settings: the data set.

    Returns:
        False where the data are not there, as on the driver of a cluster.
    """
    from trainables.data.guessing import has_several_classes

    try:
        return _several_classes(has_several_classes, settings, stamp_of(settings))
    except DataError:
        return False


def is_to_be_fetched(settings: DataSettings) -> bool:
    """Check whether torchvision still has to download a data set.

    Args:
        settings: the data set.

    Returns:
        Whether its files are not there, and may be fetched.

    Raises:
        DataError: they are not there, and may not be fetched; or a path does not exist.
    """
    if settings.data == "digits" or data_path(settings.data, settings.root) is not None:
        return False
    place = _root(settings.data, settings.root) / LAYOUT[settings.data]
    if place.is_dir():
        return False
    if settings.download:
        return True
    raise DataError(
        f"{settings.data} is not below {settings.root or os.environ.get(ROOT_VARIABLE)}: there is no {place}; "
        "give download=True to fetch it, or copy the files there"
    )


def has_files(settings: DataSettings) -> bool:
    """Check whether a data set is one of files that the user has, rather than scikit-learn's or torchvision's own.

    Args:
        settings: the data set.

    Returns:
        Whether it is.

    Raises:
        DataError: a path does not exist.
    """
    if settings.data == "digits":
        return False
    return settings.data not in TORCHVISION or data_path(settings.data, settings.root) is not None


def _of_files(settings: DataSettings) -> DataSettings:
    """The settings by which files are read, with the defaults of those by which images are parted."""
    usual = DataSettings()
    return replace(
        settings,
        validation_share=usual.validation_share,
        test_share=usual.test_share,
        folds=usual.folds,
        fold=usual.fold,
        seed=usual.seed,
        whole=usual.whole,
    )


@lru_cache(maxsize=16)
def _several_classes(look: Callable[[DataSettings], bool], settings: DataSettings, stamp: Stamp) -> bool:
    return look(settings)


@lru_cache(maxsize=2)
def _load_raw_multi(of: DataSettings, columns: tuple[str, ...], stamp: Stamp) -> Raw:
    path = None if of.data == "digits" else data_path(of.data, of.root)
    if path is not None and ((path.suffix.lower() == ".npz" and not columns) or parquet_files(path)):
        return _of_arrays_or_rows(path, of, multi=True, label_columns=columns)
    what = f"columns {', '.join(columns)}" if columns else "labels of several classes"
    raise DataError(
        f"{of.data} has no {what}: give an .npz file with labels (n, classes), or Parquet files with a column of lists "
        "or a column for each class; leave labels and target out for one class an image"
    )


@lru_cache(maxsize=2)
def _load_raw_numbers(of: DataSettings, stamp: Stamp) -> Raw:
    path = None if of.data == "digits" else data_path(of.data, of.root)
    if path is not None and (path.suffix.lower() == ".npz" or parquet_files(path)):
        return _of_arrays_or_rows(path, of, numbers=True)
    return as_numbers(_load_raw(of, stamp))


def _of_arrays_or_rows(
    path: Path, of: DataSettings, *, numbers: bool = False, multi: bool = False, label_columns: tuple[str, ...] = ()
) -> Raw:
    groups = of.validation_groups
    if path.suffix.lower() == ".npz":
        return load_npz(
            path,
            target=of.label_column,
            numbers=numbers,
            multi=multi,
            title="the given data" if is_kept(of.data) else None,  # messages have no path of a kept object
            groups=groups,
            stream=of.stream,
            loaders=of.loaders,
        )
    check_encoded(path, parquet_files(path))
    return load_parquet(
        path,
        Decoding.of(of),
        image_column=of.image_column,
        label_column=of.label_column,
        numbers=numbers,
        multi=multi,
        label_columns=label_columns,
        groups=groups,
    )


@lru_cache(maxsize=2)
def _load_raw(of: DataSettings, stamp: Stamp) -> Raw:
    data = of.data
    path = None if data == "digits" else data_path(data, of.root)
    of_files = path is not None and (path.suffix.lower() == ".npz" or parquet_files(path))
    if of.validation_groups is not None and (path is None or not (of_files or is_image_folder(path))):
        raise DataError(
            f"validation_groups is {of.validation_groups!r}, and {data} has no groups: it names an array of an .npz "
            "file, a column of Parquet files, or a pattern of the names in a folder of images; leave it out"
        )
    if data == "digits":
        return load_digits()
    if path is None:
        return load_torchvision(data, _root(data, of.root), download=of.download)
    if of_files:
        return _of_arrays_or_rows(path, of)
    if is_image_folder(path):
        return load_image_folder(path, Decoding.of(of), groups=of.validation_groups)
    raise DataError(
        f"{path} is not a data set of images: an .npz file, a Parquet file or folder, or a folder with one sub-folder "
        "of images per class is needed; tables (.csv, .tsv, .parquet), texts (.txt) and signals (.wav) have tasks of "
        "their own"
    )


def data_path(data: str, root: str | None) -> Path | None:
    """Find the path of a data set.

    Args:
        data: the setting `data`, but for "digits", which has none.
        root: the setting `data_root`.

    Returns:
        The path; None for a torchvision data set in torchvision's own layout.

    Raises:
        DataError: there is no such data set.
    """
    below = root or os.environ.get(ROOT_VARIABLE)
    if data in TORCHVISION:
        own = [Path(below) / data, Path(below) / f"{data}.npz"] if below else []
        return next((path for path in own if path.is_file() or parquet_files(path)), None)
    kept = kept_file(data)
    tried = [*([] if kept is None else [kept]), Path(data), *([Path(below) / data] if below else [])]
    for path in tried:
        if path.exists():
            return path
    places = " or ".join(str(path) for path in tried)
    raise DataError(
        f"there is no data set {data!r}{did_you_mean(data, NAMED) or ';'} known names: {', '.join(NAMED)}; "
        f"as a path, {places} does not exist"
    )


def _root(data: str, root: str | None) -> Path:
    below = root or os.environ.get(ROOT_VARIABLE)
    if not below:
        raise DataError(
            f"{data} needs a folder for its files; give data_root=<folder> (and download=True to fetch them) "
            f"or set {ROOT_VARIABLE}"
        )
    return Path(below)


def stamp_of(settings: DataSettings) -> Stamp:
    """Collect sizes and times of the files, which reveal a change; for images those of the folders stand for them.

    Args:
        settings: the data set.

    Returns:
        A value that differs as soon as a file differs.

    Raises:
        DataError: a path does not exist.
    """
    if settings.data == "digits" or is_kept(settings.data):
        return ()
    path = data_path(settings.data, settings.root)
    found = [] if path is None else parquet_files(path) or [path, *visible(path.glob("**/"), path)]
    below = settings.root or os.environ.get(ROOT_VARIABLE)
    return (below, *((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in found))
