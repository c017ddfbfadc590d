"""Data sets by name: the digits of scikit-learn, which need no download, and four data sets of torchvision."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainables.data.images import Raw, Split, raw_images
from trainables.errors import DataError

__all__ = ["LAYOUT", "NAMED", "TORCHVISION", "load_digits", "load_torchvision"]

TORCHVISION = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
}
"""The class of `torchvision.datasets` by our name."""

LAYOUT = {
    "mnist": "MNIST/raw",
    "fashion_mnist": "FashionMNIST/raw",
    "cifar10": "cifar-10-batches-py",
    "cifar100": "cifar-100-python",
}
"""The folder of torchvision's files below the root, by our name."""

NAMED = ("digits", *TORCHVISION)


def load_digits() -> Raw:
    """Load the 1,797 handwritten digits of 8x8 pixels and 17 grey levels (UCI, Alpaydin and Kaynak 1998).

    Returns:
        The images, which have no test split.
    """
    rows = _digits_rows()
    images = torch.from_numpy(rows[:, :-1].astype("uint8")).view(-1, 1, 8, 8)
    return raw_images("digits", Split(images, torch.from_numpy(rows[:, -1].astype("int64"))))


def _digits_rows() -> np.ndarray:
    """A row for each digit: its pixels and its class.

    The file in scikit-learn's folder is read without importing scikit-learn, which takes 1.5 s of every process.
    """
    package = find_spec("sklearn")
    file = Path(package.origin).parent / "datasets/data/digits.csv.gz" if package and package.origin else None
    if file is not None and file.is_file():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as read

    digits = read()
    return np.column_stack([digits.data, digits.target])


def load_torchvision(name: str, root: Path, *, download: bool) -> Raw:
    """Read a torchvision data set from its files.

    Args:
        name: a key of `TORCHVISION`.
        root: the folder with the files in torchvision's layout.
        download: whether to download missing files first.

    Returns:
        The images, with a test split.

    Raises:
        DataError: the files are missing or damaged, or the download fails.
    """
    train, classes = _read(name, root, download, train=True)
    test, _ = _read(name, root, download, train=False)
    return raw_images(name, train, test, classes)


def _read(name: str, root: Path, download: bool, *, train: bool) -> tuple[Split, tuple[str, ...]]:
    from torchvision import datasets

    maker: Any = getattr(datasets, TORCHVISION[name])
    try:
        found = maker(str(root), train=train, download=download)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        remedy = "give download=True to fetch it" if not download else "check the connection, or copy the files there"
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{name} cannot be read below {root} ({why}); {remedy}") from error
    images = torch.as_tensor(found.data)
    images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.as_tensor(found.targets).long()), tuple(found.classes)
