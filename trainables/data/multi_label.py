"""Images with several classes each: labels (n, k), uint8, 1 for each class that an image has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.images import Raw, Split, check_images_of, lacking_classes
from trainables.errors import DataError

__all__ = ["kinds_of", "labels_of_rows", "multi_labels", "named_classes", "raw_multi", "stratified_labels"]

_REMEDY = "1 where an example has the class, else 0; several numbers for each example are a regression"


def multi_labels(values: np.ndarray[Any, Any], place: str) -> Tensor:
    """Convert the labels of one part.

    Args:
        values: (n, k), 0 and 1 or bools.
        place: names the labels in messages.

    Returns:
        (n, k), uint8.

    Raises:
        DataError: a value is neither 0 nor 1, or the shape is another one.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "buif" or array.shape[1] < 2:
        raise DataError(
            f"{place} is {array.dtype} of shape {array.shape}; labels of several classes have the shape (n, classes), "
            f"{_REMEDY}"
        )
    wrong = np.argwhere((array != 0) & (array != 1))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{place}, row {row}: the label of class {column} is {array[row, column]}; it must be {_REMEDY}"
        )
    return torch.from_numpy(array.astype(np.uint8))


def named_classes(rows: Sequence[Any]) -> tuple[str, ...]:
    """Collect the classes of labels that are lists of names.

    Args:
        rows: of each training example a list of the names of its classes, or of 0 and 1.

    Returns:
        The names, sorted; none where the labels are numbers.
    """
    return tuple(sorted({name for row in rows if row is not None for name in row if isinstance(name, str)}))


def labels_of_rows(rows: Sequence[Any], classes: Sequence[str], place: str) -> Tensor:
    """Convert the labels of one part, as Parquet files have them.

    Args:
        rows: for each example the names of its classes, or 0 or 1 for each class.
        classes: the names of the classes, of the former; none for the latter.
        place: names the labels in messages.

    Returns:
        (n, k), uint8.

    Raises:
        DataError: a row has no list, a name that no training example has, or more or fewer numbers than others.
    """
    for row, found in enumerate(rows):
        if found is None:
            raise DataError(f"{place}, row {row}: there is no label; give a list, which may be empty")
    if not classes:
        width = len(rows[0])
        odd = next((row for row, found in enumerate(rows) if len(found) != width), None)
        if odd is not None:
            raise DataError(
                f"{place}, row {odd} has {len(rows[odd])} labels and row 0 has {width}; give 0 or 1 for each class, or "
                "lists of the names of the classes"
            )
        missing = next((row for row, found in enumerate(rows) if None in found), None)
        if missing is not None:
            raise DataError(f"{place}, row {missing}: a label is missing; it must be {_REMEDY}")
        return multi_labels(np.array([list(found) for found in rows]), place)
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.zeros((len(rows), len(classes)), np.uint8)
    for row, found in enumerate(rows):
        for name in found:
            if name not in numbers:
                known = ", ".join(map(repr, classes[:10]))
                raise DataError(
                    f"{place}, row {row} has the class {name!r}, which no training example has (they have {known}); "
                    "correct it, or add training examples of it"
                )
            labels[row, numbers[name]] = 1
    return multi_labels(labels, place)


def raw_multi(
    name: str,
    train: Split,
    test: Split | None = None,
    classes: tuple[str, ...] = (),
    *,
    validation: Split | None = None,
    notes: Sequence[str] = (),
) -> Raw:
    """Check images and labels against each other.

    Args:
        name: names the data set in messages.
        train: the images for training; labels (n, k), uint8.
        test: the test images, where there are any.
        classes: names of the classes in the order of their labels; empty names them "0", "1", ...
        validation: the validation images, where there are any.
        notes: for people; classes that a part lacks are added.

    Returns:
        The data set.

    Raises:
        DataError: a shape breaks a rule, the parts have different numbers of classes, or no training image has a class.
    """
    held = {title: split for title, split in (("validation", validation), ("test", test)) if split is not None}
    check_images_of(name, train, held)
    width = train.labels.shape[1]
    for title, split in held.items():
        if split.labels.shape[1] != width:
            raise DataError(
                f"{name}: training labels have {width} classes, {title} labels {split.labels.shape[1]}; give all parts "
                "the same classes"
            )
    if classes and len(classes) != width:
        raise DataError(f"{name}: {len(classes)} classes have names, and labels have {width}; give a name for each")
    named = classes or tuple(str(number) for number in range(width))
    often = train.labels.long().sum(0)
    if bool((often == 0).any()):
        lacking = [named[number] for number in (often == 0).nonzero().flatten().tolist()]
        said = ", ".join(lacking[:10])
        raise DataError(f"{name}: no training image has the class {said}; add images of it, or leave the class out")
    found = list(notes)
    if bool((often == len(train)).any()):
        always = [named[number] for number in (often == len(train)).nonzero().flatten().tolist()]
        found.append(f"every training image has the class {', '.join(always[:10])}")
    for title, split in held.items():
        found.extend(lacking_classes(title, split.labels, named))
    return Raw(name, train, test, named, validation, tuple(found))


def kinds_of(labels: Tensor, least: int) -> Tensor:
    """Choose one class for each example, by which folds are dealt out.

    Args:
        labels: (n, k), uint8.
        least: the fewest examples of a class; those of rarer ones, and examples without a class, have the number k.

    Returns:
        (n,), int64: the number of the rarest class that the example has.
    """
    count = labels.shape[1]
    often = labels.long().sum(0)
    order = often.argsort(stable=True)
    found = torch.full((len(labels),), count)
    for kind in reversed(order.tolist()):
        found[labels[:, kind] > 0] = kind
    sizes = found.bincount(minlength=count + 1)
    found[sizes[found] < least] = count
    if 0 < int((found == count).sum()) < least:
        found[found == count] = int(order[-1])
    return found


def stratified_labels(labels: Tensor, rows: Tensor, share: float, seed: int, title: str) -> tuple[Tensor, Tensor]:
    """Split rows in two so that each class keeps its share, as far as that is possible with several classes a row.

    The rows of the rarest class are parted first, as in iterative stratification (Sechidis et al. 2011, "On the
    stratification of multi-label data").

    Args:
        labels: (n, k), uint8, of all examples.
        rows: (m,), the indices into `labels` that are split.
        share: share of the rows for the second part.
        seed: decides which rows are drawn.
        title: names the split in messages.

    Returns:
        The remaining rows and the drawn rows, each sorted.

    Raises:
        DataError: a class has fewer than two rows.
    """
    generator = torch.Generator().manual_seed(seed)
    mixed = rows[torch.randperm(len(rows), generator=generator)]
    held = labels[mixed].bool()
    often = held.long().sum(0)
    if int(often.min()) < 2:
        kind = int(often.argmin())
        raise DataError(
            f"{title}: class {kind} has {int(often[kind])} example(s) left and each split needs one; add examples of "
            "it, or leave the class out"
        )
    drawn, open_ = torch.zeros(len(mixed), dtype=torch.bool), torch.ones(len(mixed), dtype=torch.bool)
    for kind in often.argsort(stable=True).tolist():
        members = (open_ & held[:, kind]).nonzero().flatten()
        already = int((drawn & held[:, kind]).sum())
        elsewhere = int(often[kind]) - already - len(members)
        wanted = max(round(int(often[kind]) * share), 1) - already
        most = len(members) if elsewhere else len(members) - 1
        count = min(max(wanted, 0 if already else 1), most)
        drawn[members[: max(count, 0)]] = True
        open_[members] = False
    others = open_.nonzero().flatten()
    wanted = round(len(mixed) * share) - int(drawn.sum())
    drawn[others[: max(wanted, 0)]] = True
    return mixed[~drawn].sort().values, mixed[drawn].sort().values
